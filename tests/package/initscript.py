# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: initscript.py LEADGLASS LEADGLASSD TREE

The start script for images with busybox or sysvinit, run as it is installed: in a copy of this system's files that is
thrown away (an overlay in memory), with namespaces of its own. 77 without root.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, AGENT, TREE = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
ENTRY = "lg:2345:respawn:/etc/init.d/leadglassd run\n"
SCRIPT = "/etc/init.d/leadglassd"

# $1: an empty folder. The rest is run in the copy, by sh -c.
FRAME = f"""
set -e
mount -t tmpfs none "$1"
cd "$1"
mkdir upper work root
mount -t overlay none -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount -t tmpfs none root/run
mount --bind /dev root/dev
rm -f root/etc/default/leadglass root/etc/inittab
rm -rf root/var/lib/leadglass
install -m 755 {PROGRAM} root/usr/bin/leadglass
install -m 755 {AGENT} root/usr/sbin/leadglassd
install -m 755 {TREE}/firmware/package/leadglassd.busybox.init root{SCRIPT}
grep -q ^leadglass: root/etc/passwd || echo leadglass:x:998:998::/nonexistent:/usr/sbin/nologin >> root/etc/passwd
grep -q ^leadglass: root/etc/group || echo leadglass:x:998: >> root/etc/group
chroot root install -d -m 700 -o leadglass -g leadglass /var/lib/leadglass
exec chroot root sh -c "$2"
"""


class Script(unittest.TestCase):
    def play(self, commands):
        with tempfile.TemporaryDirectory(prefix="leadglass-init-") as folder:
            # what is started in the process namespace ends with it
            done = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", FRAME,
                                   "bash", folder, commands], capture_output=True, text=True, timeout=100)
        self.assertEqual(done.returncode, 0, (done.stdout, done.stderr))
        return done.stdout

    def test_agent_of_the_script(self):
        """The wall stands when start returns, and the agent runs as its user; it stays when that is stopped."""
        out = self.play(f"""set -e
            {SCRIPT} start
            leadglass list | head -1
            leadglass status | head -1
            grep -h ^Uid: /proc/$(cat /var/run/leadglassd.pid)/status
            id -u leadglass
            {SCRIPT} stop
            leadglass list | head -1
            leadglass status || echo "status: $?" """)
        lines = out.splitlines()
        self.assertEqual(lines[0], "Starting leadglassd: OK", out)
        self.assertIn("table inet leadglass: ", lines[1])
        self.assertIn("THE WALL IS CLOSED", lines[2])
        self.assertEqual(lines[3].split()[1:], [lines[4]] * 4, out)
        self.assertEqual(lines[5], "Stopping leadglassd, the wall stays: OK")
        self.assertIn("table inet leadglass: ", lines[6])
        self.assertEqual(lines[7], "status: 4")

    def test_agent_of_init(self):
        """Where /etc/inittab runs the agent, the wall is there before that, and no agent is in its way."""
        out = self.play(f"""set -e
            printf %s '{ENTRY}' > /etc/inittab
            {SCRIPT} start
            leadglass list | head -1
            ! leadglass status 2> /dev/null
            {SCRIPT} run & agent=$!
            until leadglass status > /dev/null 2>&1 || [ $? = 1 ]; do sleep 0.2; done
            leadglass status | head -1
            kill $agent
            wait $agent || true
            leadglass list | head -1""")
        lines = out.splitlines()
        self.assertEqual(lines[0], "Starting leadglassd: OK", out)
        self.assertIn("table inet leadglass: ", lines[1])
        self.assertIn("THE WALL IS CLOSED", lines[2])
        self.assertIn("table inet leadglass: ", lines[3])

    def test_usage(self):
        self.assertIn("Usage: ", self.play(f"{SCRIPT} || echo $?"))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
