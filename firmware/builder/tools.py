# SPDX-License-Identifier: GPL-2.0-or-later
"""What every step of a firmware build uses: running programs, saying what happens, hashing inputs, the cache."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
FIRMWARE = SOURCE / "firmware"
began = time.monotonic()
# When a kernel was made, as far as it says so: always the same, or the next commit would need another.
KERNEL_EPOCH = 1767225600



def source_date():
	"""When what is built was written: without one time two builds would differ. $SOURCE_DATE_EPOCH, the last commit, or,
	in a tree without its history, the kernel's."""
	if "SOURCE_DATE_EPOCH" in os.environ:
		return int(os.environ["SOURCE_DATE_EPOCH"])
	if shutil.which("git"):
		done = subprocess.run(["git", "-c", f"safe.directory={SOURCE}", "-C", SOURCE, "log", "-1", "--format=%ct"],
		                      stdin=subprocess.DEVNULL, capture_output=True, text=True)
		if done.returncode == 0 and done.stdout.strip():
			return int(done.stdout)
	return KERNEL_EPOCH


EPOCH = source_date()


def say(text):
	print(f"[{time.monotonic() - began:5.0f} s] {text}", flush=True)


def fail(text):
	sys.exit(f"firmware/build: {text}")


def run(*words, log=None, **options):
	"""Runs a program; its output. Ends the build with the end of that output when it fails. `log` takes it as well."""
	words = [str(word) for word in words]
	environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC",
	               "SOURCE_DATE_EPOCH": str(EPOCH), **options.pop("env", {})}
	if "input" not in options:
		options["stdin"] = subprocess.DEVNULL
	done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, **options)
	if log:
		Path(log).write_text(done.stdout)
	if done.returncode != 0:
		print(done.stdout[-4000:], file=sys.stderr)
		fail(f"{' '.join(words)[:300]}: exit {done.returncode}" + (f"; all it said: {log}" if log else ""))
	return done.stdout


def digest(*inputs):
	"""Of texts, and of files by their names and content."""
	sha = hashlib.sha256()
	for one in inputs:
		data = one.read_bytes() if isinstance(one, Path) else str(one).encode()
		name = one.name if isinstance(one, Path) else ""
		sha.update(f"{name} {len(data)}\n".encode() + data)
	return sha.hexdigest()[:20]


def sha256(path):
	with open(path, "rb") as file:
		return hashlib.file_digest(file, "sha256").hexdigest()


def made_once(cache, name, what, fill, anew=False):
	"""A folder of the cache that is there whole or not at all. fill(folder) makes what is in it, if it is not there, or
	is to be made anew; what failed is removed by the next."""
	cache.mkdir(parents=True, exist_ok=True)
	folder, making = cache / name, cache / f"{name}.making"
	with open(cache / f"{name}.lock", "w") as lock:
		fcntl.flock(lock, fcntl.LOCK_EX)  # another build may be making the same
		if folder.is_dir() and not anew:
			say(f"{what}: from {folder}, of {time.strftime('%Y-%m-%d', time.gmtime(folder.stat().st_mtime))}")
			return folder
		if making.exists():
			shutil.rmtree(making)
		making.mkdir()
		say(f"{what}: being made")
		fill(making)
		if folder.is_dir():
			shutil.rmtree(folder)
		making.rename(folder)
	return folder
