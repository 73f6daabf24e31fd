#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Other people's tables in the same namespace stay as they are, byte for byte and handle for handle, through load,
reload, a failed load, verify and remove; and table inet leadglass is all that remove removes."""
import check
from lab import Lab

FOREIGN = """
table inet docker {
	counter uses { packets 3 bytes 300 }
	set allowed {
		type ipv4_addr . inet_service; flags interval
		elements = { 10.0.0.0/8 . 80-90, 192.0.2.1 . 22 comment "x" }
	}
	map ports { type inet_service : verdict; elements = { 22 : accept, 23 : drop }; }
	chain input {
		type filter hook input priority 0; policy accept;
		tcp dport vmap @ports
		counter name uses
	}
	chain forward {
		type filter hook forward priority 10; policy drop;
		ip daddr . tcp dport @allowed accept comment "hello"
	}
}
table ip leadglass {
	chain output {
		type filter hook output priority 0; policy accept;
		counter
	}
}
table ip6 nat {
	chain postrouting {
		type nat hook postrouting priority 100; policy accept;
		masquerade
	}
}
table inet leadglass2 {
	set s { type ipv6_addr; elements = { 2001:db8::1 }; }
}
table bridge filter {
	chain forward {
		type filter hook forward priority -200; policy accept;
		ether type arp accept
	}
}
"""
TABLES = (("inet", "docker"), ("ip", "leadglass"), ("ip6", "nat"), ("inet", "leadglass2"), ("bridge", "filter"))

ONE = """role host
device ct { ae-title CT; port 11112 }
peer pacs { address 10.20.0.5; ae-title PACS; port 104; initiates storage; accepts echo }
"""
TWO = ONE + """peer ws { address 10.20.3.0/28; ae-title WS; port 4006; initiates storage }
service ping { from 10.20.9.0/24 }
"""


def test(checks):
	with Lab() as lab:
		box = lab.host("box")
		box.run("nft", "-f", "-", input=FOREIGN, check=True)

		def state():
			return [box.run("nft", "-a", "list", "table", *table, check=True).stdout for table in TABLES]
		before = state()

		def untouched(what):
			checks.check(state() == before, f"foreign tables are untouched by {what}")
		check.must_load(box, ONE)
		untouched("the first load")
		check.must_load(box, ONE.replace("10.20.0.5", "10.20.0.6"))
		untouched("a changed peer")
		check.must_load(box, TWO)
		untouched("exchanged rules")
		checks.check(check.load(box, "role nonsense").returncode == 3, "an invalid policy is refused")
		untouched("a refused policy")
		(lab.dir / "policy.conf").write_text(TWO)
		checks.check(box.run(check.command(), "verify", lab.dir / "policy.conf").returncode == 0, "the wall verifies")
		untouched("verify")
		box.run(check.command(), "list", check=True)
		untouched("list")
		box.run(check.command(), "remove", "--yes", check=True)
		untouched("remove")
		listed = box.run("nft", "list", "tables", check=True).stdout.split("\n")
		checks.equal(sorted(filter(None, listed)), sorted(f"table {family} {name}" for family, name in TABLES),
		             "and they are all that is left")
		checks.check(box.run(check.command(), "list").returncode == 1, "list says there is no wall")


if __name__ == "__main__":
	check.run(test)
