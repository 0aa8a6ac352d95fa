# SPDX-License-Identifier: Apache-2.0
"""onboardctl report tells what a bug report needs, and none of the secrets that the device holds. The journal is written by a
real systemd-journald."""

import base64
import json
import os
import re
import secrets
import shutil
import stat

from harness import case
from harness.agent import Agent
from harness.bus import Bus
from harness.process import finish, program, run
from harness.service import Service
from harness.token import SoftHsm

import journal
import namespace

CLOUD_TAG = 16842753
PRIVATE_KEY = 2


def shapes(secret):
    """How bytes may be written."""
    text = base64.b64encode(secret).decode()
    return {secret.hex(), secret.hex().upper(), text, text.rstrip("="), text.translate(str.maketrans("+/", "-_")).rstrip("=")}


class Report(case.Case):
    @classmethod
    def setUpClass(cls):
        run(["ip", "link", "set", "lo", "up"])
        journal.prepare()

    def setUp(self):
        super().setUp()
        self.journal = journal.Journal(self)
        self.bus = Bus(self)
        self.service = Service(self, self.pki()).start()
        self.key_file = self.path("identity.pem")
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key_file])
        os.chmod(self.key_file, 0o600)
        self.token = SoftHsm(self)
        self.label_code = f"{secrets.randbelow(10 ** 6):06}"
        self.label_file = self.path("label")
        with open(self.label_file, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(self.label_code + "\n")
        self.agent = Agent(self, self.service.coap_port, self.pki().root, **self.token.config(),
                           identity={"key-file": self.key_file}, network={"captive-portal-url": ""},
                           wifi={"enable": "yes", "pairing": "passkey-on-label", "label-file": self.label_file})
        self.service.import_identity(self.agent.init())
        self.env = {**self.bus.env, **self.token.env}

    def start(self):
        """Everything that it says goes to the journal, as under systemd."""
        self.daemon = self.agent.start_daemon(env=self.env, argv_prefix=self.journal.argv_prefix)
        self.ctl("status", "--wait", "unclaimed", "--timeout", "60", until_served=True)

    def ctl(self, *arguments, expect=0, stdin_text="", until_served=False):
        done = finish([program("onboardctl"), *arguments], self.env, stdin_text=stdin_text)
        while until_served and "not running" in done.stderr:
            done = finish([program("onboardctl"), *arguments], self.env, stdin_text=stdin_text)
        if expect is not None:
            self.assertEqual(done.returncode, expect, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def report(self):
        return self.ctl("report", "--config", self.agent.config)

    def private_bytes(self):
        """{name: bytes} of the secrets in files and in the store."""
        found = {}
        with open(os.path.join(self.agent.state, "seal.key"), "rb") as f:
            found["sealing key"] = f.read()
        scalar = run(["openssl", "ec", "-in", self.key_file, "-noout", "-text"])
        found["identity key"] = bytes.fromhex(re.search(r"priv:\s*([0-9a-f:\s]+)pub:", scalar).group(1)
                                              .replace(":", "").replace("\n", "").replace(" ", ""))[-32:]
        copy = self.path("copy")
        shutil.copytree(self.agent.state, copy)
        der = bytes.fromhex(run([program("unseal"), copy, str(CLOUD_TAG), str(PRIVATE_KEY)]))
        found["cloud key"] = der[der.index(b"\x04\x20") + 2:][:32]
        return found

    def test_a_report_holds_no_secret_of_the_device(self):
        self.start()
        token = json.loads(self.ctl("status", "--json"))["claim_token"]
        passphrase = "Correct-horse 7 " + secrets.token_hex(4)
        self.ctl("wifi", "connect", "lab", "--timeout", "5", expect=None, stdin_text=passphrase + "\n")
        self.assertIn(token, self.journal.text(), "the console shows the token, so it is in the journal")
        unclaimed = self.report()
        self.service.rest.claim(self.ctl("token", "--raw").strip())
        self.service.rest.add_command(self.agent.uuid, {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}})
        self.ctl("status", "--wait", "idle", "--timeout", "60")
        self.journal.text()
        claimed = self.report()
        with open(self.key_file, encoding="ascii") as f:
            pem = f.read().splitlines()[1:-1]
        secret = {"claim token": {token, *token.split("."), token[:40], token[-40:]}, "PIN": {self.token.pin},
                  "passphrase": {passphrase}, "label code": {self.label_code}, "PEM": set(pem)}
        self.daemon.end()
        secret.update({name: shapes(value) for name, value in self.private_bytes().items()})
        for text in (unclaimed, claimed):
            for name, forms in secret.items():
                for form in forms:
                    self.assertNotIn(form, text, name)
            self.assertNotRegex(text, "[\u2580-\u259f]")

    def test_a_report_tells_what_a_bug_report_needs(self):
        self.start()
        self.journal.text()
        text = self.report()
        for wanted in ("onboardctl: ", "kernel: ", "== check ==", '"check": "claim"', "== status ==",
                       '"state": "unclaimed"', self.agent.uuid, "== credentials", "[provisioning]", f"port = {self.service.coap_port}",
                       "pin-file = " + self.token.pin_file, "== journal ==", "state old=booting"):
            self.assertIn(wanted, text)
        digest = run(["sha256sum", self.pki().root]).split()[0]
        self.assertIn(f"root-ca {digest[:32]} {digest[32:]}", text)

    def test_a_report_is_made_of_a_device_whose_daemon_does_not_run(self):
        text = self.report()
        for wanted in ("it is not running", '"check": "daemon"', "[provisioning]"):
            self.assertIn(wanted, text)

    def test_a_report_goes_into_a_new_file_that_is_nobody_elses(self):
        path = self.path("report.txt")
        self.ctl("report", "--config", self.agent.config, "--out", path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path, encoding="utf-8") as f:
            self.assertTrue(f.read().startswith("onboardd report of "))
        self.ctl("report", "--config", self.agent.config, "--out", path, expect=1)
        os.symlink(self.path("elsewhere"), self.path("link"))
        self.ctl("report", "--config", self.agent.config, "--out", self.path("link"), expect=1)
        self.assertFalse(os.path.exists(self.path("elsewhere")))


if __name__ == "__main__":
    namespace.enter()
    case.main()
