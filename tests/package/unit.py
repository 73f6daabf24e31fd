#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: unit.py UNIT PROGRAM

systemd's own opinion of the agent's unit file: it is well-formed, its exposure is below 1.5, and it is started also
where /var could not be mounted. PROGRAM is the leadglassd that was built, as the unit's own is not installed here.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "net"))
from check import run


# What keeps the network waiting while the agent is started again and again
SOURCE = Path(__file__).resolve().parents[2]
WAIT = SOURCE / "firmware" / "package" / "leadglassd-wait.service"


def ask(*words):
	done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True,
	                      env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_LOG_LEVEL": "notice"})
	return done.returncode, done.stdout + done.stderr


MOUNTS = ("var", "var-lib", "tmp", "var-tmp")


def requires(folder):
	"""What systemd makes of the unit, on a machine with such mounts: what it requires, and comes after."""
	for name in MOUNTS:
		where = "/" + name.replace("-", "/")
		(folder / f"{name}.mount").write_text(f"[Mount]\nWhat=/dev/disk/by-label/{name}\nWhere={where}\nType=ext4\n")
	done = subprocess.run(["/lib/systemd/systemd", "--test", "--system", "--unit=leadglassd.service"], text=True,
	                      env={"SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_LOG_LEVEL": "err", "LC_ALL": "C.UTF-8"},
	                      capture_output=True, timeout=60, **({"user": 65534} if os.geteuid() == 0 else {}))
	entry = re.search(r"(?ms)^\s*-> Unit leadglassd\.service:$.*?(?=^\s*-> |\Z)", done.stdout)
	found = {"Requires": set(), "After": set()}
	for kind, unit in re.findall(r"(?m)^\s+(\w+): (\S+) \(", entry[0] if entry else ""):
		found.setdefault({"BindsTo": "Requires", "Requisite": "Requires"}.get(kind, kind), set()).add(unit)
	return found, done.stdout[-3000:] + done.stderr


def main():
	if len(sys.argv) != 3:
		sys.exit(__doc__.strip())

	def test(checks):
		text = Path(sys.argv[1]).read_text()
		checks.check("@" not in re.sub("(?m)^#.*|@[a-z]+-?[a-z]+", "", text), "nothing is left to be filled in", text)
		# That it works so, systemd says in tests/vm/unit.py.
		settings = re.search('IPV6_FOLDER "(.*)"', (SOURCE / "src/link/link_talk.c").read_text())[1]
		checks.check(f"\nReadWritePaths=-{settings}\n" in text, f"what --ports has to write is writable: {settings}", text)
		with tempfile.TemporaryDirectory(prefix="leadglass-unit-") as folder:
			unit = Path(folder) / "leadglassd.service"
			unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.argv[2]}", text))
			waits = Path(shutil.copy(WAIT, folder))
			status, said = ask("verify", "--man=no", str(unit), str(waits))
			checks.check(status == 0 and not said.strip(), "systemd-analyze verify has nothing to say", said)
			status, said = ask("security", "--offline=true", "--threshold=15", str(unit))
			exposure = re.search(r"exposure level for leadglassd.service: ([0-9.]+)", said)
			checks.check(status == 0 and exposure and float(exposure[1]) < 1.5,
			             f"its exposure is {exposure and exposure[1]}, below 1.5", said)
			os.chmod(folder, 0o755)
			found, said = requires(Path(folder))
			checks.check(WAIT.name in found.get("Wants", ()), "it brings the unit that keeps the network waiting", said)
			checks.check("var.mount" in found["After"], "it comes after the mount of /var", said)
			checks.equal(sorted(unit for unit in found["Requires"] if unit.endswith(".mount") and unit != "-.mount"), [],
			             "and is started also when that, or another, fails")

	run(test)


if __name__ == "__main__":
	main()
