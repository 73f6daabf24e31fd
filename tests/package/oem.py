# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: oem.py LEADGLASS TREE

What other people's build systems are told of leadglass (firmware/buildroot, firmware/yocto, firmware/kernel,
docs/adopting.md) against what is so in this tree. Whether those systems build an image is theirs to say: here is
only what a change of ours would make wrong without anybody noticing.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import unittest

PROGRAM, TREE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
MAKE = TREE / "firmware/buildroot/package/leadglass/leadglass.mk"
LAYER = TREE / "firmware/yocto/meta-leadglass"
KERNEL = TREE / "firmware/kernel"
OLD = {"CONFIG_NFT_META", "CONFIG_NFT_COUNTER"}  # of kernels older than those that leadglass runs on
LISTED = {"CONFIG_LSM"}  # a list, whose default has landlock in it


def read(path):
    return (TREE / path).read_text()


def recipe():
    found = list((LAYER / "recipes-security/leadglass").glob("*.bb"))
    assert len(found) == 1, found
    return found[0]


def fragment(name):
    """Options that are on, and that are off."""
    text = (KERNEL / name).read_text()
    return (set(re.findall(r"(?m)^(CONFIG_\w+)=y$", text)), set(re.findall(r"(?m)^# (CONFIG_\w+) is not set$", text)))


def fixups(kind, text):
    return set(re.findall(rf"call KCONFIG_{kind}_OPT,(CONFIG_\w+)\)", text))


# In no fragment: it leads packets around the chains, so who wants it asks for it.
CHOSEN = {"CONFIG_NFT_FLOW_OFFLOAD", "CONFIG_NF_FLOW_TABLE_INET"}


def asked():
    """Options that the program names, by the files that name them: telling takes no kernel that has them all."""
    text = read("src/nft/nft_feature.c") + read("src/cli/cli_probe_features.c")
    return set(re.findall(r"CONFIG_\w+", text)) - OLD - LISTED


