#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: unit.py UNIT PROGRAM

systemd's own opinion of the agent's unit file: it is well-formed, and its exposure is below 1.5. PROGRAM is the
leadglassd that was built, as the unit's own is not installed here.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "net"))
from check import run


def ask(*words):
	done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True,
	                      env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_LOG_LEVEL": "notice"})
	return done.returncode, done.stdout + done.stderr


def main():
	if len(sys.argv) != 3:
		sys.exit(__doc__.strip())

	def test(checks):
		text = Path(sys.argv[1]).read_text()
		checks.check("@" not in re.sub("(?m)^#.*|@[a-z]+-?[a-z]+", "", text), "nothing is left to be filled in", text)
		with tempfile.TemporaryDirectory(prefix="leadglass-unit-") as folder:
			unit = Path(folder) / "leadglassd.service"
			unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.argv[2]}", text))
			status, said = ask("verify", "--man=no", str(unit))
			checks.check(status == 0 and not said.strip(), "systemd-analyze verify has nothing to say", said)
			status, said = ask("security", "--offline=true", "--threshold=15", str(unit))
			exposure = re.search(r"exposure level for leadglassd.service: ([0-9.]+)", said)
			checks.check(status == 0 and exposure and float(exposure[1]) < 1.5,
			             f"its exposure is {exposure and exposure[1]}, below 1.5", said)

	run(test)


if __name__ == "__main__":
	main()
