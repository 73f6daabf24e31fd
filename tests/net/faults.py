#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong around `load`, at the level of the command: no permission, an invalid or unreadable policy,
somebody else's table, a kill -9 at any moment under traffic, a namespace without memory for it. Each time the wall
that stood goes on standing, nothing leaks, and the message and exit status say what happened."""
import os
import random
import re
import signal
import socket
import struct
import time

import check
from lab import Lab

DEVICE, PEER = "10.20.1.10", "10.20.1.5"
HEAD = "role host\ndevice ct { ae-title CT; port 11112 }\n"
PACS = f"peer main-pacs {{ address {PEER}; ae-title PACS; port 104; initiates storage; accepts echo }}\n"
KILLS = 60
TABLE_FLAG_OWNER = 2


def state(host):
	"""All of the kernel's rules, as text. What counters say changes under traffic."""
	return re.sub(r"packets \d+ bytes \d+", "", host.run("nft", "-a", "list", "ruleset", check=True).stdout)


def many(count, first):
	return HEAD + PACS + "".join(
		f"peer p{n} {{ address 10.{40 + n // 65536}.{n // 256 % 256}.{n % 256}; ae-title P{n}; port 104; initiates echo }}\n"
		for n in range(first, first + count))


def own_table(name, flags):
	"""A netlink socket that makes a table and owns it."""
	owner = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 12)  # NETLINK_NETFILTER
	owner.bind((0, 0))

	def message(kind, flags_, body, resource=0, family=0):
		return struct.pack("=IHHII", 20 + len(body), kind, flags_, 1, 0) + struct.pack(">BBH", family, 0, resource) + body

	def attribute(kind, value):
		return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)
	begin, end, new_table = 16, 17, 10 << 8  # NFNL_MSG_BATCH_BEGIN, _END, NFT_MSG_NEWTABLE
	owner.send(message(begin, 1, b"", resource=10) +
	           message(new_table, 1 | 4 | 0x400, attribute(1, name.encode() + b"\0") + attribute(2, struct.pack(">I", flags)),
	                   family=1) +  # NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE; NFPROTO_INET
	           message(end, 1, b"", resource=10))
	error = struct.unpack_from("=i", owner.recv(65536), 16)[0]
	if error:
		raise OSError(-error, os.strerror(-error))
	return owner


def permissions(checks, lab, box):
	before = state(box)
	file = lab.dir / "other.conf"
	file.write_text(HEAD)
	os.chmod(lab.dir, 0o755)
	nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
	for words in (("load", file), ("verify", file), ("list",), ("remove", "--yes")):
		done = box.run(*nobody, check.command(), *words)
		checks.equal(done.returncode, 4, f"{words[0]} without permission: exit status 4")
		checks.check(re.search("permission|CAP_NET_ADMIN|root", done.stderr), f"{words[0]}: the message says so", done.stderr)
	for words in (("check", file), ("render", file), ("print", file), ("diff", file, file)):
		done = box.run(*nobody, check.command(), *words)
		checks.equal(done.returncode, 0, f"{words[0]} needs no permission")
	done = box.run(*nobody, check.command(), "explain", file, "in", "tcp", PEER, f"{DEVICE}:11112")
	checks.equal(done.returncode, 1, "explain needs no permission")
	checks.equal(box.run(check.command(), "remove").returncode, 2, "remove without --yes: exit status 2")
	checks.check(state(box) == before, "the wall stands as before")


def bad_policies(checks, lab, box):
	before = state(box)
	for what, text, wanted in (
			("a syntax error", HEAD + PACS + "peer {", "policy.conf:4:"),
			("a host name for an address", HEAD + PACS.replace(PEER, "pacs.hospital.example"), "policy.conf:3:"),
			("an empty file", "", "role"),
			("a binary file", bytes(range(128)).decode() * 50, "policy.conf:1:"),
			("an include that is not there", HEAD + PACS + "include missing.conf\n", "missing.conf")):
		done = check.load(box, text)
		checks.equal(done.returncode, 3, f"{what}: exit status 3")
		checks.check(wanted in done.stderr, f"{what}: the message names it", done.stderr)
	done = box.run(check.command(), "load", lab.dir / "absent.conf")
	checks.check(done.returncode == 3 and "absent.conf" in done.stderr, "a file that is not there: exit status 3, named",
	             f"{done.returncode} {done.stderr}")
	done = box.run(check.command(), "load", lab.dir)
	checks.check(done.returncode == 3, "a folder: exit status 3", f"{done.returncode} {done.stderr}")
	done = box.run(check.command(), "load", "-", input=HEAD + "nonsense\n")
	checks.check(done.returncode == 3 and not done.stdout, "standard input, invalid: exit status 3", done.stderr)
	checks.check(state(box) == before, "the wall stands as before")


