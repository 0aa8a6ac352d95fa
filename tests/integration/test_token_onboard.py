# SPDX-License-Identifier: Apache-2.0
"""Devices whose identity and cloud keys live in a token: what the service knows is what the token holds."""

import base64
import shutil
import sqlite3

from harness import agent, case
from harness.agent import Agent
from harness.service import Service
from harness.token import Shim, SoftHsm, SwTpm

CLOUD_TAG = 16842753
KEYGEN = {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}


class TokenOnboard:
    """Each holds for both tokens."""

    def setUp(self):
        super().setUp()
        self.token = self.token_type(self)
        self.service = Service(self, self.pki()).start()
        self.rest = self.service.rest

    def make_agent(self, token, **more):
        made = Agent(self, self.service.coap_port, self.pki().root, env=token.env, **token.config(), **more)
        made.set("identity", key=self.token.uri_of("identity"))
        made.set("cloud", key=self.token.uri)
        return made

    def onboard(self):
        """From the factory's key to validated access; the agent."""
        self.token.generate("identity")
        device = self.make_agent(self.token)
        self.service.import_identity(device.init())
        self.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)), ["nrf-cloud-onboarding"])
        run = device.once(expect=agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")
        return device

    def known(self, table, column):
        """What the service knows of the one device."""
        db = sqlite3.connect(f"file:{self.service.state}/service.db?mode=ro", uri=True)
        try:
            return db.execute(f"SELECT {column} FROM {table}").fetchone()[0]
        finally:
            db.close()

    def ours(self):
        """Labels of the keys in the token that the device made."""
        return [label for label in self.token.labels() if label.startswith("onboardd ")]

    def test_the_service_knows_the_keys_that_the_token_holds_and_no_other(self):
        device = self.onboard()
        self.assertEqual(self.known("identities", "spki"), self.token.public_key("identity"))
        made = self.ours()
        self.assertEqual(len(made), 1, made)
        self.assertIn(device.uuid, made[0])
        self.assertEqual(self.known("devices", "cloud_key"), self.token.public_key(made[0]))
        self.assertIn("never extractable", self.token.private_key(made[0]))

    def test_a_rotated_key_takes_the_place_of_the_one_before_in_the_token(self):
        device = self.onboard()
        before = self.ours()
        old = self.token.public_key(before[0])
        self.rest.add_command(device.uuid, KEYGEN)
        self.rest.add_command(device.uuid, {"finished": {}})
        device.once()
        # The predecessor stays until the new key is known to work; another cycle lets the sweep end.
        device.once(expect=agent.EXIT_DONE)
        self.assertEqual(len(self.ours()), 1)
        new = self.token.public_key(self.ours()[0])
        self.assertNotEqual(new, old)
        self.assertEqual(self.known("devices", "cloud_key"), new)

    def test_a_token_that_is_absent_at_boot_is_told_and_waited_for(self):
        device = self.onboard()
        self.token.vanish()
        run = device.once(expect=agent.EXIT_IDENTITY)
        self.assertEqual(run.outcome, "token-absent")
        self.assertEqual(run.status["state"], "backing-off")
        self.token.come_back()
        self.rest.add_command(device.uuid, KEYGEN)
        run = device.once(expect=agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")

    def test_a_wrong_pin_is_told_and_costs_one_try(self):
        device = self.onboard()
        shim = Shim(self, self.token)
        device.env = shim.env
        device.set("token", **shim.config()["token"])
        self.token.write_pin("000000")
        run = device.once(expect=agent.EXIT_IDENTITY)
        self.assertEqual(run.outcome, "pin-wrong")
        self.assertEqual(shim.calls("C_Login"), 1)

    def test_after_a_factory_reset_the_token_still_says_who_the_device_is(self):
        device = self.onboard()
        uuid, old = device.uuid, self.ours()
        shutil.rmtree(device.state)
        device.set("identity", uuid=uuid)
        row = device.init()
        self.assertEqual(device.uuid, uuid)
        self.assertIn(base64.b64encode(self.token.public_key("identity")).decode(), row)
        # Claimed still, it gets a new key, and the one that the lost store knew leaves the token.
        self.assertEqual(self.ours(), old)
        gone = self.token.public_key(old[0])
        self.rest.add_command(uuid, KEYGEN)
        device.once(expect=agent.EXIT_DONE)
        device.once(expect=agent.EXIT_DONE)
        self.assertEqual(len(self.ours()), 1)
        self.assertNotEqual(self.token.public_key(self.ours()[0]), gone)


class TestSoftHsm(TokenOnboard, case.Case):
    token_type = SoftHsm


class TestSwTpm(TokenOnboard, case.Case):
    token_type = SwTpm


if __name__ == "__main__":
    case.main()