class Oem(unittest.TestCase):
    def test_version(self):
        version = re.search(r"project\(leadglass VERSION (\S+)", read("CMakeLists.txt"))[1]
        self.assertEqual(re.search(r"(?m)^LEADGLASS_VERSION = (.*)$", MAKE.read_text())[1], version)
        self.assertEqual(recipe().name, f"leadglass_{version}.bb")

    def test_licence(self):
        file, md5 = re.search(r'LIC_FILES_CHKSUM = "file://(\w+);md5=(\w+)"', recipe().read_text()).groups()
        self.assertEqual(hashlib.md5((TREE / file).read_bytes()).hexdigest(), md5)
        self.assertTrue((TREE / re.search(r"LEADGLASS_LICENSE_FILES = (\S+)", MAKE.read_text())[1]).is_file())

    def test_options_of_cmake(self):
        known = set(re.findall(r"option\((\w+)", read("CMakeLists.txt") + read("cmake/Install.cmake")))
        for path in (MAKE, recipe()):
            passed = set(re.findall(r"-D(LEADGLASS_\w+)=", path.read_text()))
            self.assertTrue(passed and passed <= known, (path, passed, known))

    def test_files(self):
        for path, mark in ((MAKE, r"\$\(@D\)/([^\s\\]+)"), (recipe(), r"\$\{S\}/([^\s\\]+)")):
            names = re.findall(mark, path.read_text())
            self.assertGreaterEqual(len(names), 2, path)
            for name in names:
                self.assertTrue((TREE / name).is_file(), (path, name))
        append = next((LAYER / "recipes-kernel/linux").iterdir()).read_text()
        names = re.findall(r"file://([\w.-]+)", append)
        self.assertEqual(sorted(names), sorted(path.name for path in KERNEL.glob("*.cfg")))
        self.assertIn("${LEADGLASS_SOURCE}/firmware/kernel:", append)

    def test_the_trees_lie_where_they_say(self):
        config = read("firmware/buildroot/Config.in")
        name = re.search(r"(?m)^name: (\w+)$", read("firmware/buildroot/external.desc"))[1]
        for path in re.findall(rf'source "\$BR2_EXTERNAL_{name}_PATH/(\S+)"', config):
            self.assertTrue((TREE / "firmware/buildroot" / path).is_file(), path)
        self.assertIn(f"$(BR2_EXTERNAL_{name}_PATH)/../..", MAKE.read_text())
        symbols = set(re.findall(r"(?m)^config (\w+)$", read("firmware/buildroot/package/leadglass/Config.in")))
        for path in (TREE / "firmware/buildroot/configs").iterdir():
            ours = set(re.findall(r"(?m)^(BR2_PACKAGE_LEADGLASS\w*)=", path.read_text()))
            self.assertTrue(ours and ours <= symbols, path)
        self.assertTrue(set(re.findall(r"\((BR2_PACKAGE_LEADGLASS\w*)\)", MAKE.read_text())) <= symbols)
        layer = (LAYER / "conf/layer.conf").read_text()
        up = re.search(r"realpath\('\$\{LAYERDIR\}/([./]+)'\)", layer)[1]
        self.assertEqual((LAYER / up).resolve(), TREE)
        for glob in re.findall(r"\$\{LAYERDIR\}/(recipes\S*[^\s\"])", layer):
            self.assertTrue(list(LAYER.glob(glob)), glob)

    def test_user(self):
        """The same user, group and folder everywhere: the package's are what is tested most."""
        user = re.search(r"(?m)^u (\w+) ", read("firmware/package/leadglass.sysusers"))[1]
        folder, mode = re.search(r"(?m)^d (/var/\S+) (\d+)", read("firmware/package/leadglass.tmpfiles")).groups()
        self.assertRegex(MAKE.read_text(), rf"(?m)^\t{user} -1 {user} -1 \* ")
        self.assertIn(f"\t{folder} d {mode.lstrip('0')} {user} {user} ", MAKE.read_text())
        self.assertRegex(recipe().read_text(), rf'--user-group [^"]* {user}"')
        self.assertIn(f"-m {mode} -o {user} -g {user} ${{D}}${{localstatedir}}/lib/leadglass", recipe().read_text())
        self.assertIn(f"--user {user} ", read("firmware/package/leadglassd.busybox.init"))

    def test_kernel(self):
        """Buildroot's fixups are the fragments, and those have all that the program asks for."""
        on, off = fragment("leadglass.cfg")
        bridge_on, bridge_off = fragment("leadglass-bridge.cfg")
        general, bridge = MAKE.read_text().split("define LEADGLASS_LINUX_CONFIG_FIXUPS_BRIDGE")
        self.assertEqual((fixups("ENABLE", general), fixups("DISABLE", general)), (on, off))
        self.assertEqual((fixups("ENABLE", bridge), fixups("DISABLE", bridge)), (bridge_on, bridge_off))
        self.assertGreater(len(asked()), 15)
        self.assertEqual(asked() - on - bridge_on - bridge_off - CHOSEN, set())

    def test_the_document_has_what_the_program_says(self):
        """As a row of its table; asked of the program where it may be, which is as root."""
        text = read("docs/adopting.md")
        for option in asked():
            self.assertIn(f"`{option}`", text)
        done = subprocess.run([PROGRAM, "probe", "--json"], capture_output=True, text=True)
        if done.returncode > 1:
            self.skipTest(done.stderr)
        features = json.loads(done.stdout)["features"]
        self.assertGreater(len(features), 15)
        for feature in features:
            roles = "every role" if len(feature["roles"]) == 3 else "role " + ", ".join(feature["roles"])
            need = ("needed by " if feature["needed"] else "useful for ") + roles
            option = re.sub(r"(CONFIG_\w+)", r"`\1`", feature["option"])
            self.assertIn(f"| {feature['about']} | {option} | {need} | {feature['without']} |\n", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
