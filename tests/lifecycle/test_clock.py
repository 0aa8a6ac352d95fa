# SPDX-License-Identifier: Apache-2.0
"""Devices that come up with a clock of their own: what each does, what it says, and that none is ever set from here."""

import collections
import os
import shutil
import time

from harness import agent, case, strace
from owned import Owned

DAY = 86400
YEAR = 366 * DAY
# Of the clock at the device, against that of the service, which is right.
Row = collections.namedtuple("Row", "name clock synchronised exit outcome says options", defaults=({},))


def table(now):
    no_time = (agent.EXIT_TIME, "no-time")
    certificate = (agent.EXIT_NETWORK, "certificate")
    wrong = (agent.EXIT_TIME, "clock-wrong")
    ok = (agent.EXIT_DONE, "ok")
    return [
        Row("a negative time", -1, False, *no_time, "-1 s since 1970, which is before this program was built"),
        Row("1970", 0, False, *no_time, "1970-01-01 00:00:00 UTC, which is before this program was built"),
        Row("1970 that is called synchronised", 0, True, *no_time, "before this program was built"),
        Row("2001", 1000000000, False, *no_time, "2001-09-09 01:46:40 UTC, which is before this program was built"),
        Row("a day ahead", now + DAY, False, *wrong, "and is not synchronised"),
        Row("a day ahead, and called synchronised", now + DAY, True, *wrong, "and is synchronised"),
        Row("a year ahead, behind the server's certificate", now + YEAR, False, *certificate, "and is not synchronised"),
        Row("the last second of 31 bits", 2**31 - 1, False, *certificate, "2038-01-19 03:14:07 UTC"),
        Row("the first that needs 32", 2**31, False, *certificate, "2038-01-19 03:14:08 UTC"),
        Row("forty years ahead", now + 40 * YEAR, False, *no_time, "too far in the future to be right"),
        Row("2106, the last second of 32 bits", 2**32 - 1, False, *no_time,
            "2106-02-07 06:28:15 UTC, which is too far in the future to be right"),
        Row("2106 and a second", 2**32, False, *no_time, "2106-02-07 06:28:16 UTC, which is too far"),
        Row("2106 that is called synchronised", 2**32 - 1, True, *certificate, "The server is not who"),
        Row("a year that no token can name", 253402300800, True, *no_time, "no year that a token can name"),
        Row("right, but synchronisation is asked for", now, False, *no_time, "require-sync", {"require_sync": "yes"}),
        Row("right, and synchronised as is asked for", now, True, *ok, "", {"require_sync": "yes"}),
        Row("right, and not synchronised", now, False, agent.EXIT_DONE, "no-commands", ""),
    ]


class Clocks(Owned):
    def setUp(self):
        super().setUp()
        self.device.set("time", wait="300ms")
        self.device.set("provisioning", retry_first="1h", retry_max="1h")
        self.claim()
        shutil.copytree(self.device.state, self.path("seed"))

    def as_claimed(self):
        shutil.rmtree(self.device.state)
        shutil.copytree(self.path("seed"), self.device.state)

    def once(self, clock, synchronised=False, expect=None):
        return self.device.once(env=agent.struck(clock=clock, synchronised=synchronised), expect=expect)

    def test_the_table_of_clocks(self):
        self.device.set("cloud", validate="no")
        n = len(table(0))
        for i in range(n):
            row = table(int(time.time()))[i]
            with self.subTest(row.name):
                self.as_claimed()
                self.device.set("time", require_sync=row.options.get("require_sync", "no"))
                run = self.once(row.clock, row.synchronised)
                self.assertEqual((run.exit, run.outcome), (row.exit, row.outcome), run.process.output())
                self.assertIn(row.says, run.status["reason"])
        print(f"clocks: {n} tried")

    def test_a_clock_before_the_last_time_that_was_good_waits_for_synchronisation(self):
        now = int(time.time())
        self.once(now + 20, expect=agent.EXIT_DONE)
        run = self.once(now, expect=agent.EXIT_TIME)
        self.assertIn("before a time at which a service accepted this device", run.status["reason"])
        self.once(now, synchronised=True, expect=agent.EXIT_DONE)

    def test_a_service_that_is_ahead_says_that_the_token_has_expired(self):
        self.service.stop()
        ahead = agent.struck(clock=int(time.time()) + DAY)
        self.service.argv_prefix = ["env", *(f"{k}={v}" for k, v in ahead.items())]
        self.service.start()
        run = self.device.once(env=agent.struck(synchronised=True), expect=agent.EXIT_TIME)
        self.assertEqual(run.outcome, "clock-wrong")
        self.assertIn("one of the two clocks is wrong", run.status["reason"])

    def test_a_clock_that_is_set_while_it_is_waited_for_lets_the_cycle_go_on(self):
        self.device.set("time", wait="10min")
        clock = self.path("clock")

        def write(seconds):
            with open(clock + ".new", "w", encoding="ascii") as f:
                f.write(str(seconds))
            os.rename(clock + ".new", clock)

        write(0)
        self.start(until="new=waiting-for-time", env=agent.struck(clock="@" + clock, synchronised=False))
        self.assertIn("1970-01-01 00:00:00 UTC", self.status()["reason"])
        write(int(time.time()))
        self.daemon.wait_line("old=[a-z-]+ new=idle")

    def test_a_clock_that_is_never_set_is_not_waited_for_for_ever(self):
        self.start(until="old=waiting-for-time new=backing-off", env=agent.struck(clock=0, synchronised=False))
        status = self.status()
        self.assertEqual((status["state"], status["outcome"]), ("backing-off", "no-time"))
        self.assertIn("Start time synchronisation", status["reason"])
        self.assertGreater(status["next_try_ms"], 0)

    def test_the_clock_of_the_system_is_never_set(self):
        out = self.path("trace")
        setters = ("clock_settime", "settimeofday", "adjtimex", "clock_adjtime")
        for clock in (0, None):
            prefix = strace.command(out, [], setters, env=agent.struck(clock=clock, synchronised=False))
            process = self.device.start_once("--timeout", "30", argv_prefix=prefix,
                                             env={"ASAN_OPTIONS": "detect_leaks=0"})
            process.wait()
            calls = strace.read(out)
            self.assertTrue(calls, "nothing asked whether the clock is synchronised")
            for call in calls:
                self.assertEqual(call.name in ("adjtimex", "clock_adjtime") and "modes=0" in call.args, True, call)


if __name__ == "__main__":
    case.main()
