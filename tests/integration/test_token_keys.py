# SPDX-License-Identifier: Apache-2.0
"""Keys in a token, as credstore/ makes and uses them there, in the words of the probe (tests/peers/key_probe.c)."""

import os
import re

from harness import case
from harness.process import LIMIT_S, Failure, Process, program, run
from harness.token import Shim, SoftHsm, SwTpm

ABSENT, PIN_MISSING, PIN_WRONG, PIN_LOCKED, NOT_FOUND, AMBIGUOUS, TOKEN = range(100, 107)


class Refused(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.number = int(text.split()[1])


class Probe:
    """A program that holds a keyring for as long as the test wants."""

    def __init__(self, test, token, pin_file=None):
        reading, self._writing = os.pipe()
        argv = [program("key-probe"), token.module, pin_file or token.pin_file if hasattr(token, "pin_file")
                else token.token.pin_file]
        self.process = test.watch(Process(argv, env=token.env, name="probe", stdin=reading))
        os.close(reading)
        test.addCleanup(self.close)
        self._asked = 0

    def close(self):
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    def end(self):
        """Closes the keyring; a TPM serves the next program only then."""
        self.close()
        if self.process.wait() != 0:
            raise Failure(self.process.output())

    def send(self, *words):
        os.write(self._writing, (" ".join(words) + "\n").encode())
        self._asked += 1

    def answer(self, limit_s=LIMIT_S):
        said = self.process.wait_for(lambda lines: len(out := [t for s, t in lines if s == "out"]) >= self._asked
                                     and out[self._asked - 1], "answer", limit_s)
        if not said.startswith("ok"):
            raise Refused(said)
        return said[3:]

    def ask(self, *words):
        self.send(*words)
        return self.answer()


class TokenKeys:
    """Each holds for both tokens."""

    def probe(self, **more):
        return Probe(self, self.token, **more)

    def refuses(self, number, call):
        with self.assertRaises(Refused) as caught:
            call()
        self.assertEqual(caught.exception.number, number, str(caught.exception))
        return str(caught.exception)

    def judge(self, spki, text, signature):
        """openssl's opinion of a raw signature."""
        def integer(number):
            number = number.lstrip(b"\0")
            number = b"\0" + number if number[0] & 0x80 else number
            return b"\x02" + bytes([len(number)]) + number

        body = integer(signature[:32]) + integer(signature[32:])
        for name, content in (("spki", spki), ("text", text.encode()), ("sig", b"\x30" + bytes([len(body)]) + body)):
            with open(self.path(name), "wb") as f:
                f.write(content)
        run(["openssl", "dgst", "-sha256", "-verify", self.path("spki"), "-keyform", "DER",
             "-signature", self.path("sig"), self.path("text")])

    def test_a_key_is_made_signs_and_is_destroyed(self):
        probe = self.probe()
        uri = probe.ask("generate", self.token.uri, "onboardd+x+1")
        self.assertRegex(uri, r"^pkcs11:.*token=onboard")
        self.assertIn("serial=", uri)
        spki = bytes.fromhex(probe.ask("spki", uri))
        signature = bytes.fromhex(probe.ask("sign", uri, "hello"))
        self.judge(spki, "hello", signature)
        probe.end()
        self.assertEqual(self.token.public_keys(), {"onboardd x 1": spki})
        said = self.token.private_key("onboardd x 1")
        self.assertIn("never extractable", said)
        self.assertIn("sensitive", said)
        self.assertRegex(said, r"(?m)^  Usage: +sign(, signRecover)?$")
        probe = self.probe()
        self.judge(spki, "again", bytes.fromhex(probe.ask("sign", uri, "again")))
        probe.ask("destroy", uri)
        probe.ask("destroy", uri)
        self.refuses(NOT_FOUND, lambda: probe.ask("sign", uri, "hello"))
        probe.end()
        self.assertEqual(self.token.objects(), [])

    def test_openssl_accepts_a_request_for_it(self):
        spki = self.token.generate("identity")
        probe = self.probe()
        with open(self.path("csr"), "wb") as f:
            f.write(bytes.fromhex(probe.ask("csr", self.token.uri_of("identity"), "dev-1")))
        said = run(["openssl", "req", "-inform", "DER", "-in", self.path("csr"), "-verify", "-noout", "-text", "-nameopt", "oneline"])
        self.assertIn("CN = dev-1", said)
        pem = run(["openssl", "req", "-inform", "DER", "-in", self.path("csr"), "-noout", "-pubkey"])
        with open(self.path("pem"), "w", encoding="ascii") as f:
            f.write(pem)
        run(["openssl", "pkey", "-pubin", "-in", self.path("pem"), "-outform", "DER", "-out", self.path("der")])
        with open(self.path("der"), "rb") as f:
            self.assertEqual(f.read(), spki)

    def test_a_token_that_comes_back_serves_again(self):
        self.token.generate("identity")
        self.token.vanish()
        probe = self.probe()
        uri = self.token.uri_of("identity")
        self.refuses(ABSENT, lambda: probe.ask("sign", uri, "hello"))
        self.token.come_back()
        probe.ask("sign", uri, "hello")

    def test_a_wrong_pin_is_tried_once(self):
        self.token.generate("identity")
        uri, right = self.token.uri_of("identity"), self.token.pin
        shim = Shim(self, self.token)
        self.token.write_pin("00000")
        probe = Probe(self, shim)
        for _ in range(5):
            self.refuses(PIN_WRONG, lambda: probe.ask("sign", uri, "hello"))
        self.assertEqual(shim.calls("C_Login 0xa0"), 1)
        self.token.write_pin(right)
        probe.ask("sign", uri, "hello")

    def test_a_sweep_takes_what_is_ours_and_not_kept(self):
        self.token.generate("factory")
        probe = self.probe()
        keep = probe.ask("generate", self.token.uri, "onboardd+x+1")
        probe.ask("generate", self.token.uri, "onboardd+x+2")
        probe.ask("generate", self.token.uri, "onboardd+y+1")
        self.assertEqual(probe.ask("sweep", self.token.uri, "onboardd+x+", keep), "1")
        self.assertEqual(probe.ask("sweep", self.token.uri, "onboardd+x+", keep), "0")
        probe.ask("sign", keep, "hello")
        probe.end()
        self.assertEqual(sorted(self.token.labels()), ["factory", "onboardd x 1", "onboardd y 1"])
        self.assertEqual(len(self.token.objects()), 6)


class TestSoftHsm(TokenKeys, case.Case):
    def setUp(self):
        super().setUp()
        self.token = SoftHsm(self)


class TestSwTpm(TokenKeys, case.Case):
    def setUp(self):
        super().setUp()
        self.token = SwTpm(self)

    def test_a_tpm_that_goes_away_under_a_program_serves_it_again_when_it_is_back(self):
        self.token.generate("identity")
        uri = self.token.uri_of("identity")
        probe = self.probe()
        probe.ask("sign", uri, "hello")
        self.token.vanish()
        self.refuses(ABSENT, lambda: probe.ask("sign", uri, "hello"))
        self.token.come_back()
        probe.ask("sign", uri, "hello")

    def test_a_locked_pin_is_told_from_a_wrong_one(self):
        self.token.generate("identity")
        uri = self.token.uri_of("identity")
        self.token.lock_pin()
        probe = self.probe()
        self.refuses(PIN_LOCKED, lambda: probe.ask("sign", uri, "hello"))
        probe.end()
        self.token.unlock_pin()
        self.probe().ask("sign", uri, "hello")


if __name__ == "__main__":
    case.main()
