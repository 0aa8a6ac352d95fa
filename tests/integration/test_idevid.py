# SPDX-License-Identifier: Apache-2.0
"""Devices whose manufacturer vouches for them: chains made by openssl, in the claim token of the real agent, at the
real service. And how a factory creates an identity."""

import base64
import os
import re
import time

from harness import agent, case
from harness.agent import Agent
from harness.bus import Bus
from harness.pki import sign_between
from harness.process import Process, finish, program, run
from harness.service import Service
from harness.token import SoftHsm

MAKE_IDEVID = os.path.join(os.environ["ONBOARD_SOURCE_DIR"], "certs/make-idevid")
SIGN_ONLY = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
DAY_S = 86400
UUID = "9f0c0b5e-1f2d-4a3b-8c4d-0123456789ab"


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Maker:
    """certs/make-idevid, and openssl where a test wants a worse certificate."""

    def __init__(self, case_, name="maker"):
        self.case = case_
        self.directory = case_.path(name)
        self.root = os.path.join(self.directory, "maker-ca.pem")
        self.line = os.path.join(self.directory, "line-ca.pem")

    def chain(self, row):
        return run([MAKE_IDEVID, self.directory], stdin_text=row + "\n")

    def public_key(self, row):
        der, pem = self.case.path("key.der"), self.case.path("key.pem")
        with open(der, "wb") as f:
            f.write(base64.b64decode(row.split(",")[2]))
        run(["openssl", "pkey", "-pubin", "-inform", "DER", "-in", der, "-out", pem])
        return pem

    def extensions(self, text):
        path = self.case.path("extensions")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def leaf(self, row, ca, subject, days="10"):
        """The certificate of a row's key, by CA ca (.pem and .key)."""
        return run(["openssl", "x509", "-new", "-force_pubkey", self.public_key(row), "-subj", subject,
                    "-CA", ca + ".pem", "-CAkey", ca + ".key", "-set_serial", "77", "-days", days,
                    "-extfile", self.extensions(SIGN_ONLY)])

    def expired_line(self):
        """A CA below the maker's, over since yesterday; the path of .pem and .key."""
        path = self.case.path("expired")
        run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", "/CN=Old line", "-keyout", path + ".key", "-out", path + ".csr"])
        now = time.time()
        sign_between(self.root, self.root[:-3] + "key", path + ".csr", path + ".pem", now - 2 * DAY_S, now - DAY_S,
                     "basicConstraints=critical,CA:TRUE\n")
        return path