def read_only(checks, lab):
	"""A live system: nothing can be written anywhere."""
	box = lab.host("read-only")
	file = lab.dir / "ro.conf"
	file.write_text(HEAD + PACS)
	script = ("mount --make-rprivate / && for m in / /tmp /run /var; do mountpoint -q $m && "
	          "mount -o remount,bind,ro $m; done; touch /tmp/x 2>/dev/null && exit 99; "
	          f"{check.command()} load {file} && {check.command()} verify {file}")
	done = box.run("unshare", "--mount", "sh", "-c", script)
	checks.equal(done.returncode, 0, "load and verify write no file: they work where nothing can be written")


def owned_by_another(checks, lab):
	box = lab.host("owned")
	owner = box.call(own_table, "leadglass", TABLE_FLAG_OWNER)
	port = owner.getsockname()[0]
	before = state(box)
	done = check.load(box, HEAD + PACS)
	checks.equal(done.returncode, 4, "the table belongs to another process: exit status 4")
	checks.check(str(port) in done.stderr or "owned" in done.stderr or "belongs" in done.stderr,
	             "the message says whose it is", done.stderr)
	done = box.run(check.command(), "remove", "--yes")
	checks.equal(done.returncode, 4, "nor can it be removed: exit status 4")
	checks.check(state(box) == before, "the other's table is unchanged")
	owner.close()
	checks.equal(check.load(box, HEAD + PACS).returncode, 0, "once the owner is gone, load succeeds")


def chains_of_another(checks, lab):
	"""A table of our name that somebody else filled: load makes it ours, whatever was in it."""
	box = lab.host("squatted")
	box.run("nft", "-f", "-", check=True, input="""table inet leadglass {
	set accepts4 { type ipv6_addr; }
	map odd { type ipv4_addr : verdict; }
	counter c { }
	chain input { type filter hook input priority 0; policy accept; counter name c accept; }
	chain extra { type filter hook prerouting priority -300; policy accept; ip saddr vmap @odd; }
}
""".replace("; }", "\n}").replace("policy accept;", "policy accept\n"))
	done = check.load(box, HEAD + PACS)
	if done.returncode == 0:
		file = lab.dir / "policy.conf"
		checks.equal(box.run(check.command(), "verify", file).returncode, 0, "a squatted table: load made it ours")
	else:
		checks.check(done.returncode == 4 and done.stderr.strip(), "a squatted table: refused, and the message says why",
		             f"exit {done.returncode}: {done.stderr}")


def killed(checks, lab, box, peer):
	"""kill -9 at a random moment of a load of thousands of peers, under a flood of what is not allowed and a stream
	of what is."""
	traffic = check.traffic()
	texts, files = (HEAD + PACS, many(5000, 1), many(5000, 2500)), []
	for number, text in enumerate(texts):
		files.append(lab.dir / f"kill{number}.conf")
		files[-1].write_text(text)
	box.run(check.command(), "load", files[0], check=True)
	server = box.start(traffic, "serve", 11112).wait_port(11112)
	sink = box.start(traffic, "sink", 9999).wait_port(9999, protocol="udp")
	stream = peer.start(traffic, "connect", DEVICE, 11112)
	flood = peer.start(traffic, "flood", DEVICE, 9999, 20000)
	rng, standing, whole, interrupted = random.Random(1), 0, True, 0
	begin = time.monotonic()
	box.run(check.command(), "load", files[1], check=True)
	longest = time.monotonic() - begin
	standing = 1
	for number in range(KILLS):
		wanted = (standing + 1 + number % 2) % len(files)
		loading = box.start(check.command(), "load", files[wanted])
		time.sleep(rng.random() * longest)
		os.kill(loading.pid, signal.SIGKILL)
		interrupted += loading.wait() == -signal.SIGKILL
		fits = [index for index in (standing, wanted)
		        if box.run(check.command(), "verify", files[index]).returncode == 0]
		if not fits:
			whole = False
			print(f"     kill {number}: neither the old nor the new wall stands")
			break
		standing = fits[0]
	for process in (flood, stream, sink, server):
		process.stop()
	checks.check(interrupted >= KILLS // 4, f"{interrupted} of {KILLS} loads were killed on their way")
	checks.check(whole, "after each the wall was wholly the old or wholly the new one")
	print(f"     {flood.output().strip()}; {sink.output().strip()}; {stream.output().strip()}")
	checks.equal(sink.output().strip(), "received 0", "nothing leaked meanwhile")
	checks.check(re.search(r"connections [1-9]\d* failed 0 delayed 0", stream.output()), "no allowed connection was lost",
	             stream.output())


def test(checks):
	with Lab() as lab:
		box, peer = lab.host("box"), lab.host("peer")
		lab.wire(box, [f"{DEVICE}/24"], peer, [f"{PEER}/24"])
		box.route("default", PEER)
		check.must_load(box, HEAD + PACS)
		permissions(checks, lab, box)
		bad_policies(checks, lab, box)
		read_only(checks, lab)
		owned_by_another(checks, lab)
		chains_of_another(checks, lab)
		killed(checks, lab, box, peer)


if __name__ == "__main__":
	check.run(test)
