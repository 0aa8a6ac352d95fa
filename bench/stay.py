#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A day of staying connected, a second for every quarter of an hour or so: an idle daemon that polls its shadow every five
minutes, while the service restarts (with and without a goodbye), commands come, and the address changes. Prints bytes per
poll, handshakes and wake-ups per hour, memory and descriptors over the day as one JSON object, and fails when something
grows or the polls drift. In a network namespace of its own, as root.

    cmake --preset release && cmake --build --preset release
    PYTHONPATH=tests bench/stay.py [SCALE]
"""

import glob
import json
import os
import re
import sys
import threading
import time

from harness import case
from lifecycle import test_network
from lifecycle.life import Life

HOUR_S = 3600
POLL_S = 300
RSS_GROWTH_MAX_KB = 128
SPREAD = 1.1  # of the time between polls: up to a tenth is added by chance
SLACK_S = 0.35  # that the event loop may add to a timer, and a poll to itself: of real time, so it counts the more, larger the scale


class Day(Life):
    scale = 1000

    def setUp(self):
        test_network.setUpModule()
        test_network.Network.setUp(self)
        self.device.set("provisioning", retry_first="100ms", retry_max="1s")
        self.device.set("cloud", poll=f"{POLL_S * 1000 // self.scale}ms", retry_first="50ms", retry_max="1s", attempts="8")
        self.device.set("daemon", log_level="info")

    settle = test_network.Network.settle
    change = test_network.Network.change

    def scaled(self, hours):
        return hours * HOUR_S / self.scale

    def sample(self):
        pid = self.daemon.pid
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            rss = int(re.search(r"^Rss: +(\d+)", f.read(), re.M)[1])
        wakes = 0
        for path in glob.glob(f"/proc/{pid}/task/*/status"):
            with open(path, encoding="ascii") as f:
                wakes += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M)[1])
        status = self.status()
        cloud = status["cloud_connection"]
        return {"rss_kb": rss, "fds": len(os.listdir(f"/proc/{pid}/fd")), "wakes": wakes, "polls": status["polls"],
                "bytes": cloud["bytes_tx"] + cloud["bytes_rx"], "resumes": cloud["resumes"],
                "handshakes": cloud["handshakes_full"] + cloud["handshakes_abbreviated"], "at": time.monotonic()}

    def let_pass(self, hours):
        """Time is what is measured here."""
        before = self.sample()
        threading.Event().wait(self.scaled(hours))
        after = self.sample()
        return {k: after[k] - before[k] for k in before}, after

    def runTest(self):
        self.settle()
        self.start()
        validation = self.status()["cloud_connection"]
        self.ctl("interval", "off")  # of real time, it would not come
        warm, first = self.let_pass(2)
        quiet, _ = self.let_pass(8)
        events = []
        for n in range(6):
            if n % 3 == 2:
                self.change()
                events.append("address")
            else:
                self.service.stop(goodbye=n % 2 == 0)
                self.service.start()
                events.append("restart")
            self.wish(command=[1, n + 1])
            self.let_pass(2)
        busy_polls = self.sample()["polls"]
        last_quiet, last = self.let_pass(2)
        hours = quiet["at"] * self.scale / HOUR_S
        found = {
            "scale": self.scale, "poll_every_s": POLL_S, "events": events,
            "bytes_of_handshake_login_and_first_report": validation["bytes_tx"] + validation["bytes_rx"],
            "bytes_per_poll": round(quiet["bytes"] / quiet["polls"], 1),
            "handshakes_per_quiet_hour": round(quiet["handshakes"] / hours, 2),
            "handshakes_in_the_day": last["handshakes"], "polls_in_the_day": last["polls"],
            "polls_per_hour": round(quiet["polls"] / hours, 2),
            "wake_ups_per_hour": round(quiet["wakes"] / hours, 1),
            "wake_ups_per_poll": round(quiet["wakes"] / quiet["polls"], 1),
            "rss_kb": {"after_2_h": first["rss_kb"], "after_24_h": last["rss_kb"]},
            "descriptors": {"after_2_h": first["fds"], "after_24_h": last["fds"]},
            "last_command_reported": self.shadow()["reported"].get("command"),
        }
        print(json.dumps(found, indent=2))
        self.assertGreater(warm["polls"], 0)
        self.assertGreater(last["polls"], busy_polls)
        self.assertEqual(quiet["handshakes"], 0, "a quiet poll made a handshake")
        between = quiet["at"] / quiet["polls"]
        wanted = POLL_S / self.scale
        self.assertTrue(wanted * 0.95 <= between <= wanted * SPREAD + SLACK_S, f"polls drift: {between:.2f} s instead of {wanted} s")
        self.assertLessEqual(last["rss_kb"] - first["rss_kb"], RSS_GROWTH_MAX_KB, "memory grows")
        self.assertLessEqual(last["fds"], first["fds"], "descriptors are left open")
        self.assertEqual(found["last_command_reported"], [1, 6])
        self.assertGreater(last_quiet["polls"], 0)


if __name__ == "__main__":
    Day.scale = int(sys.argv[1]) if len(sys.argv) > 1 else Day.scale
    os.environ.setdefault("ONBOARD_BUILD_DIR", "build/release")
    case.unittest.main(argv=sys.argv[:1], defaultTest="Day", verbosity=0)