class Idevid(case.Case):
    def setUp(self):
        super().setUp()
        self.maker = Maker(self)
        self.agent = Agent(self, 1, self.pki().root)
        self.row = self.agent.init()
        self.chain = self.maker.chain(self.row)

    def serve(self, *makers):
        options = [o for m in makers or (self.maker.root,) for o in ("--manufacturer-ca", m)]
        self.service = Service(self, self.pki(), options=options).start()
        self.rest = self.service.rest
        self.agent.set("provisioning", port=self.service.coap_port)

    def give(self, chain, to=None):
        """The device's chain from now on."""
        to = to or self.agent
        path = self.path(to.name + "-chain.pem")
        with open(path, "w", encoding="utf-8") as f:
            f.write(chain)
        to.set("identity", chain=path)

    def token(self, to=None):
        return agent.token_of((to or self.agent).once(expect=agent.EXIT_UNCLAIMED))

    def devices(self):
        return run([program("onboard-service"), "device", "list", "--state", self.service.state])

    def refused(self, token, status, words):
        got, problem = self.rest.call("POST", "/claimed-devices", {"claimToken": token})
        self.assertEqual(got, status, problem)
        self.assertIn(words, problem["detail"])
        self.assertNotIn(self.agent.uuid, self.devices())

    def test_a_device_that_nobody_imported_is_claimed_and_onboards_over_restarts(self):
        self.serve()
        self.give(self.chain)
        token = self.token()
        self.assertNotIn(self.agent.uuid, self.devices())
        self.rest.claim(token, ["nrf-cloud-onboarding"])
        run_ = self.agent.once(expect=agent.EXIT_DONE)
        self.assertEqual(run_.status["cloud"], "validated")
        self.assertRegex(self.devices(), rf"{self.agent.uuid}.*idevid")
        # Restarted without any manufacturer: the device is known now.
        self.service.stop()
        self.service.options = []
        self.service.start()
        self.agent.once(expect=agent.EXIT_DONE)

    def test_an_unknown_device_shows_its_token_keeps_asking_and_goes_on_when_it_is_claimed(self):
        self.serve()
        self.give(self.chain)
        process = self.agent.start_once("--wait-claim", "--timeout", "45")
        token = process.wait_json(lambda e: e.get("name") == "claim token", "claim token")["text"]
        process.wait_for(lambda lines: sum('"new":"authenticating"' in text for _, text in lines) >= 3, "polls")
        self.rest.claim(token, ["nrf-cloud-onboarding"])
        self.assertEqual(process.wait(), agent.EXIT_DONE, process.output())

    def test_without_a_manufacturer_an_unknown_device_is_rejected_as_ever(self):
        self.service = Service(self, self.pki()).start()
        self.agent.set("provisioning", port=self.service.coap_port)
        self.give(self.chain)
        self.assertEqual(self.agent.once(expect=agent.EXIT_IDENTITY).outcome, "rejected")

    def test_a_token_without_its_chain_is_refused(self):
        self.serve()
        self.refused(self.token(), 404, "carries no manufacturer's certificate")
        # The chain cut off by hand: what remains is the stock token, and is refused the same.
        self.give(self.chain)
        message, signature = self.token().split(".")
        stock = bytes.fromhex("d28443a10126a1044121f65840") + decoded(signature)[-64:]
        self.refused(f"{message}.{encoded(stock)}", 404, "carries no manufacturer's certificate")

    def test_the_chain_of_another_manufacturer_is_refused(self):
        stranger = Maker(self, "stranger")
        stranger.chain(self.row)
        self.serve(stranger.line)
        self.give(self.chain)
        self.refused(self.token(), 422, "does not end in a manufacturer CA")

    def test_a_chain_with_an_expired_ca_is_refused_by_its_name(self):
        self.serve()
        old = self.maker.expired_line()
        with open(old + ".pem", encoding="utf-8") as f:
            self.give(self.maker.leaf(self.row, old, f"/serialNumber={self.agent.uuid}") + f.read())
        self.refused(self.token(), 422, "certificate 2 (CN=Old line) expired at")

    def test_a_certificate_of_another_uuid_is_refused(self):
        self.serve()
        ca = self.maker.line[:-len(".pem")]
        with open(self.maker.line, encoding="utf-8") as f:
            self.give(self.maker.leaf(self.row, ca, f"/serialNumber={UUID}") + f.read())
        self.refused(self.token(), 422, "names another device")

    def test_the_chain_of_another_device_starts_no_agent_and_claims_nothing(self):
        self.serve()
        other = Agent(self, self.service.coap_port, self.pki().root, name="other")
        self.give(self.maker.chain(other.init()), other)
        self.agent.set("identity", chain=other.sections["identity"]["chain"])
        run_ = self.agent.once(expect=agent.EXIT_IDENTITY)
        self.assertIn("not for the identity key of this device", run_.process.output())
        # Put together by hand: this device's message and signature, the other's certificates.
        self.give(self.chain)
        mine, others = self.token(), self.token(other)
        forged = decoded(others.split(".")[1])[:-64] + decoded(mine.split(".")[1])[-64:]
        self.refused(f"{mine.split('.')[0]}.{encoded(forged)}", 422, "names another device")

    def test_too_many_certificates_start_no_agent(self):
        with open(self.maker.root, encoding="utf-8") as f:
            root = f.read()
        self.give(self.chain + 3 * root)
        run_ = self.agent.once(expect=agent.EXIT_IDENTITY)
        self.assertIn("more than 4 certificates", run_.process.output())

    def test_a_token_too_long_for_a_qr_code_is_shown_as_text_with_the_reason_and_claims(self):
        self.serve()
        ca = self.maker.line[:-len(".pem")]
        with open(self.maker.line, encoding="utf-8") as f:
            line = f.read()
        long = "".join(f"/OU={n:064}" for n in range(18))
        self.give(self.maker.leaf(self.row, ca, f"{long}/CN={self.agent.uuid}") + line)
        process = self.watch(Process([self.agent.binary, "--config", self.agent.config, "--once", "--timeout", "30"]))
        self.assertEqual(process.wait(), agent.EXIT_UNCLAIMED, process.output())
        said = "\n".join(process.texts())
        token = re.search(r"(?m)^[A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]+$", said).group(0)
        self.assertGreater(len(token), 2953)
        self.assertRegex(said, rf"No QR code: .* this has {len(token)}")
        self.rest.claim(token)

    def test_an_imported_key_is_not_replaced_by_a_certified_one(self):
        self.serve()
        twin = Agent(self, self.service.coap_port, self.pki().root, name="twin", identity={"uuid": self.agent.uuid})
        twin_row = twin.init()
        self.service.import_identity(self.row)
        self.give(self.maker.chain(twin_row), twin)
        # The service knows the UUID, and not with this key: not even a token is asked for.
        twin.once(expect=agent.EXIT_IDENTITY)
        bus = Bus(self)
        twin.start_daemon(env=bus.env).wait_line(r"state old=booting")
        token = run([program("onboardctl"), "token", "--raw"], env=bus.env).strip()
        status, problem = self.rest.call("POST", "/claimed-devices", {"claimToken": token})
        self.assertEqual(status, 409, problem)
        self.assertIn("a known key is never replaced", problem["detail"])
        # The imported device is who it was.
        self.rest.claim(self.token(), ["nrf-cloud-onboarding"])
        self.agent.once(expect=agent.EXIT_DONE)

    def test_a_row_with_its_chain_is_imported_and_one_with_another_chain_is_not(self):
        self.serve()
        self.give(self.chain)
        row = self.agent.init()
        self.assertEqual(len(row.split(",")), 4)
        self.assertEqual(row.split(",")[:3], self.row.split(","))
        other = Agent(self, self.service.coap_port, self.pki().root, name="other")
        wrong = other.init() + "," + row.split(",")[3]
        done = finish([program("onboard-service"), "identity", "import", "--state", self.service.state, "-"],
                      stdin_text=wrong + "\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("another key than the third", done.stderr)
        self.service.import_identity(row)
        self.assertIn(self.agent.uuid, self.devices())

    def test_what_is_no_ca_ends_the_start_of_the_service(self):
        path = self.path("leaf.pem")
        with open(path, "w", encoding="utf-8") as f:
            f.write(self.chain)
        pki = self.pki()
        done = finish([program("onboard-service"), "serve", "--state", self.path("service"), "--coap", "127.0.0.1:0",
                       "--rest", "127.0.0.1:0", "--cert", pki.cert, "--key", pki.key, "--manufacturer-ca", path])
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{path}: a certificate in it is not one of a CA", done.stderr)

    def test_a_long_token_is_shown_to_its_owner_and_in_no_signal(self):
        self.serve()
        self.give(self.chain)
        bus = Bus(self)
        monitor = self.watch(Process(["dbus-monitor", "--address", bus.address, "type='signal',sender='org.onboardd'"]))
        monitor.wait_line("NameLost|NameAcquired")
        process = self.agent.start_daemon(env=bus.env)
        shown = process.wait_line(r"^([A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]{800,})$").group(1)
        monitor.wait_line("shown by: onboardctl token")
        asked = run([program("onboardctl"), "token", "--raw"], env=bus.env).strip()
        self.assertEqual(len(asked), len(shown))
        with_code = run([program("onboardctl"), "token", "--qr"], env=bus.env)
        self.assertTrue(set(with_code) & set("█▀▄"), "no QR code")
        process.end()
        self.assertNotIn(shown[:76], monitor.output())
        self.rest.claim(asked)

    def test_identity_show_tells_the_certificates_of_a_running_agent(self):
        self.give(self.chain)
        bus = Bus(self)
        process = self.agent.start_daemon(env=bus.env)
        process.wait_line(r"state old=booting")
        said = run([program("onboardctl"), "identity", "show"], env=bus.env)
        self.assertRegex(said, r"Certificate: +serialNumber=|Certificate: +CN=onboardd")
        self.assertRegex(said, r"issued by: +.*Example line 1")
        self.assertRegex(said, r"expires: +9999-12-\d\dT")
        exported = run([program("onboardctl"), "identity", "export"], env=bus.env).strip()
        process.end()
        self.assertEqual(exported, self.agent.init())


class Create(case.Case):
    """onboardctl identity create, without a daemon."""

    def setUp(self):
        super().setUp()
        self.agent = Agent(self, 1, self.pki().root)

    def create(self, *options):
        return finish([program("onboardctl"), "identity", "create", "--config", self.agent.config, *options])

    def test_a_new_identity_is_the_one_that_the_daemon_has(self):
        done = self.create("--key", "file", "--uuid", UUID.upper())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, rf"^{UUID},onboardd,MFkw[A-Za-z0-9+/=]+\n$")
        self.assertEqual(self.agent.init(), done.stdout.strip())

    def test_an_identity_that_is_there_is_refused_and_named(self):
        row = self.agent.init()
        done = self.create()
        self.assertEqual((done.returncode, done.stdout), (agent.EXIT_IDENTITY, ""))
        self.assertIn(self.agent.uuid, done.stderr)
        self.assertIn(self.agent.state, done.stderr)
        self.assertEqual(self.agent.init(), row)

    def test_a_store_in_use_is_refused(self):
        process = self.agent.start_daemon()
        process.wait_line(r"state old=booting")
        done = self.create()
        self.assertEqual(done.returncode, agent.EXIT_STORE, done.stderr)
        self.assertIn("in use", done.stderr)

    def test_what_makes_no_sense_makes_nothing(self):
        for options, code in ((["--key", "paper"], agent.EXIT_USAGE), (["--uuid", "x"], agent.EXIT_IDENTITY),
                              (["extra"], agent.EXIT_USAGE), (["--key"], agent.EXIT_USAGE)):
            done = self.create(*options)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(self.create().returncode, 0)

    def test_a_chain_that_is_not_made_yet_does_not_keep_a_key_from_being_made(self):
        chain = self.path("chain.pem")
        self.agent.set("identity", chain=chain)
        done = self.create()
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(chain, "w", encoding="utf-8") as f:
            f.write(Maker(self).chain(done.stdout.strip()))
        self.assertEqual(self.agent.init().split(",")[:3], done.stdout.strip().split(","))
        self.assertEqual(len(self.agent.init().split(",")), 4)

    def test_a_key_is_made_in_a_token_and_its_manufacturer_vouches_for_it(self):
        token = SoftHsm(self)
        for name, keys in token.config().items():
            self.agent.set(name, **{k.replace("-", "_"): v for k, v in keys.items()})
        done = finish([program("onboardctl"), "identity", "create", "--config", self.agent.config, "--key", token.uri],
                      env=token.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        row = done.stdout.strip()
        self.agent.uuid = row.split(",")[0]
        public = base64.b64decode(row.split(",")[2])
        self.assertEqual(list(token.public_keys().values()), [public])
        maker = Maker(self)
        chain = self.path("chain.pem")
        with open(chain, "w", encoding="utf-8") as f:
            f.write(maker.chain(row))
        self.agent.set("identity", chain=chain)
        service = Service(self, self.pki(), options=["--manufacturer-ca", maker.root]).start()
        self.agent.set("provisioning", port=service.coap_port)
        shown = self.agent.once(env=token.env, expect=agent.EXIT_UNCLAIMED)
        service.rest.claim(agent.token_of(shown), ["nrf-cloud-onboarding"])
        self.assertEqual(self.agent.once(env=token.env, expect=agent.EXIT_DONE).status["cloud"], "validated")


if __name__ == "__main__":
    case.main()
