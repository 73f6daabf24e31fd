#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a bench once, as small as it can be, and looks whether it came to all its rows and numbers, not how large they
are.

	smoke.py BENCH [OPTION...]     options are the bench's, as of the programs that it needs"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "net"), str(HERE)]
import check  # noqa: E402

NFT_SET = "nft -f, a set"
NFT_RULES = "nft -f, a rule each"
PARTS = ("parse", "compile", "plan", "transaction", "back_kernel", "back_ours")
PROGRAMS = ("--command", os.environ.get("LEADGLASS", "leadglass"))
AGENT = ("--agent", os.environ.get("LEADGLASSD", "leadglassd"))


def positive(checks, found, what):
	checks.check(all(value > 0 for value in found), what, found)


def load(checks, found):
	by_method = {(run["situation"], run["method"]): run["runs"] for run in found["runs"]}
	ours = [(situation, method) for situation in ("first", "replace", "one changed")
	        for method in ("nft -f", "leadglass load", "leadglass load --no-read-back")]
	others = [("first", method) for method in ("floor", NFT_RULES, "iptables-restore, a rule each")]
	for key in ours + others:
		positive(checks, [run["wall"] for run in by_method.get(key, [])] or [0], f"{key} was measured")
		positive(checks, [run["peak"] for run in by_method.get(key, [])] or [0], f"{key} used memory")
	positive(checks, [found["stripped_octets"]], "the command has a size")


	for run in found["parts"]:
		positive(checks, [parts[part] for parts in run["runs"] for part in PARTS], f"{run['situation']}: every part was measured")
	checks.equal(len(found["parts"]), 3, "the parts of every situation")


def change(checks, found):
	moved = {"changed": (1, 1), "added": (2, 0), "removed": (0, 2), "first added": (22, 20), "first removed": (20, 22)}
	for run in found["runs"]:
		checks.equal((run["added"], run["removed"]), moved.pop(run["kind"]), f"{run['kind']}: elements")
		positive(checks, [run["command"], run["keeper"], run["peak"]], f"{run['kind']}: what it cost")
	checks.equal(moved, {}, "every kind of change")
	for parts in found["parts"]:
		positive(checks, [parts[part] for part in PARTS], f"{parts['kind']}: every part was measured")
	checks.equal(len(found["parts"]), 5, "the parts of every kind")


def flood(checks, found):
	for run in found["runs"]:
		checks.equal(run["sent"], run["dropped"], f"{run['method']}: all are dropped and counted")
		positive(checks, [run["heard"], run["lines"], run["keeper_ms"], run["outside_ms"], *run["rss_after"], *run["status_ms"]],
		         f"{run['method']}: heard, logged, and what it cost")
		checks.check(run["heard"] <= run["dropped"], f"{run['method']}: no more is heard than dropped", run["heard"])
	checks.equal(len(found["runs"]), 3, "three rates")


def agent(checks, found):
	for count, runs in found["runs"].items():
		for what in ("start", "apply", "apply_agent"):
			positive(checks, runs[what], f"{count} peers: {what}")
		positive(checks, [one["keeper"] for one in runs["idle"]], f"{count} peers: memory")
		checks.check("keeper" in runs["wake_ups"], f"{count} peers: wake-ups")


def path(checks, found):
	by_method = {(run["role"], run["method"]): run["runs"] for run in found["runs"]}
	for role in ("host", "router"):
		for method in ("no firewall", "leadglass load", NFT_RULES):
			runs = by_method.get((role, method), [{}])
			positive(checks, [run.get(metric, 0) for run in runs for metric in ("packet", "connections", "bulk", "store")],
			         f"{role}, {method}: all four were measured")
	checks.check(found["role bridge"], "it says why role bridge is not measured")


def reload(checks, found):
	rows = {run["method"]: run for run in found["runs"]}
	for method, times in (("no firewall", 0), ("leadglass apply", 5), (NFT_SET, 5)):
		row = rows[method]
		checks.equal((row["times"], row["failed"]), (times, []), f"{method}: replaced so often")
		kinds = ("stores", "octets", "rounds", "connections", "slowest_ms", "stall_ms", "datagrams", "syns")
		positive(checks, [row[what] for what in kinds], f"{method}: there was traffic of all kinds")
	leaks = ("datagrams_leaked", "syns_leaked", "sessions_leaked")
	positive(checks, [rows["no firewall"][what] for what in leaks], "without a firewall leaks are seen")
	checks.equal([rows["leadglass apply"][what] for what in leaks], [0, 0, 0], "leadglass lets nothing pass")


def emulated(checks, runs, names):
	"""Of runs in a virtual machine: something passed in each, and it cost something."""
	for run in runs:
		positive(checks, [run["packets a second"], run["Mbit a second"], run["CPU us a packet"]], f"{names(run)}: was measured")


def flowtable(checks, found):
	emulated(checks, found["runs"], lambda run: f"{run['kind']}, {'with' if run['flowtable'] else 'without'}")
	checks.equal(len(found["runs"]), 4, "two kinds of traffic with and without")


def bridge(checks, found):
	emulated(checks, found["runs"], lambda run: f"{run['kind']}, {run['method']}")
	checks.equal(len(found["runs"]), 9, "three kinds of traffic by three methods")


BENCHES = {
	"load": (load, [*PROGRAMS, "--peers", "10", "--rounds", "1"]),
	"change": (change, [*PROGRAMS, *AGENT, "--peers", "10", "--rounds", "1"]),
	"flood": (flood, [*PROGRAMS, *AGENT, "--packets", "5000"]),
	"agent": (agent, [*PROGRAMS, *AGENT, "--peers", "10", "--rounds", "1", "--idle", "1"]),
	"path": (path, ["--rivals", "leadglass load", NFT_RULES, "--peers", "10", "--rounds", "1", "--seconds", "0.05",
	                "--object", "2"]),
	"reload": (reload, ["--rivals", "leadglass apply", NFT_SET, "--peers", "10", "--applies", "5", "--reloads", "5",
	                    "--control", "0.5", "--rate", "5000", "--object", "2"]),
	"flowtable": (flowtable, ["--rounds", "1", "--seconds", "1"]),
	"bridge": (bridge, ["--peers", "10", "--rounds", "1", "--seconds", "1"]),
}


def test(checks):
	name, *more = sys.argv[1:]
	judge, options = BENCHES[name]
	with tempfile.TemporaryDirectory() as folder:
		file = Path(folder) / "runs.json"
		done = subprocess.run([sys.executable, HERE / f"{name}.py", *options, *more, "--json", file],
		                      stdin=subprocess.DEVNULL, capture_output=True, text=True)
		print(done.stdout + done.stderr, flush=True)
		if not checks.check(done.returncode == 0, f"{name}.py ends well"):
			return
		found = json.loads(file.read_text())
	methods = {run["method"] for run in found["runs"] if "method" in run} if isinstance(found["runs"], list) else set()
	rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
	for method in methods:
		checks.check(any(f"`{method}`" in row for row in rows), f"the table has {method}")
	checks.check(len(rows) > len(methods), "there is a table")
	judge(checks, found)


if __name__ == "__main__":
	check.run(test)
