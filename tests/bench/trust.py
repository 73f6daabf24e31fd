#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What signed policies cost: processor time, memory, and octets in a static binary.

Processor time is that of one verification inside a process, everything from the octets of the file to the verdict, with
a root, a CA below it and the signer; and that of the whole `leadglass verify-signature`. Memory is the largest resident
size of `leadglass verify-signature` and of the process in which it verifies. Size is what a static program grows by
that verifies: with Debian's own static libraries, and with mbedTLS built from Debian's source package as
firmware/mbedtls/leadglass_config.h says, for this Debian's and the next one's version. The difference of files, which
jumps by pages, and that of what is in them."""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
SOURCE = Path(__file__).resolve().parents[2]
for folder in ("bench", "net", "package"):
	sys.path.insert(0, str(SOURCE / "tests" / folder))
import bench  # noqa: E402
import package  # noqa: E402
from rivals import policy  # noqa: E402
from signing import Pki, Trust, block  # noqa: E402

KINDS = ("P-256", "P-384", "RSA-3072", "RSA-4096")
SIZES = ((100, "100 KB"), (1000, "1 MB"), (10000, "10 MB"), (60000, "60 MB"))  # KB
PEERS = 10000
CPU_LIMIT = 10           # ms, of a verification of so many peers
SIZE_LIMIT = 100 * 1000  # octets, without RSA
GROWTH_LIMIT = 128       # KiB that the largest file may need more than the smallest
RELEASES = ("bookworm", "trixie")
COMPILE = ["-std=gnu17", "-D_GNU_SOURCE", "-Os", "-ffunction-sections", "-fdata-sections", "-fno-asynchronous-unwind-tables",
           "-w", f"-I{SOURCE / 'src'}"]
LINK = ["-static", "-Wl,--gc-sections", "-s"]


def must(*words, **more):
	done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **more)
	if done.returncode != 0:
		sys.exit(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
	return done.stdout


class Signed:
	"""Signed policies of each kind of key, and who is trusted."""

	def __init__(self, folder):
		self.folder, self.desks, self.roots = folder, {}, {}
		pki, box = Pki(folder / "keys"), Trust(folder / "trust")
		box.identify()
		for kind in KINDS:
			self.roots[kind] = pki.root(f"{kind} root", kind=kind)
			self.desks[kind] = pki.signer(f"{kind} desk", pki.ca(f"{kind} CA", self.roots[kind], kind=kind), kind=kind)
			box.add(kind, self.roots[kind])
		self.trust = box.path

	def write(self, name, kind, text):
		path = self.folder / name
		path.write_bytes(self.desks[kind].sign(block(7) + text))
		return path


# ---- time ----

def measure(options, *words):
	"""(CPU ms, peak KiB) of a command that succeeds."""
	with tempfile.TemporaryFile() as result:
		done = subprocess.run(["sh", "-c", f"exec 3>&{result.fileno()}; exec \"$@\"", "sh", options.measure, *map(str, words)],
		                      stdin=subprocess.DEVNULL, capture_output=True, text=True, pass_fds=[result.fileno()])
		result.seek(0)
		line = result.read().split()
	if done.returncode or not line or line[4] != b"0":
		sys.exit(f"{' '.join(map(str, words))}: exit {line[4:]}\n{done.stdout}{done.stderr}")
	_, user, system, peak, _ = map(int, line)
	return (user + system) / 1000, peak


def times(options, signed):
	found = {}
	for kind in KINDS:
		file = signed.write("peers.conf", kind, policy(PEERS, 1))
		root = signed.folder / "trust" / f"{kind}.pem"
		inside = [int(line) / 1000 for line in must(options.time, file, root, options.rounds * 5).split()]
		whole = [measure(options, options.command, "verify-signature", "--trust", signed.trust, file)[0]
		         for _ in range(options.rounds)]
		found[kind] = {"inside": inside, "whole": whole, "octets": file.stat().st_size}
	return found


def memories(options, signed):
	found = {}
	for kind in ("P-256", "P-384", "RSA-3072"):
		for size, name in SIZES:
			line = "# " + "x" * 97 + "\n"
			file = signed.write("long.conf", kind, "role host\ndevice ct-3 { port 104 }\n" + line * (size * 10))
			found[kind, name] = [measure(options, options.command, "verify-signature", "--trust", signed.trust, file)[1]
			                     for _ in range(3)]
			file.unlink()
	return found


# ---- size ----

def fetch(release, folder):
	"""mbedTLS's source package, unpacked, with Debian's patches. Its folder and version."""
	(folder / "lists" / "partial").mkdir(parents=True)
	(folder / "sources.list").write_text(package.sources(release, "deb-src"))
	apt = ["apt-get", "--quiet", "-o", f"Dir::Etc::SourceList={folder}/sources.list", "-o", "Dir::Etc::SourceParts=-",
	       "-o", f"Dir::State::Lists={folder}/lists", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]
	must(*apt, "update", cwd=folder)
	must(*apt, "source", "mbedtls", cwd=folder)
	version = next(folder.glob("*.dsc")).name.removesuffix(".dsc").split("_", 1)[1]
	return next(path for path in folder.iterdir() if (path / "library").is_dir()), version


def compile_all(files, folder, words):
	"""Compiles each, two at a time, into an archive."""
	folder.mkdir(parents=True)
	commands = [["cc", *words, "-c", str(file), "-o", str(folder / f"{file.stem}.o")] for file in files]
	running = []
	for command in commands + [None, None]:
		if len(running) == 2 or (command is None and running):
			done = running.pop(0)
			_, said = done.communicate()
			if done.returncode:
				sys.exit(f"{' '.join(done.args)}: exit {done.returncode}\n{said[-3000:]}")
		if command:
			running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
	archive = folder / "all.a"
	must("ar", "rcs", archive, *folder.glob("*.o"))
	return archive


def grows(folder, words, libraries):
	"""By how many octets (of the file, of what is in it) a program grows that verifies."""
	ours = [*(SOURCE / "src" / "trust").glob("*.c"), *(SOURCE / "src" / "base").glob("*.c")]
	ours = [file for file in ours if file.name != "trust_sign.c"]
	sizes = []
	archive = compile_all(ours, folder / "ours", [*COMPILE, "-DLEADGLASS_BUILT=0", *words])
	for name, define in (("without", []), ("with", ["-DVERIFY"])):
		program = folder / name
		must("cc", *COMPILE, *words, *define, *LINK, SOURCE / "tests/bench/trust_size.c", archive, *libraries, "-o", program)
		text, data = must("size", program).splitlines()[1].split()[:2]
		sizes.append((program.stat().st_size, int(text) + int(data)))
	return tuple(after - before for before, after in zip(*sizes))


def check_verifies(program, signed, kind):
	"""The program that was measured is one that verifies."""
	file = signed.write("small.conf", kind, policy(10, 1))
	said = must(program, file, signed.folder / "trust" / f"{kind}.pem")
	if not said.startswith("0 "):
		sys.exit(f"{program} does not verify: {said}")


def sizes(signed, folder):
	found = {}
	debian = folder / "debian"
	found["Debian's libmbedx509.a and libmbedcrypto.a"] = grows(debian, [], ["-lmbedx509", "-lmbedcrypto"])
	check_verifies(debian / "with", signed, "P-256")
	for release in RELEASES:
		(folder / release).mkdir()
		source, version = fetch(release, folder / release)
		for name, defines, kinds in ((("ECDSA"), ["-DLEADGLASS_MBEDTLS_NO_RSA"], ("P-256", "P-384")),
		                             (("ECDSA and RSA"), [], KINDS)):
			words = [f"-I{source / 'include'}", f"-I{source / 'library'}", f"-I{SOURCE / 'firmware/mbedtls'}",
			         '-DMBEDTLS_CONFIG_FILE="leadglass_config.h"', *defines]
			files = [file for file in (source / "library").glob("*.c") if not re.match("psa_|ssl_|net_|debug", file.name)]
			place = folder / release / name.replace(" ", "-")
			archive = compile_all(files, place / "mbedtls", [*COMPILE, *words])
			found[f"mbedTLS {version}, {name}"] = grows(place, words, [archive])
			for kind in kinds:
				check_verifies(place / "with", signed, kind)
	return found


# ---- what is said ----

def tables(results):
	lines = [f"### Processor time, {PEERS:,} peers", "", "| signer's key | verification, ms | `leadglass verify-signature`, ms |",
	         "|---|---:|---:|"]
	lines += [f"| {kind} | {bench.spread(one['inside'])} | {bench.spread(one['whole'])} |" for kind, one in results["time"].items()]
	lines += ["", "### Largest memory of `leadglass verify-signature`, KiB", "",
	          "| signer's key | " + " | ".join(name for _, name in SIZES) + " |", "|---|" + "---:|" * len(SIZES)]
	for kind in dict.fromkeys(kind for kind, _ in results["memory"]):
		cells = [f"{statistics.median(results['memory'][kind, name]):,.0f}" for _, name in SIZES]
		lines.append(f"| {kind} | " + " | ".join(cells) + " |")
	lines += ["", "### What verification adds to a static binary, octets", "", "| mbedTLS | file | code and data |", "|---|---:|---:|"]
	lines += [f"| {name} | {file:,} | {inside:,} |" for name, (file, inside) in results["size"].items()]
	return lines


def judge(results):
	rows = []
	for kind, one in results["time"].items():
		cpu = statistics.median(one["inside"])
		rows.append((f"{PEERS:,} peers, {kind}: CPU ms of a verification", f"{cpu:.2f}", str(CPU_LIMIT), cpu < CPU_LIMIT))
	for kind in dict.fromkeys(kind for kind, _ in results["memory"]):
		small, large = (statistics.median(results["memory"][kind, name]) for name in (SIZES[0][1], SIZES[-1][1]))
		rows.append((f"{kind}: KiB more for {SIZES[-1][1]} than for {SIZES[0][1]}", f"{large - small:,.0f}",
		             f"{GROWTH_LIMIT}", large - small <= GROWTH_LIMIT))
	for name, (file, _) in results["size"].items():
		if name.endswith("ECDSA"):
			rows.append((f"{name}: octets", f"{file:,}", f"{SIZE_LIMIT:,}", file < SIZE_LIMIT))
	return rows


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--command", required=True, help="the leadglass to measure (a release build)")
	parser.add_argument("--measure", required=True, help="tests/bench/measure.c, built")
	parser.add_argument("--time", required=True, help="tests/bench/trust_time.c, built")
	parser.add_argument("--rounds", type=int, default=11)
	parser.add_argument("--json", type=Path, help="also write every number to this file")
	options = parser.parse_args()
	options.command, options.measure, options.time = map(os.path.abspath, (options.command, options.measure, options.time))
	with tempfile.TemporaryDirectory(prefix="leadglass-bench-") as name:
		folder = Path(name)
		folder.chmod(0o755)
		signed = Signed(folder)
		results = {}
		for what, how in (("time", lambda: times(options, signed)), ("memory", lambda: memories(options, signed)),
		                  ("size", lambda: sizes(signed, folder))):
			print(f"{what} ...", file=sys.stderr, flush=True)
			results[what] = how()
	facts, rows = bench.machine(), judge(results)
	print(f"## Signed policies\n\n{facts['cpu']}, {facts['processors']} processors, kernel {facts['kernel']}. Medians of "
	      f"{options.rounds} runs and more, in brackets the smallest and the largest.\n")
	print("\n".join(tables(results)))
	print("\n### What was promised\n\n| what | found | at most | |\n|---|---:|---:|---|")
	for what, found, wanted, good in rows:
		print(f"| {what} | {found} | {wanted} | {'yes' if good else '**no**'} |")
	if options.json:
		results["memory"] = {f"{kind}, {name}": found for (kind, name), found in results["memory"].items()}
		options.json.write_text(json.dumps({
			"machine": facts, **results,
			"promised": [{"what": what, "found": found, "at_most": wanted, "kept": good} for what, found, wanted, good in rows],
		}, indent="\t") + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
