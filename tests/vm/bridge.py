#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: bridge.py RELEASE [--all-ports]

Role bridge on another kernel: DICOM crosses the box, and nothing else does, whoever tries and however. A first look
without a wall shows that each attempt would succeed. RELEASE: bookworm (Linux 6.1) or trixie (6.12). --all-ports: scans
leave no TCP port out, nor any of the 1,000 most common UDP ports."""
import dataclasses
import sys
import time
from ipaddress import ip_address
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "net"))
import box
import cable
import check
from cable import numbered
from hospital import (ARCHIVE4, ARCHIVE_MAC, ARCHIVE_PORT, CT4, CT6, CT_MAC, CT_PORT, STRANGER4, STRANGER6,
                      STRANGER_MAC, UNKNOWN4, UNKNOWN6, UNKNOWN_MAC, Hospital, policy)
from lab import Lab, wait_until
from naive import ICMPV6, TCP, UDP, Packet
from probe import probe, probe_bridge_netfilter
from scan import nmap

PACE = ("--send-ip", "--disable-arp-ping", "--min-rate", "1000", "--max-retries", "1", "--min-rtt-timeout", "300ms")
ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"


def packet(source, destination, protocol=TCP, port=CT_PORT, **more):
	made = Packet("forward", ip_address(source), ip_address(destination), protocol, 40000, port, **more)
	made.wire.setdefault("seq", 1000)
	return made


class Probes:
	"""Frames sent into one side, and whether they come out of the other."""

	def __init__(self, checks, hospital):
		self.checks, self.hospital, self.number = checks, hospital, 100

	def fresh(self):
		self.number += 1
		return self.number

	def canary(self, sender, listener):
		"""What the policy allows, raw; once it has come out, so has all that was sent before it and may."""
		number = self.fresh()
		allowed = (packet(ARCHIVE4, CT4), ARCHIVE_MAC, CT_MAC) if sender is self.hospital.hospital else \
			(packet(CT4, ARCHIVE4, port=ARCHIVE_PORT), CT_MAC, ARCHIVE_MAC)
		allowed[0].source_port = 50000 + number  # a connection of its own
		sender.send(cable.ip(allowed[0], number, *allowed[1:]))
		return listener.waits_for(numbered(number), 30)

	def crosses(self, sent, wanted, from_hospital=True):
		sides = (self.hospital.hospital, self.hospital.device)
		sender, listener = sides if from_hospital else reversed(sides)
		listener.forget()
		sender.send(sent)
		alive = self.canary(sender, listener)
		return bool(listener.heard(wanted)), alive

	def expect(self, crosses, what, sent, wanted, from_hospital=True):
		came, alive = self.crosses(sent, wanted, from_hospital)
		self.checks.check(alive and came == crosses, f"{what}: {'crosses' if crosses else 'does not cross'}",
		                  f"came out: {came}; what is allowed, sent after it, came out: {alive}")

	def ip(self, what, made, macs, crosses=False, tags=(), from_hospital=True):
		number = self.fresh()
		if made.protocol == TCP:
			made.source_port = 40000 + number
		sent = [cable.tagged(frame, *tags) for frame in cable.ip(made, number, *macs)]
		self.expect(crosses, what, sent, numbered(number), from_hospital)

	def frame(self, what, sent, crosses=False, from_hospital=True):
		self.expect(crosses, what, sent, cable.is_same(sent), from_hospital)


def strange_packets(probes):
	stranger, archive = (STRANGER_MAC, CT_MAC), (ARCHIVE_MAC, CT_MAC)
	vlan, double = [(cable.VLAN, 7)], [(cable.VLAN, 7), (cable.VLAN, 8)]
	service_tag = [(cable.QINQ, 7), (cable.VLAN, 8)]
	probes.ip("a stranger's SYN", packet(STRANGER4, CT4), stranger)
	probes.ip("a stranger's SYN, IPv6", packet(STRANGER6, CT6), stranger)
	probes.ip("an unknown device's SYN to the archive", packet(UNKNOWN4, ARCHIVE4, port=ARCHIVE_PORT), (UNKNOWN_MAC, ARCHIVE_MAC),
	          from_hospital=False)
	probes.ip("the device's SYN to a stranger", packet(CT4, STRANGER4, port=22), (CT_MAC, STRANGER_MAC), from_hospital=False)
	probes.ip("the device's address from another MAC", packet(CT4, ARCHIVE4, port=ARCHIVE_PORT), (UNKNOWN_MAC, ARCHIVE_MAC),
	          from_hospital=False)
	probes.ip("the archive's SYN in a VLAN", packet(ARCHIVE4, CT4), archive, crosses=True, tags=vlan)
	probes.ip("a stranger's SYN in a VLAN", packet(STRANGER4, CT4), stranger, tags=vlan)
	probes.ip("the archive's SYN to another port, in a VLAN", packet(ARCHIVE4, CT4, port=22), archive, tags=vlan)
	probes.ip("the archive's SYN in two VLANs", packet(ARCHIVE4, CT4), archive, tags=double)
	probes.ip("the archive's SYN in a provider's VLAN", packet(ARCHIVE4, CT4), archive, tags=service_tag)
	for source, target in ((STRANGER4, CT4), (STRANGER6, CT6)):
		version = ip_address(source).version
		for kind in ("whole", "reversed", "first", "last", "tiny"):
			wire = {"fragments": kind, "data": 0 if kind == "tiny" else 600}
			probes.ip(f"a stranger's SYN in fragments, {kind}, IPv{version}", packet(source, target, wire=wire), stranger)
		probes.ip(f"a stranger's UDP, in fragments, IPv{version}",
		          packet(source, target, UDP, 161, wire={"fragments": "whole", "data": 600}), stranger)
	probes.ip("a stranger's echo request to all nodes", packet(STRANGER6, ALL_NODES, ICMPV6, 0, icmp_type=128),
	          (STRANGER_MAC, ALL_NODES_MAC))
	probes.ip("a listener query to all nodes", dataclasses.replace(packet("fe80::99", ALL_NODES, ICMPV6, 0, icmp_type=130), hop_limit=1),
	          (STRANGER_MAC, ALL_NODES_MAC))
	probes.ip("multicast DNS, IPv6", packet(STRANGER6, "ff02::fb", UDP, 5353), (STRANGER_MAC, "33:33:00:00:00:fb"))
	probes.ip("SSDP, IPv6", packet(STRANGER6, "ff02::c", UDP, 1900), (STRANGER_MAC, "33:33:00:00:00:0c"))
	probes.ip("an unknown device's multicast DNS", packet(UNKNOWN6, "ff02::fb", UDP, 5353), (UNKNOWN_MAC, "33:33:00:00:00:fb"),
	          from_hospital=False)


def arp_sweep(checks, probes, hospital):
	hospital.device.forget()
	hospital.hospital.send([cable.arp(STRANGER_MAC, STRANGER4, f"10.20.1.{last}") for last in range(1, 255)])
	alive = probes.canary(hospital.hospital, hospital.device)
	heard = {frame[38:42] for frame in hospital.device.heard(lambda frame: frame[12:14] == b"\x08\x06" and
	                                                         frame[28:32] == ip_address(STRANGER4).packed)}
	checks.check(alive and heard == {ip_address(CT4).packed}, "a stranger's ARP sweep asks for the device and for nobody else",
	             f"{heard} {alive}")
	probes.frame("an unknown device's ARP for the archive", cable.arp(UNKNOWN_MAC, UNKNOWN4, ARCHIVE4), from_hospital=False)
	probes.frame("the device's ARP for the archive", cable.arp(CT_MAC, CT4, ARCHIVE4), crosses=True, from_hospital=False)
	probes.frame("ARP for the device's address from another MAC", cable.arp(UNKNOWN_MAC, CT4, ARCHIVE4), from_hospital=False)


def odd_frames(probes, passes=False):
	"""Frames that are neither IP nor ARP; EAPOL, LLDP and BPDUs cross where the policy passes them, the others never."""
	special = (("EAPOL", cable.EAPOL_GROUP, cable.EAPOL), ("LLDP", cable.LLDP_GROUP, cable.LLDP))
	for from_hospital in (True, False):
		mac, side = (STRANGER_MAC, "the hospital") if from_hospital else (UNKNOWN_MAC, "the device")
		for name, group, kind in special:
			probes.frame(f"{name} from {side}", cable.ethernet(group, mac, kind, b"\2".ljust(46, b"\0")), passes, from_hospital)
		probes.frame(f"a BPDU from {side}", cable.bpdu(mac), passes, from_hospital)
		for kind in (0x8137, 0x8863) if passes else (0x8137, 0x8863, 0x88e5, 0x22f0, 0x0842, 0x9000):
			probes.frame(f"ethertype {kind:#06x} from {side}", cable.ethernet(cable.BROADCAST, mac, kind, b"\1".ljust(46, b"\0")),
			             from_hospital=from_hospital)


def passed(checks, hospital, probes):
	for text, mask in ((policy("pass eapol lldp stp"), "0x4008"), (policy(), "0x0")):
		hospital.must_apply(text)
		# The agent sees to its bridge when it has answered.
		checks.check(wait_until(lambda mask=mask: hospital.box.run("cat /sys/class/net/bridge/bridge/group_fwd_mask").stdout
		                        == f"{mask}\n", 20, step=0.2), f"the bridge passes on what it is to: group_fwd_mask {mask}")
		odd_frames(probes, passes=mask != "0x0")


def scans(checks, hospital, all_ports):
	"""What a stranger's scan brings; not one IP packet may come out on the other side from him, or go back to him."""
	hospital.device.forget()
	hospital.hospital.forget()
	tcp, udp = (("-p-",), ("--top-ports", "1000")) if all_ports else (("--top-ports", "300"), ("--top-ports", "50"))
	for host, target, words, what in ((hospital.stranger, CT4, ("-sS", *tcp), "the stranger's TCP scan"),
	                                  (hospital.stranger, CT6, ("-6", "-sS", "-p", f"22,80,104,{CT_PORT}"), "over IPv6"),
	                                  (hospital.stranger, CT4, ("-sU", *udp), "the stranger's UDP scan"),
	                                  (hospital.unknown, ARCHIVE4, ("-sS", "-p", f"22,80,{ARCHIVE_PORT},8042"), "an unknown device's")):
		ports, rest = nmap(host, PACE, *words, target)
		states = set(ports.values()) | set(rest)
		checks.check(states and states <= {"filtered", "open|filtered"}, f"{what}: silence", f"{ports} {rest}")

	def carries_ip(frame):
		kind, body = cable.inner(frame)
		# Neighbour discovery crosses for the device's addresses: ICMPv6 types 135 and 136
		return kind == cable.IPV4 or kind == cable.IPV6 and not (body[6] == 58 and body[40] in (135, 136))

	for side, mac in ((hospital.device, STRANGER_MAC), (hospital.hospital, UNKNOWN_MAC)):
		found = side.heard(lambda frame, mac=mac: cable.mac_octets(mac) in (frame[:6], frame[6:12]) and carries_ip(frame))
		checks.check(not found, "and not one of his packets came out", [frame[:64].hex() for frame in found[:5]])


