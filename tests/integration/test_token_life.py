# SPDX-License-Identifier: Apache-2.0
"""Devices whose keys are in hardware, from the factory to a reset, on SoftHSM and on a TPM 2.0: what the service knows them by
is what an independent program reads from the token."""

import base64
import os
import shutil
import sqlite3

from harness import agent, case
from harness.agent import Agent
from harness.service import Service
from harness.token import SoftHsm, SwTpm

CLOUD_TAG = 16842753
KEYGEN = {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}
IDENTITY = "onboardd identity"


class TestLife:
    def setUp(self):
        super().setUp()
        self.token = self.make_token()
        self.service = Service(self, self.pki()).start()
        self.agent = Agent(self, self.service.coap_port, self.pki().root, env=self.token.env,
                           identity={"key": self.token.uri}, **self.token.config())
        self.agent.set("cloud", key=self.token.uri)

    def asked(self, column, table):
        """What the service keeps of the device."""
        with sqlite3.connect(os.path.join(self.service.state, "service.db")) as db:
            return db.execute(f"SELECT {column} FROM {table} WHERE uuid = ?", (self.agent.uuid,)).fetchone()[0]

    def cloud_label(self):
        return f"onboardd {self.agent.uuid} {CLOUD_TAG}"

    def onboard(self):
        self.row = self.agent.init()
        self.service.import_identity(self.row)
        run = self.agent.once(expect=agent.EXIT_UNCLAIMED)
        self.service.rest.claim(agent.token_of(run), ["nrf-cloud-onboarding"])
        run = self.agent.once(expect=agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")
        self.assertEqual(run.status["pending_results"], 0)

    def assert_same_keys(self):
        """The service's and the token's; no key of ours is in the token besides."""
        keys = self.token.public_keys()
        self.assertEqual(sorted(self.token.labels()), sorted([IDENTITY, self.cloud_label()]))
        self.assertEqual(self.asked("spki", "identities"), keys[IDENTITY])
        self.assertEqual(self.asked("cloud_key", "devices"), keys[self.cloud_label()])
        return keys

    def test_a_device_with_keys_in_a_token_is_onboarded_and_rotated_and_reset(self):
        self.onboard()
        first = self.assert_same_keys()
        self.assertEqual(base64.b64decode(self.row.split(",")[2]), first[IDENTITY])
        for label in first:
            self.assertIn("never extractable", self.token.private_key(label))

        # Rotated: a new key, and the old one leaves the token.
        self.service.rest.add_command(self.agent.uuid, KEYGEN)
        self.assertEqual(self.agent.once(expect=agent.EXIT_DONE).status["cloud"], "validated")
        self.agent.once(expect=agent.EXIT_DONE)
        second = self.assert_same_keys()
        self.assertNotEqual(first[self.cloud_label()], second[self.cloud_label()])
        self.assertEqual(first[IDENTITY], second[IDENTITY])

        # Reset: the store is gone, the token still knows who this is.
        shutil.rmtree(self.agent.state)
        self.agent.set("identity", uuid=self.agent.uuid)
        self.assertEqual(self.agent.init(), self.row)
        self.service.rest.add_command(self.agent.uuid, KEYGEN)
        self.assertEqual(self.agent.once(expect=agent.EXIT_DONE).status["cloud"], "validated")
        third = self.assert_same_keys()
        self.assertEqual(first[IDENTITY], third[IDENTITY])
        self.assertNotEqual(second[self.cloud_label()], third[self.cloud_label()])


class TestSoftHsmLife(TestLife, case.Case):
    def make_token(self):
        return SoftHsm(self)

    def test_a_key_in_a_token_is_in_no_file_of_the_device(self):
        self.onboard()
        with sqlite3.connect(os.path.join(self.agent.state, "store.db")) as db:
            text = db.execute("SELECT text FROM value WHERE name = 'identity-spki'").fetchone()[0]
        self.assertEqual(base64.b64decode(text), self.token.public_key(IDENTITY))

    def test_keys_of_a_store_that_was_set_aside_stay_until_its_files_are_removed(self):
        self.onboard()
        old = self.token.public_key(self.cloud_label())
        self.agent.set("identity", uuid=self.agent.uuid)
        self.agent.set("daemon", damaged_store="start-anew")
        with open(os.path.join(self.agent.state, "store.db"), "r+b") as f:
            f.write(b"junk" * 100)
        self.service.rest.add_command(self.agent.uuid, KEYGEN)
        self.assertEqual(self.agent.once(expect=agent.EXIT_DONE).status["cloud"], "validated")
        self.agent.once(expect=agent.EXIT_DONE)
        self.assertEqual(self.token.labels().count(self.cloud_label()), 2)
        for name in os.listdir(self.agent.state):
            if name.startswith("store.db.damaged"):
                os.unlink(os.path.join(self.agent.state, name))
        self.agent.once(expect=agent.EXIT_DONE)
        self.assertNotEqual(self.assert_same_keys()[self.cloud_label()], old)

    def test_identity_and_cloud_key_live_in_different_places(self):
        self.agent.sections["identity"].pop("key")
        self.agent.set("identity")
        self.onboard()
        self.assertEqual(self.token.labels(), [self.cloud_label()])
        self.assertEqual(self.asked("cloud_key", "devices"), self.token.public_key(self.cloud_label()))


class TestTpmLife(TestLife, case.Case):
    def make_token(self):
        return SwTpm(self)

    def test_a_locked_tpm_is_told_and_works_again_when_its_owner_unlocked_it(self):
        self.onboard()
        self.token.lock_pin()
        self.assertEqual(self.agent.once(expect=agent.EXIT_IDENTITY).outcome, "pin-locked")
        self.token.unlock_pin()
        self.service.rest.add_command(self.agent.uuid, KEYGEN)
        self.assertEqual(self.agent.once(expect=agent.EXIT_DONE).status["cloud"], "validated")


if __name__ == "__main__":
    case.main()
