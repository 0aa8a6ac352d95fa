# SPDX-License-Identifier: Apache-2.0
"""The shadow asks for a cycle and for a poll interval; the session to the cloud is kept, and got back when it is lost."""

import json
import time

from harness import case
from lifecycle.life import Gate, Life

POLL = "300ms"


class Shadow(Life):
    poll = POLL

    def setUp(self):
        super().setUp()
        self.cloud_relay = Gate(self.service.coap_port)
        self.addCleanup(self.cloud_relay.close)
        self.device.set("cloud", poll=self.poll, server="localhost", address="127.0.0.1", port=self.cloud_relay.port)

    def go_on(self):
        self.cloud_relay.go_on()
        super().go_on()

    def wait_reported(self, key, value):
        """The owner sees it; polls go on meanwhile, and each is a line."""
        at = self.mark()
        while (self.shadow()["reported"] or {}).get(key) != value:
            at = self.wait_poll(at)

    def wait_poll(self, after):
        """Until one more poll has ended well; the number of the line after it."""
        return self.daemon.wait_for(
            lambda lines: next((i + 1 for i, (_, text) in enumerate(lines)
                                if i >= after and "step name=poll" in text), None), "poll")


class Command(Shadow):
    def command(self, n):
        self.wish(command=[1, n])

    def test_a_command_starts_a_cycle_and_is_acknowledged_after_it(self):
        self.start()
        after = self.mark()
        self.command(7)
        self.daemon.wait_line("asked for: shadow command 7", after=after)
        self.wait_reported("command", [1, 7])
        self.daemon.wait_line('request done="shadow command 7"', after=after)
        self.assertEqual(self.begun(after), ["asked for: shadow command 7"])

    def test_it_is_not_acknowledged_while_its_cycle_runs(self):
        self.start()
        after = self.mark()
        self.device_asks_for(8)
        self.assertNotIn("command", self.shadow()["reported"])
        self.assertNotIn("request done=", self.daemon.output())
        self.go_on()
        self.wait_reported("command", [1, 8])
        self.assertEqual(self.begun(after), ["asked for: shadow command 8"])

    def device_asks_for(self, n):
        """The command's cycle has begun, and is held: the cloud says it, the provisioning service is not reached."""
        self.hold()
        self.command(n)
        self.daemon.wait_line(r"new=(connecting|fetching|authenticating) .*", after=self.line_of(f"asked for: shadow command {n}"))

    def line_of(self, text):
        return self.daemon.wait_for(
            lambda lines: next((i for i, (_, said) in enumerate(lines) if text in said), None), text)

    def test_killed_between_request_and_run_it_runs_once_and_is_acknowledged_then(self):
        self.start()
        self.device_asks_for(9)
        self.crash()
        self.assertEqual(self.value("request/shadow"), "9")
        self.assertIsNone(self.value("request/shadow-done"))
        self.go_on()
        self.start()
        self.daemon.wait_line("request earlier=.*shadow command 9")
        self.wait_reported("command", [1, 9])
        at = self.wait_poll(self.wait_poll(self.mark()))
        self.assertGreater(at, 0)
        self.assertEqual(len(self.begun()), 1, "it ran twice")
        self.daemon.end()
        self.assertEqual(self.value("request/shadow-done"), "9")

    def test_killed_between_run_and_acknowledgement_it_is_acknowledged_and_not_run_again(self):
        n = self.killed_before_it_acknowledges(range(10, 30))
        self.assertEqual(self.value("request/shadow-done"), str(n))
        self.go_on()
        self.device.set("cloud", poll=POLL)
        self.start()
        self.wait_reported("command", [1, n])
        self.wait_poll(self.wait_poll(self.mark()))
        self.assertEqual(len(self.begun()), 1, "it ran twice")

    def killed_before_it_acknowledges(self, numbers):
        """The first command whose acknowledgement did not get out before the daemon was killed: it may be faster than we are."""
        self.device.set("cloud", poll="0s")
        for n in numbers:
            self.command(n)
            self.start()
            # Validation saw it; the cycle for it follows, and then the acknowledgement.
            self.daemon.wait_line(f"asked for: shadow command {n}")
            self.daemon.wait_line("new=polling", after=self.line_of(f'request done="shadow command {n}"'))
            self.cloud_relay.hold()
            self.crash()
            if self.shadow()["reported"].get("command") != [1, n]:
                return n
            self.go_on()
        self.fail("always acknowledged before it was killed")

    def test_a_new_command_while_one_runs_is_kept_and_run_after_it(self):
        self.start()
        after = self.mark()
        self.device_asks_for(11)
        self.command(12)
        self.go_on()
        self.wait_reported("command", [1, 12])
        self.assertEqual(self.begun(after), ["asked for: shadow command 11", "asked for: shadow command 12"])

    def test_one_number_is_never_run_twice_even_when_the_acknowledgement_is_taken_back(self):
        self.start()
        self.command(13)
        self.wait_reported("command", [1, 13])
        after = self.mark()
        self.rest.want(200, "PATCH", f"/devices/{self.device.uuid}/state", {"reported": {"command": None}})
        self.wait_reported("command", [1, 13])
        self.assertEqual(self.begun(after), [])

    def test_commands_that_cannot_be_are_told_once_and_do_nothing(self):
        self.start()
        after = self.mark()
        self.wish(command=[2, 5])
        self.daemon.wait_line("shadow refused why=.*command", after=after)
        self.wait_poll(self.wait_poll(self.mark()))
        self.assertEqual(self.begun(after), [])
        self.assertEqual(len([t for _, t in self.daemon.lines if "shadow refused" in t]), 1)
        self.assertNotIn("command", self.shadow()["reported"])

    def test_without_polls_a_command_is_seen_at_the_next_validation(self):
        self.device.set("cloud", poll="0s")
        self.start()
        self.command(14)
        self.daemon.end()
        self.start()
        self.daemon.wait_line("asked for: shadow command 14")
        self.daemon.wait_line("step name=poll")
        self.assertEqual(self.shadow()["reported"]["command"], [1, 14])
        self.daemon.end()


