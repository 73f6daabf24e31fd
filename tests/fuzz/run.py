#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: run.py PROGRAM TARGET FOLDER [--seconds N] [--libfuzzer] [--coverage]

Runs a fuzz target over its seeds, which TARGET_seeds.py makes, or seeds-TARGET beside PROGRAM (kept in FOLDER/seeds, made anew when it or what it makes
them from has changed). With --libfuzzer, PROGRAM goes on from them for N seconds and keeps what it finds in
FOLDER/corpus, for the next time; an input that fails stays in FOLDER/failed. Fails too when nothing, or less than the
seeds, was run. With --coverage, PROGRAM (built to count, as in preset coverage) is given seeds and corpus, and what
they reach of src is printed: lines, by file, of those files of which anything was reached.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MADE_FROM = (HERE, HERE.parent / "unit" / "trust", HERE.parent / "net", HERE.parent / "golden")
LONGEST = 16384


def make_seeds(program, target, folder):
	maker = [program.with_name(f"seeds-{target}")]
	if not maker[0].exists():
		maker = [sys.executable, HERE / f"{target}_seeds.py"]
	sources = [path for place in MADE_FROM for path in place.rglob("*") if path.suffix in (".py", ".txt", ".conf")]
	newest = max(path.stat().st_mtime for path in (maker[-1], *sources))
	if not folder.exists() or folder.stat().st_mtime < newest:
		shutil.rmtree(folder, ignore_errors=True)
		fresh = folder.with_suffix(".new")
		shutil.rmtree(fresh, ignore_errors=True)
		subprocess.run([*maker, fresh], check=True)
		fresh.rename(folder)
		os.utime(folder)
	return sorted(folder.iterdir())


def replay(program, seeds, **environment):
	done = subprocess.run([program, *seeds], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
	print(done.stdout, end="")
	return done.returncode, int((re.findall(r"^(\d+) inputs$", done.stdout, re.M) or [0])[-1])


def fuzz(program, target, folder, seconds):
	corpus, failed = folder / "corpus", folder / "failed"
	for each in (corpus, failed):
		each.mkdir(parents=True, exist_ok=True)
	dictionary = HERE / f"{target}.dict"
	done = subprocess.run([program, corpus, folder / "seeds", f"-max_total_time={seconds}", f"-max_len={LONGEST}",
	                       "-timeout=20", "-rss_limit_mb=1024", "-malloc_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={failed}/",
	                       *([f"-dict={dictionary}"] if dictionary.exists() else [])],
	                      stderr=subprocess.PIPE, text=True, errors="replace")
	lines = done.stderr.splitlines()
	print("\n".join(lines[-40:] if done.returncode == 0 else lines[-200:]))
	return done.returncode, int((re.findall(r"^stat::number_of_executed_units:\s*(\d+)$", done.stderr, re.M) or [0])[-1])


def coverage(program, folder, seeds):
	corpus = sorted((folder / "corpus").iterdir()) if (folder / "corpus").is_dir() else []
	raw = folder / "coverage.raw"
	status, ran = replay(program, [*seeds, *corpus], LLVM_PROFILE_FILE=raw)
	subprocess.run([HERE.parents[1] / "tools/coverage.d/report", raw, program], check=True)
	return status, ran


def main():
	parser = argparse.ArgumentParser(usage=__doc__)
	parser.add_argument("program", type=Path)
	parser.add_argument("target")
	parser.add_argument("folder", type=Path)
	parser.add_argument("--seconds", type=int, default=30)
	parser.add_argument("--libfuzzer", action="store_true")
	parser.add_argument("--coverage", action="store_true")
	words = parser.parse_args()
	words.folder.mkdir(parents=True, exist_ok=True)
	seeds = make_seeds(words.program, words.target, words.folder / "seeds")
	if words.libfuzzer:
		status, ran = fuzz(words.program, words.target, words.folder, words.seconds)
	elif words.coverage:
		status, ran = coverage(words.program, words.folder, seeds)
	else:
		status, ran = replay(words.program, seeds)
	print(f"{words.target}: {len(seeds)} seeds, {ran} inputs run")
	if status != 0:
		print(f"{words.target}: FAILED, status {status}; look into {words.folder / 'failed'}")
		return 1
	if not seeds or ran < len(seeds):
		print(f"{words.target}: FAILED: less was run than there are seeds")
		return 1
	return 0


if __name__ == "__main__":
	sys.exit(main())
