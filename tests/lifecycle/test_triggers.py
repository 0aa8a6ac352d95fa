# SPDX-License-Identifier: Apache-2.0
"""Each way to ask for a cycle: at rest, while another one runs, and with a crash between request and run."""

import signal
import time

from harness import case
from lifecycle.life import Life

TAG = 16842753


class Asked(Life):
    """By D-Bus and by signal."""

    def by_bus(self):
        self.ctl("provision")

    def by_signal(self):
        self.daemon.send_signal(signal.SIGUSR1)

    def at_rest(self, ask, word):
        self.start()
        after = self.mark()
        ask()
        self.wait_idle(after)
        self.assertEqual(self.begun(after), [f"asked for: {word}"])
        self.assertEqual(self.status()["requests"], "")

    def while_one_runs(self, ask, word):
        self.start()
        after = self.hold_cycle()
        asked = self.mark()
        for _ in range(3):
            ask()
        self.daemon.wait_line(rf"request waiting=.*{word}", after=asked)
        self.assertIn(word, self.status()["requests"])
        self.go_on()
        self.wait_idle(after)
        self.daemon.wait_line(r"old=idle new=waiting-for-network", after=after + 1)
        self.daemon.wait_for(lambda lines: len(self.begun(after)) == 2, "second cycle")
        self.ctl("status", "--wait", "idle", "--timeout", "60")
        self.assertEqual(self.begun(after), ["asked for: bus", f"asked for: {word}"])
        self.assertEqual(self.status()["requests"], "")

    def across_a_crash(self, ask, word):
        self.start()
        self.hold_cycle()
        after = self.mark()
        ask()
        self.daemon.wait_line(rf"request waiting=.*{word}", after=after)
        self.crash()
        self.assertIsNotNone(self.value(f"request/{word}"))
        self.go_on()
        self.start()
        self.daemon.wait_line(rf"request earlier=.*{word}")
        self.assertEqual(self.status()["requests"], "")
        self.daemon.end()
        self.assertIsNone(self.value(f"request/{word}"))

    def test_onboardctl_provision_starts_a_cycle(self):
        self.at_rest(self.by_bus, "bus")

    def test_a_signal_starts_a_cycle(self):
        self.at_rest(self.by_signal, "signal")

    def test_what_is_asked_for_by_bus_while_a_cycle_runs_is_one_more_cycle(self):
        self.while_one_runs(self.by_bus, "bus")

    def test_what_is_asked_for_by_signal_while_a_cycle_runs_is_one_more_cycle(self):
        self.while_one_runs(self.by_signal, "signal")

    def test_a_request_by_bus_survives_kill_9(self):
        self.across_a_crash(self.by_bus, "bus")

    def test_a_request_by_signal_survives_kill_9(self):
        self.across_a_crash(self.by_signal, "signal")

    def test_a_request_stays_until_a_cycle_has_ended_well(self):
        self.start()
        self.service.stop(goodbye=False)
        self.device.set("provisioning", handshake_timeout="200ms")
        self.daemon.end()
        self.begin()
        self.daemon.wait_line("new=backing-off")
        self.ctl("provision")
        after = self.mark()
        self.daemon.wait_line("new=backing-off", after=after)
        self.assertEqual(self.status()["requests"], "bus")
        self.crash()
        self.service.start()
        self.start()
        self.daemon.wait_line("request earlier=.*bus")
        self.assertEqual(self.status()["requests"], "")


