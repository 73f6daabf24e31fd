#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: trixie.py FOLDER

Builds leadglass in a small Debian 13, with its compiler and against its mbedTLS 3.6, warnings being errors, and runs
there everything that has to do with signed policies: what Debian 12's mbedTLS 2.28 is held against, 3.6 is, too. As
root.
"""
import json
import re
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import PurePosixPath

import package
from package import SOURCE, say

from check import run

PACKAGES = ["gcc", "libc6-dev", "cmake", "ninja-build", "pkg-config", "libmnl-dev", "libnftnl-dev", "libmbedtls-dev",
            "libcmocka-dev", "openssl", "python3", "iproute2", "faketime"]
TESTS = r"^(unit\.(base-signed_text|policy|sandbox-apart|state|trust)|cli\.(sign|trust|verify_signature))"
AT_LEAST = 60  # tests; fewer, and the pattern misses them


class Debian:
	def __init__(self, root):
		self.root = root
		for name in ("source", "build"):
			(root / name).mkdir()

	def run(self, *words):
		"""Runs a command in there, in /source, without a network. The CompletedProcess."""
		# / has to be a mount of its own, or ip(8) cannot enter a namespace.
		script = ('mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount -t sysfs sys "$0/sys" &&'
		          ' mount --bind -o ro "$1" "$0/source" && cd "$0/source" && root=$0 &&'
		          ' shift && exec chroot "$root" sh -c \'cd /source && exec "$@"\' sh "$@"')
		return subprocess.run(["unshare", "--mount", "--net", "sh", "-c", script, self.root, SOURCE, *words],
		                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
		                      env=package.CLEAN)

	def must(self, *words):
		"""What it prints."""
		done = self.run(*words)
		if done.returncode != 0:
			say(done.stdout[-12000:])
			sys.exit(f"{' '.join(words)}: exit {done.returncode}")
		return done.stdout


def programs(debian):
	"""The targets that the tests need: the programs of the build which their command lines name. (A unit test that is
	not built has no command line yet, and its target's name.)"""
	tests = json.loads(debian.must("ctest", "--test-dir", "/build", "-R", TESTS, "--show-only=json-v1"))["tests"]
	words = {word for test in tests for word in test.get("command", [test["name"].replace(".", "-")])}
	return sorted({PurePosixPath(word).name for word in words if word.startswith(("/build/bin/", "unit-"))})


def main():
	if len(sys.argv) != 2:
		sys.exit(__doc__.strip())
	folder = package.fresh_folder(sys.argv[1])

	def test(checks):
		began = time.monotonic()
		package.make_debian(folder / "debian", "--variant=essential", packages=PACKAGES, release="trixie")
		say(f"a Debian after {time.monotonic() - began:.0f} s")
		debian = Debian(folder / "debian")
		version = debian.must("dpkg-query", "--show", "--showformat=${Version}", "libmbedtls-dev")
		checks.check(version.startswith("3.6."), f"its mbedTLS is {version}")

		debian.must("cmake", "--preset", "dev", "-B", "/build")
		wanted = ["leadglass", "leadglassd", *programs(debian)]
		done = debian.run("cmake", "--build", "/build", "--parallel", "2", "--target", *wanted)
		if not checks.equal(done.returncode, 0, "everything that is shipped, and the tests, build without a warning"):
			say("\n".join(re.findall(r"(?m)^.*(?:error|warning): .*$", done.stdout)))
			return
		say(f"built after {time.monotonic() - began:.0f} s")
		needed = debian.must("readelf", "--dynamic", "/build/bin/leadglass")
		checks.check(re.search(r"libmbedcrypto\.so\.(1[6-9]|[2-9]\d)", needed), "it uses that mbedTLS", needed)

		done = debian.run("ctest", "--test-dir", "/build", "-R", TESTS, "--parallel", "2", "--output-on-failure",
		                  "--timeout", "300", "--output-junit", "/build/junit.xml")
		cases = xml.etree.ElementTree.parse(debian.root / "build" / "junit.xml").getroot().findall("testcase")
		bad = [case.get("name") for case in cases if case.get("status") != "run"]
		if not checks.equal(bad, [], f"{len(cases)} tests ran and passed"):
			say(done.stdout[-12000:])
		checks.check(len(cases) >= AT_LEAST, f"these are at least {AT_LEAST}")
		say(f"done after {time.monotonic() - began:.0f} s")

	try:
		run(test)
	finally:
		subprocess.run(["rm", "-rf", folder / "debian"])


if __name__ == "__main__":
	main()
