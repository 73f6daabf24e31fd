# SPDX-License-Identifier: GPL-2.0-or-later
"""The same openness for N peers, put up in a namespace of the lab (tests/net/lab.py) by leadglass and by what people
use today. A device talks DICOM with each peer, both ways: to the peer's port 104, to the device's port 11112;
established connections pass; all else is dropped.

	rival = Firewalld(Place(box))              # or Place(box, device="10.220.1.10", ...): the box is a router
	rival.put_up(rival.write(1000))            # the peers 1 to 1,000
	rival.replace(rival.write(1000, 1001))     # others
	rival.close()                              # ends its programs; its rules go with the namespace

To measure one: stage(files), then words(files) or words(files, again=True) after enter, with cpu() of daemons before
and after. What a rival would write to /etc and /run goes away with it."""
import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import agentlab
import check
from lab import Host, LabError, wait_until

PEER_PORT, DEVICE_PORT = 104, 11112
TICK = 1000 / os.sysconf("SC_CLK_TCK")  # ms


class Place(NamedTuple):
	"""Where a wall stands: on the device itself, or on a router with the interfaces `inside` and `outside`."""
	host: Host
	device: str = None  # the address of the device behind the router
	inside: str = None
	outside: str = None

	@property
	def role(self):
		return "router" if self.device else "host"


def addresses(count, first=1, last=()):
	"""Peers have the addresses 10.0.0.1, 10.0.0.2 ... by their numbers; the last ones may have others."""
	numbers = range(first, first + count - len(last))
	return [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in numbers] + [*last]


def policy(count, first, last=(), device=None):
	"""A device with `count` peers as they are: addresses of their own, all storing and answering. Those at the addresses
	`last` have the same names in every policy."""
	role, behind = ("router", f"; address {device}") if device else ("host", "")
	lines = [f"role {role}", f"device ct-3 {{ ae-title CT3 CT3_STORE; port {DEVICE_PORT}{behind} }}"]
	names = [*range(first, first + count - len(last)), *(f"own-{number}" for number in range(len(last)))]
	for name, address in zip(names, addresses(count, first, last)):
		lines.append(f"peer pacs-{name} {{\n\taddress {address}\n\tae-title PACS_{str(name).upper()}\n\tport {PEER_PORT}\n"
		             "\tinitiates echo storage storage-commitment\n\taccepts   echo storage-commitment\n}")
	return "\n".join(lines) + "\n"


def nft_rules(peers, device=None):
	"""nft's text, a rule for each peer and direction."""
	source, target = (f"ip saddr {device} ", f"ip daddr {device} ") if device else ("", "")
	return _nft_table("", [f"{source}ip daddr {peer} tcp dport {PEER_PORT} accept" for peer in peers],
	                  [f"ip saddr {peer} {target}tcp dport {DEVICE_PORT} accept" for peer in peers], device)


def nft_set(peers, device=None):
	"""nft's text as its documentation shows it: a set, and a rule for each direction."""
	source, target = (f"ip saddr {device} ", f"ip daddr {device} ") if device else ("", "")
	return _nft_table(f"\tset peers {{ type ipv4_addr; elements = {{ {', '.join(peers)} }} }}\n",
	                  [f"{source}ip daddr @peers tcp dport {PEER_PORT} accept"],
	                  [f"ip saddr @peers {target}tcp dport {DEVICE_PORT} accept"], device)


def _nft_table(sets, to_peers, to_device, device):
	"""A table with policy drop and, as is usual, without a last rule that drops."""
	chains = [("output", [] if device else to_peers), ("input", [] if device else to_device),
	          *([("forward", to_peers + to_device)] if device else [])]
	lines = ["flush ruleset", "table inet rules {", sets]
	for hook, rules in chains:
		lines += [f"\tchain {hook} {{", f"\t\ttype filter hook {hook} priority 0; policy drop;",
		          "\t\tct state established,related accept",
		          *(f"\t\t{rule}" for rule in rules), "\t}"]
	return "\n".join([*lines, "}", ""])


