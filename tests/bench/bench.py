# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benches of tests/bench share that compare rivals: options, the programs under test, how results are told."""
import os
import platform
import re
import statistics
import subprocess
import sys

from rivals import RIVALS, NoFirewall, available

PROGRAMS = {"command": ("LEADGLASS", "the leadglass to measure (a release build)"),
            "agent": ("LEADGLASSD", "the leadglassd to measure"),
            "traffic": ("LEADGLASS_TRAFFIC", "tests/net/traffic.c, built")}


def add_programs(parser, *names):
	for name in names:
		parser.add_argument(f"--{name}", default=os.environ.get(PROGRAMS[name][0]), help=PROGRAMS[name][1])


def use_programs(options):
	"""check.py and agentlab.py find them."""
	for name, (variable, _) in PROGRAMS.items():
		if getattr(options, name, None):
			os.environ[variable] = os.path.abspath(getattr(options, name))


def add_rivals(parser, chosen):
	parser.add_argument("--rivals", nargs="+", metavar="NAME", default=[rival.name for rival in chosen],
	                    help=f"of: {', '.join(rival.name for rival in RIVALS if rival is not NoFirewall)}; or all")


def choose(options, lab):
	"""The classes of the rivals that were named; says which this kernel cannot do."""
	named = {rival.name: rival for rival in RIVALS if rival is not NoFirewall}
	for name in options.rivals:
		if name not in named and name != "all":
			sys.exit(f"there is no rival {name}; there are: {', '.join(named)}")
	chosen, probe = [], lab.host("probe")
	for rival in named.values():
		if "all" not in options.rivals and rival.name not in options.rivals:
			continue
		if available(rival, probe):
			chosen.append(rival)
		else:
			print(f"this kernel has no {rival.name}", file=sys.stderr)
	lab.remove(probe)
	return chosen


def numbers(text):
	"""What tests/net/traffic.c says: {name: number}"""
	return {name: int(value) for name, value in re.findall(r"(\w+) (\d+)", text)}


def spread(values, how=".3g"):
	"""The median, and the smallest and the largest."""
	return f"{statistics.median(values):{how}} ({min(values):{how}}–{max(values):{how}})"


def machine():
	version = subprocess.run(["nft", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
	cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if "model name" in line),
	           platform.machine())
	return {"kernel": platform.release(), "processors": os.cpu_count(), "cpu": cpu, "nft": version}


def sentence(facts):
	return f"{facts['cpu']}, {facts['processors']} processors, kernel {facts['kernel']}, nft {facts['nft']}."


def promised(rows):
	"""Markdown of [(what, found, wanted, good)]."""
	lines = ["", "### What was promised", "", "| what | found | wanted | |", "|---|---:|---:|---|"]
	return lines + [f"| {what} | {found} | {wanted} | {'yes' if good else '**no**'} |"
	                for what, found, wanted, good in rows]


def promised_json(rows):
	return [{"what": what, "found": found, "wanted": wanted, "kept": good} for what, found, wanted, good in rows]