class Schedule(Life):
    def next_run(self):
        return self.status()["next_run"]

    def test_the_interval_is_set_shown_and_turned_off(self):
        self.start()
        now = time.time()
        self.assertEqual(self.status()["interval"], 86400)
        self.assertIn("12h", self.ctl("interval", "12h"))
        self.assertTrue(12 * 3600 - 5 <= self.next_run() - now <= 12 * 3600 * 1.1 + 60)
        self.assertIn("12h", self.ctl("interval"))
        self.assertIn("off", self.ctl("interval", "off"))
        self.assertEqual((self.status()["interval"], self.next_run(), self.status()["next_try_ms"]), (0, 0, 0))

    def test_intervals_that_cannot_be_are_refused_and_change_nothing(self):
        self.start()
        for text in ("59s", "366d1", "1", "0x60", "-60", "60.5", "", "1500ms", "400d"):
            self.assertIn("is not 'off' or a time", self.ctl("interval", "--", text, expect=64))
        self.assertEqual(self.status()["interval"], 86400)

    def test_a_config_command_sets_it_too_and_only_strictly(self):
        self.start()
        good = self.rest.add_command(self.device.uuid, {"config": {"provisioning/interval-sec": "7200"}})
        self.ctl("provision", "--wait")
        self.assertEqual(self.status()["interval"], 7200)
        self.assertTrue(0 < self.next_run() - time.time() <= 7200 * 1.1)
        self.assertEqual(self.rest.command(self.device.uuid, good)["status"], "SUCCEEDED")
        bad = self.rest.add_command(self.device.uuid, {"config": {"provisioning/interval-sec": "0x1C20"}})
        self.ctl("provision", "--wait", expect=2)
        self.assertEqual(self.status()["interval"], 7200)
        self.assertEqual(self.rest.command(self.device.uuid, bad)["status"], "FAILED")

    def test_a_restart_and_other_cycles_do_not_shift_the_next_run(self):
        self.start()
        self.ctl("interval", "1h")
        planned = self.next_run()
        self.ctl("provision", "--wait")
        self.assertEqual(self.next_run(), planned)
        self.crash()
        self.start()
        self.assertEqual(self.next_run(), planned)

    def plan_run_in(self, s):
        """No daemon, and its next run of the hour in s seconds."""
        self.start()
        self.ctl("interval", "1h")
        self.crash()
        planned = int(time.time()) + s
        self.set_value("schedule", f"3600 {planned}")
        return planned

    def test_a_run_comes_when_it_is_due_also_after_a_restart(self):
        planned = self.plan_run_in(6)
        self.start()
        self.assertEqual(self.next_run(), planned)
        self.daemon.wait_line("why=\"a run of the schedule is due\"")
        after = self.mark()
        self.wait_idle(after)
        self.assertGreaterEqual(time.time(), planned)
        self.assertTrue(3590 <= self.next_run() - time.time() <= 3600 * 1.1)
        self.assertEqual(len(self.begun()), 2)

    def test_a_run_that_was_missed_is_made_good_by_the_first_cycle(self):
        self.plan_run_in(-100)
        self.start()
        self.assertEqual(len(self.begun()), 1)
        self.assertTrue(3590 <= self.next_run() - time.time() <= 3600 * 1.1)

    def test_a_run_that_is_due_is_not_lost_with_a_cycle_that_is_killed(self):
        planned = self.plan_run_in(-1)
        self.hold()
        self.begin()
        self.daemon.wait_line("new=connecting")
        self.crash()
        self.assertEqual(self.value("schedule"), f"3600 {planned}")
        self.go_on()
        self.start()
        self.assertTrue(3590 <= self.next_run() - time.time() <= 3600 * 1.1)


class Certificate(Life):
    LIFE_S = 7200

    def install(self, due_in_s):
        """A client certificate in the cloud's tag that asks for a cycle then."""
        due = int(time.time()) + due_in_s
        pem = self.pki().client(due - self.LIFE_S * 2 // 3, due + self.LIFE_S // 3)
        command = self.rest.add_command(self.device.uuid, {"clientCertificate": {"secTag": TAG, "content": pem}})
        self.ctl("provision", "--wait")
        self.assertEqual(self.rest.command(self.device.uuid, command)["status"], "SUCCEEDED")
        return due

    def test_a_certificate_at_two_thirds_of_its_life_asks_once_also_after_a_crash(self):
        self.start()
        due = self.install(12)
        self.crash()
        self.start()
        self.daemon.wait_line("old=idle new=waiting-for-network .*past two thirds of its life")
        self.assertGreaterEqual(time.time(), due)
        self.wait_idle(self.mark() - 1)
        self.daemon.wait_line("certificate aged tag=16842753")
        self.assertEqual(len(self.begun()), 2)
        self.daemon.end()
        self.assertGreaterEqual(int(self.value("renewal").split()[1]), due)

    def test_one_that_is_past_it_already_is_no_reason_for_a_second_cycle(self):
        self.start()
        after = self.mark()
        due = self.install(-10)
        # The cycle that brought it began after that time, and is the run for it.
        self.daemon.wait_line("certificate aged tag=16842753", after=after)
        self.crash()
        self.assertGreaterEqual(int(self.value("renewal").split()[1]), due)
        self.start()
        self.assertEqual(len(self.begun()), 1)
        next_ms = self.status()["next_try_ms"]
        self.assertTrue(3500000 < next_ms <= 3600000, next_ms)


if __name__ == "__main__":
    case.main()
