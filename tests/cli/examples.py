# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks that README and man pages show, for the tests that execute them: documents.py says how they are marked."""

import pathlib
import re

TREE = pathlib.Path(__file__).resolve().parents[2]
MARKER = r"(file|run|fragment)(?:: (\S+))?"


class Block:
    def __init__(self, document, kind, argument, text):
        self.document, self.kind, self.argument, self.text = document, kind, argument, text

    def commands(self):
        """(command, expected output) pairs; a command goes on after a backslash"""
        parts = re.split(r"(?m)^\$ ((?:.*\\\n)*.*)\n", self.text)
        assert parts[0] == "", f"{self.document}: text before the first command: {parts[0]!r}"
        return list(zip(parts[1::2], parts[2::2]))


def markdown(name):
    text = (TREE / name).read_text()
    pattern = rf"<!-- {MARKER} -->\n```\w*\n(.*?)^```$"
    blocks = [Block(name, *found) for found in re.findall(pattern, text, re.M | re.S)]
    assert len(blocks) == len(re.findall(rf"<!-- {MARKER} -->", text)), f"{name}: a marker without its block"
    return blocks


def mdoc(name):
    text = (TREE / "docs/man" / name).read_text()
    pattern = rf'^\.\\" {MARKER}\n\.Bd -literal[^\n]*\n(.*?)^\.Ed$'
    blocks = [Block(name, *found) for found in re.findall(pattern, text, re.M | re.S)]
    assert len(blocks) == len(re.findall(rf'(?m)^\.\\" {MARKER}$', text)), f"{name}: a marker without its block"
    for block in blocks:
        block.text = block.text.replace("\\&", "").replace("\\e", "\\").replace("\\-", "-")
    return blocks


def matches(expected, printed):
    pattern = "".join(r"(?:.*\n)*" if line == "...\n" else re.escape(line).replace(r"\.\.\.", ".*")
                      for line in expected.splitlines(keepends=True))
    return re.fullmatch(pattern, printed) is not None
