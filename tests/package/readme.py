# SPDX-License-Identifier: Apache-2.0
"""The blocks of a section of the README, as somebody would type them who reads it from top to bottom."""

import os
import re

from machine import SOURCE


class Block:
    def __init__(self, heading, intro, lines):
        self.heading = heading  # the bold words before it, without the full stop
        self.intro = intro  # the paragraph before it
        self.lines = lines

    def is_file(self):
        """What the paragraph before it says to write."""
        return self.lines[0].startswith("[")

    def file(self):
        """Its name, which is the first that the paragraph names after "write", and its text."""
        assert self.is_file()
        return re.search(r"write `([^`]+)`", self.intro).group(1), "".join(line + "\n" for line in self.lines)

    def commands(self):
        """One each, with the lines that a backslash joins to it."""
        assert not self.is_file()
        return re.sub(r"\\\n", "", "\n".join(self.lines)).split("\n")


def blocks(section, heading=None):
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as f:
        text = f.read()
    text = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL).group(1)
    found, bold, intro = [], "", ""
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if paragraph.startswith("    "):
            found.append(Block(bold, intro, [line[4:] for line in paragraph.split("\n")]))
            continue
        intro = paragraph
        named = re.match(r"\*\*(.+?)\.?\*\*", paragraph)
        bold = named.group(1) if named else bold
    return [b for b in found if heading in (None, b.heading)]
