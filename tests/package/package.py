# SPDX-License-Identifier: GPL-2.0-or-later
"""What the package tests share: building a package, and small Debians that mmdebstrap makes of the packages this
machine itself would install. Everything is made below the folder given on the command line; nothing of this machine
changes."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "net"))
sys.path.append(str(SOURCE / "firmware"))
from builder.debian import sources  # noqa: E402
CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def say(*words):
	print(*words, flush=True)


def must(*words, **popen):
	"""Runs a command; its output. Ends the test when it fails."""
	words = [str(word) for word in words]
	done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
	                      text=True, **popen)
	if done.returncode != 0:
		say(done.stdout[-6000:])
		sys.exit(f"{' '.join(words)}: exit {done.returncode}")
	return done.stdout


def build(preset, folder, versions, environment=None):
	"""Builds with a preset into `folder`, and a package of each version. Their paths."""
	environment = {**os.environ, **(environment or {})}
	must("cmake", "--preset", preset, "-B", folder, cwd=SOURCE, env=environment)
	must("cmake", "--build", folder, "--parallel", "2", env=environment)
	packages = []
	for version in versions:
		for old in folder.glob("*.deb"):
			old.unlink()
		must("cpack", *(["-R", version] if version else []), cwd=folder, env=environment)
		made = next(folder.glob("*.deb"))
		packages.append(made.rename(folder.parent / made.name))
	return packages


def control(package):
	"""The fields of a package."""
	text = must("dpkg-deb", "--field", package)
	return dict(re.findall(r"^(\S+): (.*)$", text, re.M))


def codename():
	"""Of this machine's Debian."""
	return re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)[1]


def make_debian(target, *options, packages, release=None):
	"""A Debian in the folder `target`, of this machine's release if no other is named."""
	release = release or codename()
	settings = target.parent / f"{target.name}.apt.conf"
	# How it reaches the network, if in a special way
	settings.write_text("".join(line + "\n" for line in must("apt-config", "dump").splitlines()
	                            if line.startswith("Acquire::")))
	words = ["mmdebstrap", "--quiet", "--skip=cleanup/apt", "--format=directory", f"--aptopt={settings}",
	         f"--include={','.join(packages)}", *options, release, str(target), "-"]
	done = subprocess.run(words, input=sources(release), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	if done.returncode != 0:
		say(done.stdout[-6000:])
		sys.exit(f"mmdebstrap: exit {done.returncode}")


def fresh_folder(name):
	"""The folder of this test, empty."""
	folder = Path(name).resolve()
	shutil.rmtree(folder, ignore_errors=True)
	folder.mkdir(parents=True)
	return folder