def iptables_rules(to_peers, to_device, device=None):
	"""iptables-restore's text; the arguments are lists of matches, as "-d 10.0.0.1"."""
	chains = ("FORWARD", "FORWARD") if device else ("OUTPUT", "INPUT")
	source, target = (f"-s {device} ", f"-d {device} ") if device else ("", "")
	hooks = ("INPUT", "FORWARD", "OUTPUT")
	lines = ["*filter", *(f":{chain} DROP [0:0]" for chain in hooks)]
	lines += [f"-A {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT" for chain in hooks]
	lines += [f"-A {chains[0]} {source}{match} -p tcp -m tcp --dport {PEER_PORT} -j ACCEPT" for match in to_peers]
	lines += [f"-A {chains[1]} {target}{match} -p tcp -m tcp --dport {DEVICE_PORT} -j ACCEPT" for match in to_device]
	return "\n".join([*lines, "COMMIT", ""])


class Rival:
	"""One way to put up a wall. A subclass says in texts() what files a list of peers becomes and in words() which
	command loads them."""
	name = None
	up_to = 1000000   # peers; beyond it takes minutes, or fails

	def __init__(self, place):
		self.place, self.host = place, place.host
		self.enter = place.host.enter  # the words before a command that is to run where the wall stands
		self.folder = place.host.lab.dir / f"rival-{place.host.name}"
		self.folder.mkdir()

	def texts(self, count, first, last):
		"""{file name: content}"""
		raise NotImplementedError

	def words(self, files, again=False):
		"""The command that puts the wall up, or replaces the one that is up. files: {file name: path}"""
		raise NotImplementedError

	def stage(self, files):
		"""What is to be done before that command and is no part of it."""

	def pids(self):
		"""Programs that stay and do a part of the work."""
		return []

	def close(self):
		"""Ends them."""

	def write(self, count, first=1, last=()):
		"""Writes the files for a list of peers, whose last ones have the addresses `last`; nothing is loaded. Returns what
		put_up() and replace() take."""
		folder = self.folder / f"{count}-{first}-{len(last)}"
		folder.mkdir(exist_ok=True)
		files = {}
		for name, text in self.texts(count, first, last).items():
			files[name] = folder / name
			files[name].write_text(text)
		return files

	def put_up(self, files):
		self._load(files, False)

	def replace(self, files):
		self._load(files, True)

	def _load(self, files, again):
		self.stage(files)
		self.run(*self.words(files, again))

	def run(self, *words):
		words = [str(word) for word in words]
		done = subprocess.run([*self.enter, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
		if done.returncode != 0:
			raise LabError(f"{self.name}: {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
		return done

	def cpu(self):
		"""ms of processor time that its programs and their children have had."""
		def ticks(pid):
			return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
		return sum(map(ticks, self.pids())) * TICK


class NoFirewall(Rival):
	name = "no firewall"

	def texts(self, count, first, last):
		return {}

	def words(self, files, again=False):
		return ["true"]


class Load(Rival):
	"""Each load by a command that reads the policy, and reads back what the kernel has."""
	name = "leadglass load"
	options = ()

	def texts(self, count, first, last):
		return {"policy.conf": policy(count, first, last, self.place.device)}

	def words(self, files, again=False):
		return [check.command(), "load", *self.options, files["policy.conf"]]


class LoadOnly(Load):
	name = "leadglass load --no-read-back"
	options = ("--no-read-back",)


class Apply(Load):
	"""Through the running agent."""
	name = "leadglass apply"

	def __init__(self, place):
		super().__init__(place)
		self.agent = agentlab.Agent(place.host, name=f"agent-{place.host.name}")
		self.agent.start()

	def words(self, files, again=False):
		return [check.command(), "apply", "--run", self.agent.run, "--yes", files["policy.conf"]]

	def pids(self):
		return self.agent.pids()

	def close(self):
		self.agent.stop()


class Rendered(Load):
	"""The very wall of leadglass, from the text that `leadglass render` prints."""
	name = "nft -f"

	def write(self, count, first=1, last=()):
		files = super().write(count, first, last)
		files["wall.nft"] = files["policy.conf"].with_name("wall.nft")
		with open(files["wall.nft"], "w", encoding="ascii") as out:
			subprocess.run([check.command(), "render", files["policy.conf"]], stdout=out, check=True)
		return files

	def words(self, files, again=False):
		return ["nft", "-f", files["wall.nft"]]


class NftSet(Rival):
	name = "nft -f, a set"

	def texts(self, count, first, last):
		return {"wall.nft": nft_set(addresses(count, first, last), self.place.device)}

	def words(self, files, again=False):
		return ["nft", "-f", files["wall.nft"]]


class NftRules(NftSet):
	name = "nft -f, a rule each"
	up_to = 10000

	def texts(self, count, first, last):
		return {"wall.nft": nft_rules(addresses(count, first, last), self.place.device)}


class Iptables(Rival):
	"""Debian's iptables: its syntax, in nf_tables."""
	name = "iptables-restore, a rule each"
	up_to = 10000
	command = "iptables-nft-restore"

	def texts(self, count, first, last):
		peers = addresses(count, first, last)
		return {"tables": iptables_rules([f"-d {peer}" for peer in peers], [f"-s {peer}" for peer in peers],
		                                 self.place.device)}

	def words(self, files, again=False):
		return [self.command, files["tables"]]


class IptablesLegacy(Iptables):
	"""iptables as it was; only where the kernel still has it (see available())."""
	name = "iptables-legacy-restore, a rule each"
	command = "iptables-legacy-restore"


class Ipset(Rival):
	"""The set is filled beside the one in use and takes its place; the rules stay."""
	name = "ipset restore"

	def texts(self, count, first, last):
		peers, room = addresses(count, first, last), max(count, 65536)  # 65536 is what it has unless told
		def filled(name):
			return f"create {name} hash:ip maxelem {room}\n" + "".join(f"add {name} {peer}\n" for peer in peers)
		return {"set": filled("peers"), "swap": filled("other") + "swap other peers\ndestroy other\n",
		        "tables": iptables_rules(["-m set --match-set peers dst"], ["-m set --match-set peers src"],
		                                 self.place.device)}

	def words(self, files, again=False):
		if again:
			return ["ipset", "restore", "-file", files["swap"]]
		return ["sh", "-c", "ipset restore -file \"$1\" && iptables-nft-restore \"$2\"", "sh", files["set"], files["tables"]]


class _OwnFiles(Rival):
	"""A rival with configuration in /etc and programs that meet in /run: it has its own /etc, over the machine's, and
	its own /run."""
	MOUNTS = """mount -t tmpfs tmpfs /run
mkdir /run/dbus /run/etc /run/etc.work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc.work /etc
touch "$1"
exec sleep infinity"""

	def __init__(self, place):
		super().__init__(place)
		ready = self.folder / "ready"
		self.holder = place.host.start("unshare", "--mount", "sh", "-ec", self.MOUNTS, "sh", ready)
		if not wait_until(lambda: ready.exists() or not self.holder.running(), 10, step=0.005) or not ready.exists():
			raise LabError(f"{self.name}: no files of its own:\n{self.holder.output()}")
		self.etc = Path(f"/proc/{self.holder.pid}/root/etc")
		self.enter = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", *place.host.enter[1:]]

	def close(self):
		self.holder.stop()


class Ufw(_OwnFiles):
	name = "ufw"
	up_to = 100
	SHIPPED = Path("/usr/share/ufw/iptables/user.rules")

	def __init__(self, place):
		super().__init__(place)
		defaults = self.etc / "default/ufw"
		defaults.write_text(re.sub(r"^(DEFAULT_(?:INPUT|OUTPUT|FORWARD)_POLICY)=.*", r'\1="DROP"', defaults.read_text(),
		                           flags=re.M))

	def texts(self, count, first, last):
		"""user.rules as `ufw allow` and `ufw route allow` write it; one call of them for each peer would take minutes."""
		device, rules = self.place.device, []
		for peer in addresses(count, first, last):
			if device:
				rules += [f"### tuple ### route:allow tcp {DEVICE_PORT} {device} any {peer} in\n"
				          f"-A ufw-user-forward -p tcp -d {device} --dport {DEVICE_PORT} -s {peer} -j ACCEPT\n",
				          f"### tuple ### route:allow tcp {PEER_PORT} {peer} any {device} in\n"
				          f"-A ufw-user-forward -p tcp -d {peer} --dport {PEER_PORT} -s {device} -j ACCEPT\n"]
			else:
				rules += [f"### tuple ### allow tcp {DEVICE_PORT} 0.0.0.0/0 any {peer} in\n"
				          f"-A ufw-user-input -p tcp --dport {DEVICE_PORT} -s {peer} -j ACCEPT\n",
				          f"### tuple ### allow tcp {PEER_PORT} {peer} any 0.0.0.0/0 out\n"
				          f"-A ufw-user-output -p tcp -d {peer} --dport {PEER_PORT} -j ACCEPT\n"]
		head, mark, rest = self.SHIPPED.read_text().partition("### RULES ###\n")
		return {"user.rules": "\n".join([head + mark, *rules, "### END RULES ###\n" + rest])}

	def stage(self, files):
		(self.etc / "ufw/user.rules").write_text(files["user.rules"].read_text())

	def words(self, files, again=False):
		return ["ufw", "reload"] if again else ["ufw", "--force", "enable"]


class Firewalld(_OwnFiles):
	"""With what its manual offers for many addresses, an ipset; in nf_tables, as it is unless told otherwise."""
	name = "firewalld"
	up_to = 10000
	PARTS = ("ipsets", "zones", "policies")

	def __init__(self, place):
		super().__init__(place)
		for part in self.PARTS:
			(self.etc / "firewalld" / part).mkdir(exist_ok=True)
		log = self.folder / "firewalld.log"
		self.programs = [self._daemon("dbus-daemon", "--system", "--nofork", "--nopidfile")]
		if not wait_until(lambda: Path(f"/proc/{self.holder.pid}/root/run/dbus/system_bus_socket").exists(), 10, step=0.01):
			raise LabError(f"firewalld: no bus:\n{self.programs[0].output()}")
		self.programs.append(self._daemon("firewalld", "--nofork", "--nopid", "--log-target", "file", "--log-file", log))
		if not wait_until(self._running, 60, step=0.2):
			raise LabError(f"firewalld does not run:\n{self.programs[1].output()}{log.read_text() if log.exists() else ''}")

	def _daemon(self, *words):
		# nsenter --mount after the host's own nsenter: each becomes the next, so that the pid is the program's.
		return self.host.start("nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--", *words)

	def _running(self):
		try:
			return self.run("firewall-cmd", "--state")
		except LabError:
			return None

	def texts(self, count, first, last):
		def rule(port, source=None, target=None):
			ends = "".join(f"<{end} {what}/>" for end, what in (("source", source), ("destination", target)) if what)
			return f'<rule family="ipv4">{ends}<port port="{port}" protocol="tcp"/><accept/></rule>\n'

		def between(one, other, *rules):
			return (f'<policy target="DROP"><ingress-zone name="{one}"/><egress-zone name="{other}"/>\n'
			        + "".join(rules) + "</policy>\n")
		peers, device = 'ipset="peers"', f'address="{self.place.device}"'
		entries = "".join(f"<entry>{peer}</entry>\n" for peer in addresses(count, first, last))
		room = f'<option name="maxelem" value="{max(count, 65536)}"/>'
		texts = {"ipsets/peers": f'<ipset type="hash:ip">{room}\n{entries}</ipset>\n'}
		if self.place.device:
			for zone, interface in (("inside", self.place.inside), ("outside", self.place.outside)):
				texts[f"zones/{zone}"] = f'<zone target="DROP"><interface name="{interface}"/></zone>\n'
			texts["policies/to-peers"] = between("inside", "outside", rule(PEER_PORT, device, peers))
			texts["policies/to-device"] = between("outside", "inside", rule(DEVICE_PORT, peers, device))
		else:
			texts["zones/public"] = f'<zone target="DROP">\n{rule(DEVICE_PORT, peers)}</zone>\n'
			texts["policies/to-peers"] = between("HOST", "ANY", rule(PEER_PORT, None, peers))
		head = '<?xml version="1.0" encoding="utf-8"?>\n'
		return {f"{name.replace('/', '.')}.xml": head + text for name, text in texts.items()}

	def stage(self, files):
		for name, file in files.items():
			part, _, rest = name.partition(".")
			(self.etc / "firewalld" / part / rest).write_text(file.read_text())

	def words(self, files, again=False):
		return ["firewall-cmd", "--reload"]

	def pids(self):
		return [program.pid for program in self.programs]

	def close(self):
		for program in reversed(self.programs):
			program.stop()
		super().close()


RIVALS = (NoFirewall, Apply, Load, LoadOnly, Rendered, NftSet, NftRules, Iptables, IptablesLegacy, Ipset, Ufw,
          Firewalld)


def available(rival, host):
	"""Whether this kernel has what the rival needs: only iptables-legacy goes out of use."""
	if rival is not IptablesLegacy:
		return True
	return host.run("iptables-legacy", "-t", "filter", "-S").returncode == 0