def removed_in_the_middle(checks, hospital):
	"""A C-STORE that would go on for hours; then a policy without the archive."""
	sender = hospital.ct.start("storescu", "--repeat", "100000", "--dimse-timeout", "15", "--socket-timeout", "15",
	                           "--aetitle", "CT", "--call", "ARCHIVE", ARCHIVE4, ARCHIVE_PORT, hospital.image)
	ip_of_archive = ip_address(ARCHIVE4).packed

	def to_archive(frame):
		return frame[12:14] == b"\x08\0" and frame[30:34] == ip_of_archive and len(frame) > 500
	hospital.hospital.forget()
	checks.check(hospital.hospital.waits_for(to_archive, 60) and sender.running(), "a C-STORE under way", sender.output())
	hospital.must_apply(policy(peer=False))
	time.sleep(1)
	hospital.hospital.forget()
	checks.check(not hospital.hospital.waits_for(to_archive, 3), "no more of it comes out")
	checks.check(wait_until(lambda: not sender.running(), 120) and sender.wait(0) != 0, "and the modality gives up",
	             sender.output()[-500:])
	checks.check(hospital.echo().returncode != 0, "nor is there another C-ECHO")
	hospital.must_apply(policy())
	checks.check(wait_until(lambda: hospital.echo().returncode == 0, 60), "until the archive is in the policy again")


