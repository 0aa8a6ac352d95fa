# SPDX-License-Identifier: Apache-2.0
"""A device whose token is absent or wants another PIN: each with its status, none with a crash or a lost result."""

import signal

from harness import agent, case
from harness.tokencase import CLOUD_TAG, IDENTITY, TokenCase

PIN_INCORRECT, PIN_LOCKED = "0xa0", "0xa4"


class TestTokenFaults(TokenCase):
    # The token is not there

    def test_a_born_device_waits_for_a_token_that_is_absent_at_boot(self):
        self.shim.order("absent")
        self.start()
        self.wait_state("backing-off", "p/auth-jwt")
        status = self.status()
        self.assertEqual(status["outcome"], "token-absent")
        self.assertEqual(status["uuid"], self.agent.uuid)
        self.assertIn(self.agent.uuid, self.bus.call("ExportIdentity"))
        self.shim.order()
        self.wait_state("unclaimed")
        self.assert_stopped()

    def test_one_cycle_without_its_token_exits_6_and_says_so(self):
        self.shim.order("absent")
        done = self.agent.once(expect=agent.EXIT_IDENTITY)
        self.assertEqual(done.outcome, "token-absent")
        self.assertIn("token", done.status["reason"])

    def test_a_token_that_goes_while_commands_run_leaves_them_for_later(self):
        self.claim()
        commands = self.queue(2)
        self.shim.order("delay C_GenerateKeyPair 1000")
        made = self.shim.calls("C_GenerateKeyPair")
        self.start()
        self.shim.wait_call("C_GenerateKeyPair", made + 1)
        self.shim.order("absent")
        self.wait_state("backing-off", "the commands need a key")
        status = self.status()
        self.assertEqual(status["outcome"], "token-absent")
        self.assertEqual(status["pending_results"], 0)
        for command in commands:
            self.assertNotEqual(self.service.rest.command(self.agent.uuid, command)["status"], "FAILED")
        self.shim.order()
        self.wait_state("idle")
        self.assertEqual(self.status()["cloud"], "validated")
        self.assert_all_answered(commands)
        self.assert_stopped()
        # What the interrupted attempt had made is gone too.
        self.agent.once(expect=agent.EXIT_DONE)
        self.assertEqual(sorted(self.token.labels()),
                         sorted([IDENTITY, f"onboardd {self.agent.uuid} {CLOUD_TAG}"]))

    def test_a_power_cut_between_the_token_and_the_store_leaves_no_key_behind(self):
        self.claim()
        commands = self.queue()
        self.shim.order("delay C_Sign 2000")
        made = self.shim.calls("C_GenerateKeyPair 0x0")
        self.start()
        self.shim.wait_call("C_GenerateKeyPair 0x0", made + 1)
        # The token's own files are written when the key is first used, and not before: SoftHSM loses an object of which
        # an attribute is just being set.
        self.shim.wait_call_after("C_Sign", "C_GenerateKeyPair 0x0")
        self.daemon.end(signal.SIGKILL)
        label = f"onboardd {self.agent.uuid} {CLOUD_TAG}"
        self.assertEqual(self.token.labels().count(label), 1)
        left = self.token.public_key(label)
        self.shim.order()
        self.assertEqual(self.agent.once(expect=agent.EXIT_DONE).status["cloud"], "validated")
        self.assert_all_answered(commands)
        self.assertEqual(self.token.labels().count(label), 1)
        self.assertNotEqual(self.token.public_key(label), left)

    def test_a_token_that_goes_before_validation_says_nothing_about_the_credentials(self):
        self.claim()
        commands = self.queue()
        self.agent.set("identity", key=self.token.uri_of(IDENTITY))
        self.shim.order("delay C_Sign 1000")
        self.start()
        self.wait_state("validating")
        self.shim.order("absent")
        self.wait_state("backing-off")
        status = self.status()
        self.assertEqual(status["outcome"], "token-absent")
        self.assertNotEqual(status["cloud"], "refused")
        self.assert_all_answered(commands)
        self.shim.order()
        self.wait_state("idle")
        self.assertEqual(self.status()["cloud"], "validated")
        self.assert_stopped()

    def test_a_token_that_fails_is_tried_again(self):
        self.shim.order("fail C_Sign 0 0x30")
        self.start()
        self.wait_state("backing-off")
        self.assertEqual(self.status()["outcome"], "token-failed")
        self.shim.order()
        self.wait_state("unclaimed")
        self.assert_stopped()

    # The PIN

    def test_a_token_that_fails_once_is_not_noticed(self):
        self.claim()
        commands = self.queue()
        self.shim.order("fail C_Sign 1 0x32", "fail C_GenerateKeyPair 1 0x30")
        run = self.agent.once(expect=agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")
        self.assert_all_answered(commands)

    def test_a_key_that_is_gone_has_its_own_status(self):
        self.token.delete(IDENTITY)
        run = self.agent.once(expect=agent.EXIT_IDENTITY)
        self.assertEqual(run.outcome, "key-missing")
        self.assertRegex(run.process.output(), r'token failed why="token \\?"onboard')

    def test_a_wrong_pin_is_tried_once_until_its_file_changes(self):
        self.token.write_pin("00000000")
        self.start()
        self.wait_state("failed")
        self.assertEqual(self.status()["outcome"], "pin-wrong")
        self.bus.call("Provision")
        # The ceiling of the backoff tries by itself as well.
        self.daemon.wait_for(lambda lines: sum("new=failed" in text for _, text in lines) >= 4, "fourth failure")
        self.assertEqual(self.shim.calls(f"C_Login {PIN_INCORRECT}"), 1)
        self.token.write_pin(self.token.pin)
        self.wait_state("unclaimed")
        self.assert_stopped()

    def test_a_missing_pin_says_so_and_is_looked_for_again(self):
        self.token.write_pin(None)
        self.start()
        self.wait_state("failed")
        self.assertEqual(self.status()["outcome"], "pin-missing")
        self.token.write_pin(self.token.pin)
        self.wait_state("unclaimed")
        self.assert_stopped()

    def test_a_locked_pin_says_so(self):
        self.shim.order(f"fail C_Login 0 {PIN_LOCKED}")
        self.start()
        self.wait_state("failed")
        self.assertEqual(self.status()["outcome"], "pin-locked")
        self.assert_stopped()


if __name__ == "__main__":
    case.main()
