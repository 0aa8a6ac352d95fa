# SPDX-License-Identifier: Apache-2.0
"""The command line, and the order of what is measured."""

import argparse
import json
import os
import platform
import sys
import unittest

from costbench import device, links, methods, profile, programs, report, servers
from harness import case
from harness.process import run
from lifecycle import namespace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def options():
    parser = argparse.ArgumentParser(
        prog="bench/costs", description="One provisioning exchange with a gap in the middle, by onboardd, coap-client and curl, over "
        "links with round trips of 1 and 300 ms and losses of 0, 2 and 10 %; instructions, memory and sizes; the agent's cold start, "
        "idle hour, and growth with its commands. Everything in one run. Needs a release build and network namespaces.")
    parser.add_argument("--runs", type=int, default=40, help="of each method over each link (%(default)s)")
    parser.add_argument("--lanes", type=int, default=8, help="links that are used at the same time (%(default)s)")
    parser.add_argument("--idle", type=int, default=300, metavar="S", help="seconds for which the idle agent is watched (%(default)s)")
    parser.add_argument("--short", action="store_true", help="a few runs of everything, to see that it works: no figures to keep")
    parser.add_argument("--write", action="store_true", help="put the tables and plots into docs/performance.md")
    chosen = parser.parse_args()
    if chosen.short:
        chosen.runs, chosen.lanes, chosen.idle = 2, 2, 2
    return chosen


class Costs(case.Case):
    chosen = None

    def runTest(self):
        asked = {"coap": servers.Coap(self, self.pki()), "https": servers.https(self, self.pki())}
        here = methods.Place([], "127.0.0.1", asked["coap"].port, asked["https"].port, self.pki().root)
        found = {
            "machine": f"{os.cpu_count()} processors, Linux {platform.release()}", "runs": self.chosen.runs, "gap_s": methods.GAP_S,
            "versions": [servers.tool_version("curl", "--version"), servers.tool_version("nginx", "-v")],
            "instructions": programs.instructions(here),
            "peaks": programs.peaks(here),
            "sizes": programs.sizes(),
            "text_by_folder": profile.text_by_folder(),
            "links": links.measure(self, asked, links.FEW_CELLS if self.chosen.short else links.CELLS, self.chosen.runs,
                                   self.chosen.lanes, _say),
        }
        service, found["cold_start"] = device.cold_start(self, max(3, self.chosen.runs // 4))
        found["idle"] = device.idle(self, service, self.chosen.idle)
        found["growth"] = device.growth(self)
        self.keep(found)

    def keep(self, found):
        out = os.path.join(ROOT, "docs") if self.chosen.write else os.path.join(ROOT, "build", "costs")
        os.makedirs(out, exist_ok=True)
        with open(os.path.join(ROOT, "build", "costs.json"), "w", encoding="utf-8") as f:
            json.dump(found, f, indent=1)
        report.write(found, out)
        print(report.text(found))
        bad = [r for r in found["links"] if r["failed"] and r["method"].startswith("onboardd")]
        self.assertEqual(bad, [], "an exchange of ours failed")


def _say(row, failures):
    p50 = "-" if row["p50_s"] is None else f"{row['p50_s']:.2f} s"
    print(f"{row['rtt_ms']} ms, {row['loss']} %: {row['method']}: {p50}, {row['failed']} failed", *failures, file=sys.stderr, flush=True)


def main():
    chosen = options()
    namespace.enter()
    os.environ.setdefault("ONBOARD_BUILD_DIR", os.path.join(ROOT, "build", "release"))
    Costs.chosen = chosen
    run(["ip", "link", "set", "lo", "up"])
    result = unittest.TextTestRunner(verbosity=0).run(Costs())
    sys.exit(0 if result.wasSuccessful() else 1)
