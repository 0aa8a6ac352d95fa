#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often the disk is made to write per batch of commands, agent against onboard-service: the syncs that strace sees
from the moment at which a batch is executed until its results are acknowledged and forgotten. Prints one JSON
object, and fails when a batch took more than three.

    cmake --preset release && cmake --build --preset release
    PYTHONPATH=tests bench/fsyncs.py
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "faults"))

import cycle  # noqa: E402
from harness import case, strace  # noqa: E402

LIMIT = 3
SYNCS = ("fsync", "fdatasync", "sync_file_range", "msync", "sync", "syncfs")
EVENT = re.compile(r'"event":"(?:state|step)",.*"(?:new|name)":"([a-z-]+)"(?:,"text":"(\d+) results?)?')


def event(call):
    """The event that a write to standard output tells."""
    text = bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]{2})", call.args)))
    return EVENT.search(text.decode(errors="replace")) if call.name == "write" else None


def batches(calls):
    """[{results, executing, reporting}] in their order."""
    found, where = [], None
    for call in calls:
        match = event(call)
        if match and match[1] == "executing":
            found.append({"results": 0, "executing": 0, "reporting": 0})
            where = "executing"
        elif match and match[1] == "execute":
            found[-1]["results"] = int(match[2])
        elif match and match[1] in ("resuming", "reporting"):
            where = "reporting"
        elif match and match[1] in ("fetching", "validating", "idle"):
            where = None
        elif call.name in SYNCS and where:
            found[-1][where] += 1
    return found


class Bench(case.Case):
    def runTest(self):
        world = cycle.World(self)
        device = cycle.Device(world, "counted")
        self.addCleanup(device.close)
        rounds = {}
        for phase in ("cycle", "again"):
            device.bring_to(phase) if phase == "cycle" else device.claim("second")
            outcome = device.start(phase, calls=("write", *SYNCS), text_max=400)
            self.assertEqual(outcome.status, 0, outcome.describe())
            rounds["first keys" if phase == "cycle" else "renewal"] = batches(strace.read(outcome.trace))
        most = max(b["executing"] + b["reporting"] for of in rounds.values() for b in of)
        print(json.dumps({"syncs_per_batch": rounds, "most": most, "limit": LIMIT}, indent=2))
        self.assertLessEqual(most, LIMIT)


if __name__ == "__main__":
    case.unittest.main(argv=sys.argv[:1])
