# SPDX-License-Identifier: Apache-2.0
"""The matrix in tables: every cell, and what they come to by loss, round trip and NAT."""

import itertools
import os
import statistics

COLUMNS = ("loss", "twice", "late", "RTT", "MTU", "IP", "NAT", "time", "datagrams", "bytes", "handshakes", "sent again",
           "pauses", "fragments", "largest")
GROUPS = ("loss", "RTT", "NAT", "cells", "time p50", "time max", "datagrams p50", "bytes p50", "handshakes max", "pauses",
          "fragments")


def _row(outcome):
    cell, up, down = outcome.cell, outcome.up, outcome.down
    name = (f"{cell.loss} %", f"{cell.duplicate} %", f"{cell.late} %", f"{cell.rtt} ms", cell.mtu, cell.family,
            "rebinds" if cell.rebinds else "")
    if not up:
        return (*name, *["-"] * (len(COLUMNS) - len(name)))
    return (*name, f"{outcome.time_s:.1f} s", up["udp"] + down["udp"], up["bytes"] + down["bytes"],
            f"{outcome.full}+{outcome.abbreviated}", outcome.retransmissions, outcome.pauses,
            up["fragments"] + down["fragments"], max(up["largest"], down["largest"]))


def _table(columns, rows):
    rows = [columns, *rows]
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(columns))]
    lines = ["| " + " | ".join(str(v).rjust(w) for v, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 1) + ":" for w in widths) + "|")
    return "\n".join(lines) + "\n"


def _groups(outcomes):
    def key(outcome):
        return outcome.cell.loss, outcome.cell.rtt, outcome.cell.rebinds

    counted = sorted((o for o in outcomes if o.up), key=key)
    for (loss, rtt, rebinds), group in itertools.groupby(counted, key):
        group = list(group)
        times = [o.time_s for o in group]
        yield (f"{loss} %", f"{rtt} ms", "rebinds" if rebinds else "", len(group), f"{statistics.median(times):.1f} s",
               f"{max(times):.1f} s", round(statistics.median(o.up["udp"] + o.down["udp"] for o in group)),
               round(statistics.median(o.up["bytes"] + o.down["bytes"] for o in group)),
               max(o.full + o.abbreviated for o in group), sum(o.pauses for o in group),
               sum(o.up["fragments"] + o.down["fragments"] for o in group))


def write(outcomes, red):
    """To standard output and, as ctest keeps that to itself, to BUILD/network/matrix.md."""
    text = (_table(COLUMNS, map(_row, outcomes)) + "\n" + _table(GROUPS, _groups(outcomes))
            + f"\nnetwork: cells={len(outcomes)} red={red}\n")
    print("\n" + text, end="", flush=True)
    folder = os.path.join(os.environ.get("ONBOARD_BUILD_DIR", "build/dev"), "network")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "matrix.md"), "w", encoding="utf-8") as f:
        f.write(text)
