# SPDX-License-Identifier: GPL-2.0-or-later
"""What the net tests share: the programs under test, and checks that are printed one by one."""
import errno
import json
import os
import shutil
import socket
import sys
import traceback

from lab import LabError


def _program(variable, name):
	path = os.environ.get(variable) or shutil.which(name)
	if not path:
		sys.exit(f"{name} not found; set {variable} to its path, as ctest does")
	return os.path.abspath(path)


def command():
	"""The leadglass under test."""
	return _program("LEADGLASS", "leadglass")


def traffic():
	"""tests/net/traffic.c, built."""
	return _program("LEADGLASS_TRAFFIC", "traffic")


class Checks:
	def __init__(self):
		self.done = self.failed = 0

	def check(self, good, what, detail=""):
		"""Counts and prints one check; goes on when it fails. Returns whether it is good."""
		self.done += 1
		self.failed += not good
		print(f"{'ok  ' if good else 'FAIL'} {what}", flush=True)
		if not good and detail:
			print("".join(f"       {line}\n" for line in str(detail).strip().splitlines()[:40]), end="", flush=True)
		return bool(good)

	def equal(self, found, wanted, what):
		return self.check(found == wanted, what, f"found:  {found}\nwanted: {wanted}")


def load(host, policy, *options, name="policy.conf"):
	"""Writes a policy into the lab's folder and loads it on a host. The CompletedProcess."""
	path = host.lab.dir / name
	path.write_text(policy)
	return host.run(command(), "load", *options, path)


def must_load(host, policy, *options, name="policy.conf"):
	done = load(host, policy, *options, name=name)
	if done.returncode != 0:
		raise LabError(f"load: exit {done.returncode}\n{done.stdout}{done.stderr}\n{policy}")
	return done


def reach(host, address, port, timeout=1.0, source=""):
	"""What comes of a TCP connect from the host: connected, refused, silence, or forbidden (its own wall)."""
	def attempt():
		family = socket.AF_INET6 if ":" in address else socket.AF_INET
		with socket.socket(family, socket.SOCK_STREAM) as connection:
			connection.settimeout(timeout)
			try:
				connection.bind((source, 0))
				connection.connect((address, port))
				return "connected"
			except ConnectionError:
				return "refused"
			except (TimeoutError, OSError) as error:
				return "forbidden" if error.errno == errno.EPERM else "silence"
	return host.call(attempt)


def nft_json(host, *words):
	"""What `nft -j` prints, the list under "nftables"."""
	return json.loads(host.run("nft", "-j", *words, check=True).stdout)["nftables"]


def run(test):
	"""Calls test(checks) and exits as ctest wants it: 0 all good, 1 something failed."""
	checks = Checks()
	try:
		test(checks)
	except LabError as error:
		checks.check(False, "the lab works", error)
	except Exception:
		checks.check(False, "the test itself works", traceback.format_exc())
	print(f"{checks.done} checks, {checks.failed} failed")
	sys.exit(1 if checks.failed or not checks.done else 0)
