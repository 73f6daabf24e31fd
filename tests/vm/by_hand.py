#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: by_hand.py [bookworm|trixie]

Boots a box with that release's kernel (trixie) and gives you its console. As root."""
import sys
import threading
import time

import box
from lab import Lab
from vmlab import Machine


def show(machine):
	shown = 0
	while machine.process.running():
		text = machine.all_output()
		print(text[shown:], end="", flush=True)
		shown = len(text)
		time.sleep(0.05)


def main():
	release = sys.argv[1] if len(sys.argv) == 2 else "trixie"
	if len(sys.argv) > 2 or release not in box.kernels.RELEASES:
		sys.exit(__doc__.strip())
	with Lab() as lab:
		machine = Machine(lab, "box", box.boot(lab, release))
		for role in ("device", "hospital"):
			lan, host = lab.lan(role), lab.host(f"at-{role}")
			host.join(lan, f"10.20.0.{1 if role == 'device' else 2}/24")
			machine.port(role, lan)
			print(f"at {role}: {host.namespace}, 10.20.0.{1 if role == 'device' else 2}")
		machine.start()
		threading.Thread(target=show, args=[machine], daemon=True).start()
		for line in sys.stdin:
			if not machine.process.running():
				break
			machine.type(line)


if __name__ == "__main__":
	main()
