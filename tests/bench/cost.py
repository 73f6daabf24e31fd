# SPDX-License-Identifier: GPL-2.0-or-later
"""What load.py and change.py measure with: a command by the kernel's own account, the parts of a load, and who disturbs
both."""
import os
import subprocess
import sys
from pathlib import Path

NFTABLES_GROUP = 1 << 6  # of netlink: changes of rules are told there
NETFILTER = "12"         # the netlink protocol
# Of tests/bench/parts.c, in its order.
PARTS = ("parse", "lint", "compile", "read_kernel", "read_ours", "plan", "transaction", "conntrack", "back_kernel",
         "back_ours")


def measure(program, enter, words, **popen):
	"""Runs a command by tests/bench/measure.c: {wall, cpu, user, system (ms), peak (MiB)} and its output."""
	read, write = os.pipe()
	try:
		# The measuring program wants the pipe as descriptor 3.
		done = subprocess.run([*enter, "sh", "-c", f"exec 3>&{write}; exec \"$@\"", "sh", program, *map(str, words)],
		                      stdin=subprocess.DEVNULL, capture_output=True, text=True, pass_fds=[write], timeout=600, **popen)
	finally:
		os.close(write)
	with os.fdopen(read) as result:
		line = result.read().split()
	if done.returncode or not line or line[4] != "0":
		sys.exit(f"{' '.join(map(str, words))}: exit {line[4:]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
	wall, user, system, peak = map(int, line[:4])
	return {"wall": wall / 1000, "cpu": (user + system) / 1000, "user": user / 1000, "system": system / 1000,
	        "peak": peak / 1024}, done


def parts(program, host, *policies):
	"""Loads policies one after the other in one process (tests/bench/parts.c): [{part: ms}], one for each."""
	done = host.run(program, *policies, timeout=600, check=True)
	return [dict(zip(PARTS, (int(word) / 1000 for word in line.split()))) for line in done.stdout.splitlines()]


def listeners():
	"""Sockets anywhere on this machine that hear of changed rules. The kernel then tells each change of each namespace, which
	makes a transaction several times as expensive: what is measured meanwhile is not what is asked."""
	seen, found = set(), 0
	for process in Path("/proc").glob("[0-9]*"):
		try:
			namespace = os.readlink(process / "ns/net")
			if namespace in seen:
				continue
			seen.add(namespace)
			lines = (process / "net/netlink").read_text().splitlines()[1:]
		except OSError:
			continue
		for line in map(str.split, lines):
			found += line[1] == NETFILTER and bool(int(line[3], 16) & NFTABLES_GROUP)
	return found


def caution(disturbed, measured):
	"""Markdown; empty when nobody listened."""
	if not disturbed:
		return ""
	return f"\n**Others on this machine listened to changed rules in {disturbed} of {measured} rounds: transactions cost more then.**"
