# SPDX-License-Identifier: Apache-2.0
"""onboard-service within what its unit leaves it: no call, no address family, no memory but those."""

import os
import sys

from harness import agent, case
from harness.agent import Agent
from harness.service import Service

SOURCE = os.environ["ONBOARD_SOURCE_DIR"]
UNIT = os.path.join(SOURCE, "packaging/systemd/onboard-service.service.in")
SANDBOX = os.path.join(SOURCE, "tests/lab/guest/sandbox.py")


class Unit(case.Case):
    def setUp(self):
        super().setUp()
        # The check for leaks needs ptrace(), which the unit forbids.
        options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))
        self.service = Service(self, self.pki(), argv_prefix=[
            "/usr/bin/env", f"ASAN_OPTIONS={options}", sys.executable, SANDBOX, UNIT, "--"]).start()
        self.agent = Agent(self, self.service.coap_port, self.pki().root)
        self.service.import_identity(self.agent.init())

    def test_a_device_goes_from_unclaimed_to_validated_and_gets_a_certificate(self):
        rest = self.service.rest
        rest.claim(agent.token_of(self.agent.once(expect=agent.EXIT_UNCLAIMED)), ["nrf-cloud-onboarding"])
        command = rest.add_command(self.agent.uuid, {"certificateSigningRequest": {"secTag": 17}})
        run = self.agent.once(expect=agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")
        row = rest.command(self.agent.uuid, command)
        self.assertEqual(row["status"], "SUCCEEDED", row)
        self.assertIn("BEGIN CERTIFICATE", row["response"]["certificateSigningRequest"]["certificate"])


if __name__ == "__main__":
    case.main()
