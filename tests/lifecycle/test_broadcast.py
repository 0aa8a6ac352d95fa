# SPDX-License-Identifier: Apache-2.0
"""A service at an address of an interface that has no broadcast address, as ip(8) makes one unless told otherwise: some versions of
libcoap answer nothing there. The service's own words are to be what devices meet."""

import json

import namespace
from harness import agent, case
from harness.agent import Agent, Run
from harness.process import finish, program, run
from harness.service import Service

WITHOUT = f"{namespace.PREFIX}.0.2"


class Broadcast(case.Case):
    def setUp(self):
        super().setUp()
        namespace.build_bridge(self, 1)
        run(["ip", "address", "add", f"{WITHOUT}/16", "dev", namespace.BRIDGE])
        self.host = namespace.Device(self, 1)
        self.host.plug_in()
        self.host.configure()

    def is_answered(self, service, address):
        device = Agent(self, service.coap_port, self.pki().root, name="agent-" + address,
                       provisioning={"address": address, "transport": "coap"})
        service.import_identity(device.init())
        process = device.start_once("--timeout", "6", argv_prefix=self.host.argv_prefix())
        done = Run(process, process.wait())
        self.assertIn(done.exit, (agent.EXIT_UNCLAIMED, agent.EXIT_TIMEOUT), process.output())
        return done.exit == agent.EXIT_UNCLAIMED

    def is_said_to_be_deaf(self, address):
        done = finish([program("onboard-service"), "check", "--json", "--state", self.path("unused"), "--coap", f"{address}:0",
                       "--rest", "127.0.0.1:0", "--cert", self.pki().cert, "--key", self.pki().key])
        return any("broadcast" in item["detail"] for item in json.loads(done.stdout)["items"])

    def test_what_check_and_serve_say_of_an_address_is_what_devices_meet(self):
        for address in (namespace.PREFIX + ".0.1", WITHOUT):
            service = Service(self, self.pki(), coap=address)
            service.state = self.path("service-" + address)
            service.start()
            answered = self.is_answered(service, address)
            self.assertEqual(self.is_said_to_be_deaf(address), not answered)
            self.assertEqual(any("broadcast" in line for line in service.process.texts("err")), not answered)
            if address != WITHOUT:
                self.assertTrue(answered)
            service.stop()


if __name__ == "__main__":
    namespace.enter()
    case.main()
