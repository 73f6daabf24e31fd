# SPDX-License-Identifier: GPL-2.0-or-later
"""`leadglass probe` in a virtual machine: what it says, to people and to programs, against what is known of the kernel."""
import json

ROLES = ("host", "router", "bridge")
# What Debian's kernels lack with all modules loaded. Not what probe thinks of versions: what they have been seen to lack.
LACKING = {"bookworm": {"persist", "landlock-scopes"}, "trixie": set()}
CT_BRIDGE = "add table bridge t; add chain bridge t c { type filter hook forward priority -200; }; add rule bridge t c ct state new"


def agrees(checks, machine, lacking, when):
	"""Both answers name what lacks and nothing else; a role is ready unless something it needs is among that."""
	done = machine.run("leadglass probe --json")
	answer = json.loads(done.stdout)
	lacks = {feature["name"]: feature for feature in answer["features"] if not feature["there"]}
	checks.equal(set(lacks), lacking, f"probe, {when}: what lacks")
	checks.equal(f"{answer['kernel']} {answer['machine']}\n", machine.run("uname -rm").stdout, "and on which kernel")
	needed = {role for feature in lacks.values() if feature["needed"] for role in feature["roles"]}
	checks.equal({role["role"]: role["ready"] for role in answer["roles"]}, {role: role not in needed for role in ROLES},
	             "which roles are ready")
	lines = [f"{'needed' if feature['needed'] else 'useful'}  {feature['about']} ({feature['option']}); without that, {feature['without']}"
	         for feature in lacks.values()]
	lines += [f"role {role}: {'not on this kernel' if role in needed else 'everything needed is there'}" for role in ROLES]
	text = machine.run("leadglass probe")
	checks.equal(text.stdout.splitlines(), lines, "people are told the same")
	checks.equal((done.returncode, text.returncode), (int(bool(needed)),) * 2, "and the exit status says so")
	return needed


def probe(checks, machine, release):
	"""Before there is a wall, with connection tracking in bridges and without."""
	lacking = LACKING[release]
	for lacks in (False, True):
		if lacks:
			machine.run("rmmod nf_conntrack_bridge", check=True)
		takes = machine.run(f"nft --check '{CT_BRIDGE}'")
		checks.check((takes.returncode == 0) != lacks, f"nft: the kernel {'lacks' if lacks else 'has'} conntrack in bridges", takes.stdout)
		needed = agrees(checks, machine, lacking | ({"ct-bridge"} if lacks else set()), "without it" if lacks else "with it")
		checks.equal(needed, {"bridge"} if lacks else set(), "which role needs it")
	machine.run("insmod $(grep /nf_conntrack_bridge.ko /modules/order)", check=True)
	checks.equal(machine.run("nft list ruleset").stdout, "", "and it left nothing")


def probe_bridge_netfilter(checks, machine, release):
	"""br_netfilter is loaded."""
	needed = agrees(checks, machine, LACKING[release] | {"no-br_netfilter"}, "br_netfilter is loaded")
	checks.equal(needed, {"bridge"}, "which role it keeps from being had")
