# SPDX-License-Identifier: Apache-2.0
"""What the agent is made of: its code by folder of the tree, and its resident memory by what is mapped."""

import os
import re

from harness.process import program, run

# What the linker took, and where to: it writes what it left out with the address 0, and breaks lines after long names.
_PIECE = re.compile(r"^ (\.(?:text|rodata)[\w.$]*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)", re.M)
_FEW_KB = 100


def _folder(origin):
    archive = re.match(r"(.+)/lib(\w+)\.a\(", origin)
    if archive and not os.path.isabs(origin):
        return archive.group(1)
    return "agent" if origin.startswith("agent/") else "the C compiler's and library's"


def text_by_folder():
    """Of onboardd, in bytes: code and constants of each folder, and what the linker adds, as tables of names and relocations."""
    with open(program("onboardd") + ".map", encoding="utf-8", errors="replace") as f:
        pieces = _PIECE.findall(re.sub(r"\n {2,}(?=0x)", " ", f.read()))
    found = {}
    for _, address, size, origin in pieces:
        if int(address, 16):
            folder = _folder(origin)
            found[folder] = found.get(folder, 0) + int(size, 16)
    total = int(run(["size", program("onboardd")]).splitlines()[1].split()[0])
    found = dict(sorted(found.items(), key=lambda entry: -entry[1]))
    return {**found, "the linker's tables": total - sum(found.values())}


def resident(pid):
    """By mapped file: resident kB, its share of them where others map it too, and what only this process has."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as f:
        areas = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", f.read(), flags=re.M)[1:]
    found = {}
    for area in areas:
        words = area.split("\n", 1)[0].split(maxsplit=5)
        name = os.path.basename(words[5]) if len(words) > 5 and not words[5].startswith("[") else "heap and stack"
        kb = dict(re.findall(r"^(\w+): +(\d+) kB", area, re.M))
        row = found.setdefault(name, {"rss_kb": 0, "pss_kb": 0, "anonymous_kb": 0})
        for key in row:
            row[key] += int(kb[key.removesuffix("_kb").title()])
    rows = dict(sorted(found.items(), key=lambda entry: -entry[1]["rss_kb"]))
    small = [name for name, row in rows.items() if row["rss_kb"] < _FEW_KB]
    rest = {key: sum(rows[name][key] for name in small) for key in ("rss_kb", "pss_kb", "anonymous_kb")}
    return {**{name: row for name, row in rows.items() if name not in small}, f"{len(small)} smaller ones": rest}