def without_a_wall(checks, hospital):
	hospital.join_by_hand()
	checks.check(wait_until(lambda: hospital.echo().returncode == 0, 60), "no wall: C-ECHO crosses the box")
	checks.equal(len(hospital.stranger_gets_in()), len(hospital.attempts), "no wall: strangers get everywhere")
	hospital.leave_by_hand()
	checks.check(not hospital.connects(hospital.ct, ARCHIVE4, ARCHIVE_PORT, 2), "no port in a bridge: nobody gets anywhere")


def flood_of(probes, hospital):
	"""What no policy here allows, without a pause, and its number."""
	number = probes.fresh()
	return cable.Flood(hospital.hospital, cable.ip(packet(STRANGER4, CT4, UDP, 161), number, STRANGER_MAC, CT_MAC)), number


def the_wall_first(checks, hospital, probes):
	"""From the agent's start to the ports' joining, under a flood that the wall stops and an open bridge does not."""
	flood, number = flood_of(probes, hospital)
	hospital.device.forget()
	with flood:
		hospital.start_agent()
		status = hospital.box.run("leadglass status").stdout
		checks.check("THE WALL IS CLOSED" in status and hospital.joined() == [], "an agent without a policy: no port joins", status)
		checks.check(not hospital.connects(hospital.ct, ARCHIVE4, ARCHIVE_PORT, 2), "and nobody gets anywhere")
		hospital.must_apply(policy())
		checks.check(hospital.all_join(), "a policy: the ports join", hospital.agent_log())
		checks.check(wait_until(lambda: hospital.echo().returncode == 0, 60), "C-ECHO crosses")
	checks.check(not hospital.device.heard(numbered(number)), "of a flood all the while, nothing crossed")
	checks.check("inet 10.20.9.250/24" in hospital.box.run("ip address show service").stdout,
	             "the box has its address, on the service port")
	checks.equal(hospital.box.run("ip address show bridge | grep -c inet").stdout.strip(), "0", "and none on the bridge")


