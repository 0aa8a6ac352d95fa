# SPDX-License-Identifier: Apache-2.0
"""A device that is cut off while its token works, and one whose token forgets."""

import signal

from harness import agent, case
from harness.tokencase import IDENTITY, TokenCase


class TestTokenCut(TokenCase):
    def ours(self):
        return [label for label in self.token.labels() if label != IDENTITY]

    def test_a_key_made_just_before_a_power_cut_leaves_the_token_again(self):
        self.claim()
        commands = self.queue()
        self.shim.order("linger C_GenerateKeyPair 600000")
        made = self.shim.calls("C_GenerateKeyPair 0x0")
        self.start()
        self.shim.wait_call("C_GenerateKeyPair 0x0", made + 1)
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()
        orphan = self.token.public_key(self.ours()[0])
        self.assertEqual(self.service.rest.command(self.agent.uuid, commands[0])["status"], "IN_PROGRESS")
        self.shim.order()
        self.agent.once(expect=agent.EXIT_DONE)
        self.agent.once(expect=agent.EXIT_DONE)
        self.assert_all_answered(commands)
        self.assertEqual(len(self.ours()), 1)
        self.assertNotEqual(self.token.public_key(self.ours()[0]), orphan)

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


if __name__ == "__main__":
    case.main()
