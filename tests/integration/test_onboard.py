# SPDX-License-Identifier: Apache-2.0
"""One device from unclaimed to validated cloud access, with the real service and the real agent."""

import re
import sqlite3
import glob
import os

from harness import agent, case
from harness.agent import Agent, Run
from harness.service import Service

CLOUD_TAG = 16842753
KEYGEN = {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}


class Onboard(case.Case):
    def setUp(self):
        super().setUp()
        self.service = Service(self, self.pki()).start()
        self.rest = self.service.rest
        self.agent = Agent(self, self.service.coap_port, self.pki().root)
        self.row = self.agent.init()

    def make_known(self):
        self.service.import_identity(self.row)

    def token(self):
        run = self.agent.once(expect=agent.EXIT_UNCLAIMED)
        return agent.token_of(run)

    def claimed(self, *tags):
        self.make_known()
        self.rest.claim(self.token(), tags)

    def test_a_device_that_the_service_does_not_know_is_refused_with_exit_6(self):
        run = self.agent.once(expect=agent.EXIT_IDENTITY)
        self.assertEqual(run.outcome, "rejected")

    def test_an_unclaimed_device_exits_5_and_shows_its_claim_token(self):
        self.make_known()
        run = self.agent.once(expect=agent.EXIT_UNCLAIMED)
        self.assertEqual(run.outcome, "unclaimed")
        self.assertEqual(run.status["claimed"], "no")
        self.assertRegex(agent.token_of(run), r"^[A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]{103}$")
        self.assertIn("unclaimed", run.states())

    def test_an_unclaimed_device_shows_a_person_the_token_and_its_qr_code(self):
        self.make_known()
        process = self.watch(agent.Process(
            [self.agent.binary, "--config", self.agent.config, "--once", "--timeout", "30"]))
        self.assertEqual(process.wait(), agent.EXIT_UNCLAIMED, process.output())
        text = "\n".join(process.texts())
        self.assertRegex(text, r"(?m)^[A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]{103}$")
        self.assertTrue(set(text) & set("█▀▄"), "no QR code")

    def test_a_claimed_device_with_the_onboarding_rule_ends_with_validated_cloud_access(self):
        self.claimed("nrf-cloud-onboarding")
        run = self.agent.once(expect=agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")
        self.assertEqual(run.status["claimed"], "yes")
        self.assertEqual(run.status["pending_results"], 0)
        statuses = [c["status"] for c in self.rest.commands(self.agent.uuid)]
        self.assertTrue(statuses)
        self.assertEqual(len(set(statuses)), 1, statuses)
        self.assertNotIn(statuses[0], ("PENDING", "IN_PROGRESS", "FAILED"))
        self.assertTrue(self.rest.device(self.agent.uuid)["state"]["reported"])

    def test_a_second_run_has_nothing_to_do_and_stays_validated(self):
        self.claimed("nrf-cloud-onboarding")
        first = self.agent.once(expect=agent.EXIT_DONE)
        before = self.rest.commands(self.agent.uuid)
        second = self.agent.once(expect=agent.EXIT_DONE)
        self.assertEqual(second.status["cloud"], "validated")
        self.assertEqual(second.status["uuid"], first.status["uuid"])
        self.assertEqual(self.rest.commands(self.agent.uuid), before)

    def test_an_agent_told_to_wait_goes_on_by_itself_when_its_owner_claims_it(self):
        self.make_known()
        process = self.agent.start_once("--wait-claim", "--timeout", "45")
        process.wait_json(lambda e: e.get("event") == "state" and e["new"] == "unclaimed",
                          "unclaimed state")
        found = process.wait_for(
            lambda lines: re.search(r"[A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]{103}",
                                    "\n".join(t for _, t in lines)), "claim token")
        self.rest.claim(found.group(0), ["nrf-cloud-onboarding"])
        run = Run(process, process.wait())
        self.assertEqual(run.exit, agent.EXIT_DONE, process.output())
        self.assertEqual(run.status["cloud"], "validated")

    def test_a_signing_request_comes_back_with_the_attributes_and_the_uses_asked_for(self):
        self.claimed()
        command = self.rest.add_command(self.agent.uuid, {"certificateSigningRequest": {
            "secTag": 17, "attributes": "O=Onboard,CN=device-17", "keyUsage": "101010000"}})
        self.rest.add_command(self.agent.uuid, KEYGEN)
        self.agent.once(expect=agent.EXIT_DONE)
        value = self.rest.command(self.agent.uuid, command)
        self.assertNotIn(value["status"], ("PENDING", "IN_PROGRESS", "FAILED"))
        csr = value["response"]["certificateSigningRequest"]["csr"]
        der = self.path("request.der")
        with open(der, "wb") as f:
            f.write(decode_base64url(csr.split(".")[0]))
        text = agent.run(["openssl", "req", "-inform", "DER", "-in", der, "-noout", "-text",
                          "-verify"])
        self.assertRegex(text, r"O ?= ?Onboard, ?CN ?= ?device-17")
        self.assertIn("Digital Signature", text)
        self.assertIn("Key Encipherment", text)
        self.assertNotIn("Non Repudiation", text)

    def test_finished_ends_the_cycle_without_another_fetch(self):
        self.claimed()
        for request in (KEYGEN, {"finished": {}}):
            self.rest.add_command(self.agent.uuid, request)
        run = self.agent.once(expect=agent.EXIT_DONE)
        self.assertIn(run.outcome, ("finished", "ok"))
        self.assertEqual(run.states().count("fetching"), 1)
        self.assertEqual(run.status["cloud"], "validated")

    def test_a_failing_command_is_told_to_the_owner_and_drops_those_after_it(self):
        self.claimed()
        good = self.rest.add_command(self.agent.uuid, KEYGEN)
        bad = self.rest.add_command(self.agent.uuid, {
            "atCommand": {"setCommand": "%CMNG", "parameters": "3,4711,0",
                          "ignoreCmeErrors": []}})
        later = self.rest.add_command(self.agent.uuid, {
            "clientPrivateKeyGeneration": {"secTag": 4712}})
        run = self.agent.once(expect=agent.EXIT_DEGRADED)
        self.assertEqual(run.outcome, "partial")
        status = {c: self.rest.command(self.agent.uuid, c) for c in (good, bad)}
        self.assertNotIn(status[good]["status"], ("PENDING", "IN_PROGRESS", "FAILED"))
        self.assertEqual(status[bad]["status"], "FAILED")
        self.assertIn("513", str(status[bad].get("response")))
        code, dropped = self.rest.call(
            "GET", f"/claimed-devices/{self.agent.uuid}/provisioning/{later}")
        self.assertTrue(code == 404 or dropped["status"] not in ("PENDING", "IN_PROGRESS",
                                                                 "SUCCEEDED"), dropped)
        again = self.agent.once()
        self.assertEqual(again.steps("execute"), [], "a dropped command ran after all")

    def test_an_unclaimed_again_device_needs_its_owner_again(self):
        self.claimed("nrf-cloud-onboarding")
        self.agent.once(expect=agent.EXIT_DONE)
        self.rest.unclaim(self.agent.uuid)
        self.agent.once(expect=agent.EXIT_UNCLAIMED)

    def test_no_private_key_is_in_clear_anywhere_in_the_state_directories(self):
        self.claimed("nrf-cloud-onboarding")
        run = self.agent.once(expect=agent.EXIT_DONE)
        said = run.process.output()
        self.assertNotIn("PRIVATE KEY", said)
        for path in glob.glob(os.path.join(self.agent.state, "*")):
            with open(path, "rb") as f:
                content = f.read()
            self.assertNotIn(b"PRIVATE KEY", content, path)
            # An EC private key in DER starts so: SEQUENCE, version 1, 32-byte OCTET STRING.
            self.assertIsNone(re.search(rb"\x30.\x02\x01\x01\x04\x20", content, re.S), path)
        self.assertEqual(os.stat(self.agent.state).st_mode & 0o077, 0)
        with sqlite3.connect(os.path.join(self.agent.state, "store.db")) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")

    def test_two_agents_cannot_share_one_state_directory(self):
        self.make_known()
        first = self.agent.start_once("--wait-claim", "--timeout", "45")
        first.wait_json(lambda e: e.get("event") == "state" and e["new"] == "unclaimed",
                        "unclaimed state")
        second = self.agent.once(expect=agent.EXIT_STORE)
        self.assertNotEqual(second.process.texts("err"), [])
        first.end()

    def test_identities_imported_while_the_service_runs_are_known_at_once(self):
        self.claimed()
        for n in range(3):
            other = Agent(self, self.service.coap_port, self.pki().root, name=f"other-{n}")
            self.service.import_identity(other.init())
            token = agent.token_of(other.once(expect=agent.EXIT_UNCLAIMED))
            self.rest.claim(token)

    def test_what_an_owner_did_survives_kill_9_of_the_service(self):
        self.claimed()
        command = self.rest.add_command(self.agent.uuid, KEYGEN)
        self.service.stop(goodbye=False)
        self.service.start()
        self.assertEqual(self.rest.command(self.agent.uuid, command)["status"], "PENDING")
        self.agent.once(expect=agent.EXIT_DONE)

    def test_a_server_under_another_ca_is_not_talked_to(self):
        from harness.pki import Pki
        other = Pki(self.path("other-pki"))
        self.make_known()
        self.agent.set("provisioning", root_ca=other.root)
        run = self.agent.once(expect=agent.EXIT_NETWORK)
        self.assertEqual(run.outcome, "certificate")

    def test_a_server_under_another_name_is_not_talked_to(self):
        self.make_known()
        self.agent.set("provisioning", server="elsewhere.example")
        run = self.agent.once(expect=agent.EXIT_NETWORK)
        self.assertEqual(run.outcome, "certificate")

    def test_a_configuration_that_is_wrong_is_exit_64_and_names_file_and_line(self):
        self.agent.set("provisioning", jwt_lifetime="10min")
        run = self.agent.once(expect=agent.EXIT_USAGE)
        run.process.wait_for(lambda lines: any(f"{self.agent.config}:" in t and "30s to 6min" in t
                                               for _, t in lines), "the place of the mistake")

    def test_a_server_that_is_away_is_exit_4(self):
        self.service.stop()
        self.agent.set("provisioning", handshake_timeout="2s")
        run = self.agent.once("--timeout", "5", expect=agent.EXIT_NETWORK)
        self.assertEqual(run.outcome, "no-network")


def decode_base64url(text):
    import base64
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


if __name__ == "__main__":
    case.main()
