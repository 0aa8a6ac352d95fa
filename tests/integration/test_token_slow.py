# SPDX-License-Identifier: Apache-2.0
"""A device whose token takes seconds for a signature, or for ever."""

import threading
import time

from harness import case
from harness.process import LIMIT_S
from harness.tokencase import WATCHDOG_S, TokenCase

SIGNATURE_S = 5


class TestSlowToken(TokenCase):
    def answers_while_it_signs(self, n):
        """Longest answer of the bus, asked from the n-th signature's beginning to its end."""
        self.shim.wait_call("C_Sign", n)
        longest = 0
        while self.shim.calls("C_Sign 0x0") < n:
            begin = time.monotonic()
            self.status()
            longest = max(longest, time.monotonic() - begin)
        return longest

    def test_a_slow_token_keeps_neither_the_bus_nor_the_watchdog_waiting(self):
        self.claim()
        commands = self.queue()
        done = self.shim.calls("C_Sign 0x0")
        self.shim.order(f"delay C_Sign {SIGNATURE_S * 1000}")
        begin = time.monotonic()
        self.start()
        for n in range(1, 4):  # the JWT, the proof, the cloud's JWT
            self.assertLess(self.answers_while_it_signs(done + n), SIGNATURE_S / 2)
        self.wait_state("idle")
        seconds = time.monotonic() - begin
        fed = sum("WATCHDOG" in m for m in self.store.messages)
        print(f"\n3 signatures of {SIGNATURE_S} s: {seconds:.0f} s, watchdog fed {fed} times")
        self.assertGreaterEqual(seconds, 3 * SIGNATURE_S)
        self.assertGreaterEqual(fed, int(seconds / WATCHDOG_S))
        self.assertEqual(self.status()["cloud"], "validated")
        self.assert_all_answered(commands)
        self.assert_stopped()

    def test_claim_tokens_are_shared_by_those_who_wait_for_a_slow_token(self):
        self.agent.set("provisioning", unclaimed_poll="1h", unclaimed_poll_max="1h")
        self.start()
        self.wait_state("unclaimed")
        self.shim.order("delay C_Sign 2000")
        said = []
        threads = [threading.Thread(target=lambda: said.append(self.bus.call("ClaimToken"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        self.assertEqual(self.status()["state"], "unclaimed")
        for thread in threads:
            thread.join(LIMIT_S)
        self.assertEqual(len(said), 4)
        self.assertLessEqual(len(set(said)), 2)
        self.assert_stopped()

    def test_a_daemon_that_is_stopped_while_its_token_signs_ends_without_a_fault(self):
        self.shim.order("delay C_Sign 3000")
        signs = self.shim.calls("C_Sign")
        self.start()
        self.shim.wait_call("C_Sign", signs + 1)
        self.assert_stopped()

    def test_a_daemon_whose_token_hangs_leaves_without_it(self):
        self.shim.order("delay C_Sign 60000")
        signs = self.shim.calls("C_Sign")
        self.start()
        self.shim.wait_call("C_Sign", signs + 1)
        self.assert_stopped()
        self.assertIn("going on without it", self.daemon.output())


if __name__ == "__main__":
    case.main()