def tables_deleted(checks, hospital, probes, owned):
	for family in ("bridge", "inet"):
		flood, number = flood_of(probes, hospital)
		hospital.device.forget()
		with flood:
			done = hospital.box.run(f"nft delete table {family} leadglass")
			standing = wait_until(lambda family=family: hospital.box.run(
				f"nft list table {family} leadglass | grep drop").returncode == 0, 30, step=0.5)
		crossed = len(hospital.device.heard(numbered(number)))
		if owned:
			checks.check(done.returncode != 0 and "not permitted" in done.stdout and standing and not crossed,
			             f"nobody else may delete table {family}", done.stdout)
		else:
			checks.check(done.returncode == 0 and standing, f"table {family} deleted: the agent puts it up again", hospital.agent_log())
			print(f"     before it did, {crossed} frames of a flood crossed")
	checks.check(hospital.all_join() and wait_until(lambda: hospital.echo().returncode == 0, 60), "C-ECHO crosses",
	             hospital.agent_log())
	checks.equal(hospital.stranger_gets_in(), [], "the stranger gets nowhere")


def killed(checks, hospital, probes):
	"""The agent's death changes nothing, nor does its coming back."""
	vm = hospital.box
	flood, number = flood_of(probes, hospital)
	hospital.device.forget()
	with flood:
		vm.run("kill -9 $(pidof leadglassd)", check=True)
		checks.check(wait_until(lambda: vm.run("pidof leadglassd").returncode != 0, 20), "the agent killed")
		checks.equal(hospital.joined(), ["device", "hospital"], "the ports stay")
		checks.equal(hospital.stranger_gets_in(), [], "the stranger gets nowhere")
		checks.equal(hospital.echo().returncode, 0, "C-ECHO crosses")
		hospital.start_agent()
		status = vm.run("leadglass status")
		checks.check(status.returncode == 0 and "up and verified" in status.stdout, "an agent again: it takes over", status.stdout)
		checks.check(hospital.all_join(), "the ports are in the bridge")
	checks.check(not hospital.device.heard(numbered(number)), "of a flood all the while, nothing crossed")
	checks.equal(hospital.echo().returncode, 0, "C-ECHO crosses")


