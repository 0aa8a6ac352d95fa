# SPDX-License-Identifier: Apache-2.0
"""The tokens of the harness do what the tests with them rely on."""

from harness import case
from harness.process import Failure
from harness.token import SoftHsm, SwTpm


class TestToken:
    """Each holds for both tokens."""

    def test_a_factory_makes_keys_that_an_independent_program_lists(self):
        spki = self.token.generate("identity")
        self.token.generate("other key")
        self.assertEqual(len(spki), 91)
        self.assertEqual(sorted(self.token.labels()), ["identity", "other key"])
        self.assertEqual(self.token.public_keys()["identity"], spki)
        self.assertIn("never extractable", self.token.private_key("identity"))
        self.token.delete("other key")
        self.assertEqual([o[:2] for o in self.token.objects()], [("private", "identity"), ("public", "identity")])

    def test_a_token_vanishes_and_comes_back_with_its_keys(self):
        spki = self.token.generate("identity")
        self.token.vanish()
        with self.assertRaises(Failure):
            self.token.objects()
        self.token.come_back()
        self.assertEqual(self.token.public_key("identity"), spki)

    def test_a_changed_pin_is_the_one_that_counts(self):
        old = self.token.pin
        self.token.change_pin(tell=False)
        self.assertEqual(self.token.labels(), [])
        status, said = self.token.tool("--login", "--pin", "env:PIN", "--list-objects", expect=None, pin=old)
        self.assertNotEqual(status, 0)
        self.assertIn("CKR_PIN_INCORRECT", said)


class TestSoftHsm(TestToken, case.Case):
    def setUp(self):
        super().setUp()
        self.token = SoftHsm(self)


class TestSwTpm(TestToken, case.Case):
    def setUp(self):
        super().setUp()
        self.token = SwTpm(self)

    def test_a_locked_pin_is_locked_until_the_owner_unlocks_it(self):
        self.token.generate("identity")
        self.token.lock_pin()
        with self.assertRaises(Failure):
            self.token.objects()
        self.token.unlock_pin()
        self.assertEqual(self.token.labels(), ["identity"])


if __name__ == "__main__":
    case.main()