class Interval(Shadow):
    def test_the_shadow_sets_the_poll_interval_and_is_told_what_holds(self):
        self.start()
        self.wish(config={"poll_interval": 600})
        self.wait_reported("config", {"poll_interval": 600})
        self.assertEqual(self.status()["poll_interval"], 600)
        next_ms = self.status()["next_try_ms"]
        self.assertTrue(590000 <= next_ms <= 660000, next_ms)
        self.crash()
        self.start()
        self.assertEqual(self.status()["poll_interval"], 600)

    def test_the_shadow_turns_polls_on_and_off(self):
        self.device.set("cloud", poll="0s")
        self.wish(config={"poll_interval": 10})
        self.start()
        self.assertEqual(self.status()["poll_interval"], 10)
        self.assertEqual(self.shadow()["reported"]["config"], {"poll_interval": 10})
        self.wish(config={"poll_interval": 0})
        self.wait_reported("config", {"poll_interval": 0})
        self.ctl("status", "--wait", "idle")
        self.assertEqual(self.status()["poll_interval"], 0)

    def test_an_interval_that_cannot_be_changes_nothing_and_what_holds_is_reported_once(self):
        self.start()
        self.wish(config={"poll_interval": 5})
        self.wait_reported("config", {"poll_interval": 0})  # 300 ms, in whole seconds
        version = self.shadow()["version"]
        self.wait_poll(self.wait_poll(self.mark()))
        self.assertEqual(self.shadow()["version"], version)
        self.assertEqual(len([t for _, t in self.daemon.lines if "shadow refused" in t]), 1)


class Session(Shadow):
    def cloud(self):
        return self.status()["cloud_connection"]

    def test_polls_go_over_the_kept_session_without_a_handshake(self):
        self.start()
        at = self.wait_poll(self.wait_poll(self.mark()))
        before, polls = self.cloud(), self.status()["polls"]
        for _ in range(5):
            at = self.wait_poll(at)
        after, more = self.cloud(), self.status()["polls"] - polls
        self.assertEqual(after["handshakes_full"], 1)
        self.assertEqual(after["handshakes_abbreviated"], 0)
        size = after["bytes_tx"] + after["bytes_rx"] - before["bytes_tx"] - before["bytes_rx"]
        print(f"    {size / more:.0f} bytes of UDP payload a poll", flush=True)
        self.assertLessEqual(size / more, 200)

    def test_a_server_that_restarts_is_found_again_with_a_goodbye_or_without(self):
        self.start()
        at = self.wait_poll(self.mark())
        for goodbye in (True, False):
            self.service.stop(goodbye)
            self.service.start()
            at = self.wait_poll(self.wait_poll(self.mark()))
        self.assertEqual(self.status()["cloud"], "validated")
        self.assertGreaterEqual(self.cloud()["handshakes_full"] + self.cloud()["handshakes_abbreviated"], 3)

    def test_a_server_that_stays_away_is_asked_with_backoff_until_it_is_back(self):
        self.device.set("provisioning", handshake_timeout="200ms")
        self.start()
        self.wait_poll(self.mark())
        self.service.stop(goodbye=False)
        after = self.mark()
        for _ in range(3):
            after = self.daemon.wait_for(
                lambda lines, a=after: next((i + 1 for i, (_, t) in enumerate(lines)
                                             if i >= a and "cloud poll failed" in t), None), "failed poll")
        self.assertEqual(self.status()["cloud"], "unreachable")
        self.command_while_away()
        self.service.start()
        self.wait_poll(self.mark())
        self.ctl("status", "--wait", "idle")
        self.assertEqual(self.status()["cloud"], "validated")

    def command_while_away(self):
        self.assertEqual(json.loads(self.ctl("status", "--json"))["outcome"], "ok")

    def test_a_cycle_that_is_asked_for_does_not_wait_for_a_poll(self):
        self.start()
        self.wait_poll(self.mark())
        self.cloud_relay.hold()
        after = self.mark()
        self.daemon.wait_line("old=idle new=polling", after=after)
        self.ctl("provision")
        self.daemon.wait_line("old=polling new=waiting-for-network .*asked for: bus", after=after)
        self.go_on()
        self.wait_idle(after)

    def test_the_daemon_says_goodbye_to_both_when_it_ends(self):
        self.start()
        self.wait_poll(self.mark())
        self.assertEqual(self.daemon.end(), 0)


if __name__ == "__main__":
    case.main()