def bridge_netfilter(checks, hospital, probes, release):
	"""br_netfilter loaded into the running box, and unloaded: the agent says so at once, and `leadglass probe` too."""
	vm = hospital.box

	def alarm():
		return "br_netfilter" in vm.run("leadglass status").stdout
	checks.check(not alarm(), "no br_netfilter, no alarm")
	vm.run("while read -r module; do [ -d /sys/module/$(basename $module .ko) ] || insmod $module; done < /modules/extra; true")
	checks.equal(vm.run("cat /proc/sys/net/bridge/bridge-nf-call-iptables").stdout.strip(), "1", "br_netfilter loaded, at its default")
	checks.check(wait_until(alarm, 10), "the agent raises an alarm", hospital.agent_log())
	probe_bridge_netfilter(checks, vm, release)
	if release == "bookworm":
		beside_bridge_netfilter(checks, hospital, probes)
	vm.run("rmmod br_netfilter", check=True)
	checks.check(wait_until(lambda: not alarm(), 10), "br_netfilter unloaded: the agent lifts it", hospital.agent_log())
	checks.check(wait_until(lambda: hospital.echo().returncode == 0, 60), "C-ECHO crosses")
	checks.equal(hospital.stranger_gets_in(), [], "and the stranger gets nowhere")


def beside_bridge_netfilter(checks, hospital, probes):
	"""On Linux 6.1 it takes frames past chains at priority 0. It also takes them through the hooks of family inet, where
	our table forwards nothing: the box then is closed for everybody."""
	vm = hospital.box
	checks.equal(hospital.stranger_gets_in(), [], "the stranger gets nowhere")
	number = probes.fresh()
	hospital.device.forget()
	for made in (packet(STRANGER4, CT4), packet(STRANGER6, CT6), packet(STRANGER4, CT4, UDP, 161),
	             packet(STRANGER4, CT4, UDP, 161, wire={"fragments": "whole", "data": 600})):
		hospital.hospital.send(cable.ip(made, number, STRANGER_MAC, CT_MAC))
	question = cable.arp(ARCHIVE_MAC, ARCHIVE4, CT4)
	hospital.hospital.send(question)
	alive = hospital.device.waits_for(cable.is_same(question), 30)
	checks.check(alive and not hospital.device.heard(numbered(number)), "none of his packets crosses, and ARP, sent after them, does")
	checks.check(hospital.echo().returncode != 0, "nor does C-ECHO")
	done = hospital.apply(policy("service ping { from 10.20.9.0/24 }"))
	checks.check(done.returncode != 0 and "br_netfilter" in done.stdout, "a policy of role bridge is refused beside it", done.stdout)
	vm.run("kill -9 $(pidof leadglassd)", check=True)
	hospital.start_agent()
	status = vm.run("leadglass status").stdout
	checks.check("br_netfilter" in status, "a new agent: there is an alarm", status)
	checks.equal(hospital.joined(), ["device", "hospital"], "the ports stay")


def test(checks):
	release = sys.argv[1]
	with Lab() as lab:
		hospital = Hospital(lab, box.boot(lab, release))
		checks.check(True, hospital.power_on())
		probe(checks, hospital.box, release)
		without_a_wall(checks, hospital)
		probes = Probes(checks, hospital)
		the_wall_first(checks, hospital, probes)
		hospital.works(checks, "wall")
		checks.equal(hospital.stranger_gets_in(), [], "the stranger gets nowhere")
		strange_packets(probes)
		arp_sweep(checks, probes, hospital)
		passed(checks, hospital, probes)
		scans(checks, hospital, all_ports=sys.argv[2:] == ["--all-ports"])
		removed_in_the_middle(checks, hospital)
		tables_deleted(checks, hospital, probes, owned=release != "bookworm")
		killed(checks, hospital, probes)
		bridge_netfilter(checks, hospital, probes, release)


if __name__ == "__main__":
	if sys.argv[1:2] not in (["bookworm"], ["trixie"]) or sys.argv[2:] not in ([], ["--all-ports"]):
		sys.exit(__doc__.strip())
	check.run(test)
