# SPDX-License-Identifier: Apache-2.0
"""Paths that the matrix has not: smaller in the middle, where no MTU tells the ends; slower than a timeout allows for."""

import copy
import dataclasses
import os

from cell import Cell, add_rule, run_cell
from harness import agent, case, dtls
from harness.agent import Agent
from harness.process import run
from harness.relay import Relay
from harness.service import Service
from lifecycle import namespace

EVERYWHERE = 576 - 28  # bytes of UDP that each path carries in one piece
CELL = Cell(loss=0, duplicate=0, late=0, rtt=50, mtu=576, family=4, rebinds=False)


class Path(case.Case):
    def setUp(self):
        super().setUp()
        run(["ip", "link", "set", "lo", "up"])
        self.service = Service(self, self.pki(), coap="[::]").start()
        with open(self.pki().root, encoding="ascii") as f:
            self.certificate = f.read()
        add_rule(self.service.rest, self.certificate)

    def test_one_that_swallows_large_datagrams_without_a_word_is_found_out(self):
        outcome = run_cell(self, self.service, 1, CELL, device_mtu=1500)
        self.assertGreater(outcome.down["too_big"], 0, "nothing was too big: the path was not tried")
        self.assertEqual(outcome.up["fragments"] + outcome.down["fragments"], 0)
        self.assertEqual([f for f in outcome.faults if "too big" not in f], [])
        self.assertEqual(outcome.full, 2, "the handshakes did not fit")
        self.assertEqual(outcome.pauses, 0)

    def test_one_whose_router_says_so_is_believed(self):
        outcome = run_cell(self, self.service, 2, CELL, device_mtu=1500, icmp=True)
        # What the service had sent already is cut by its kernel.
        self.assertEqual([f for f in outcome.faults if "too big" not in f and "fragments down" not in f], [])
        self.assertEqual(outcome.pauses, 0)

    def test_a_handshake_that_goes_on_is_not_given_up(self):
        slow = dataclasses.replace(CELL, rtt=800, mtu=1500)  # three round trips at least
        outcome = run_cell(self, self.service, 3, slow, provisioning={"handshake_timeout": "2s"})
        self.assertEqual((outcome.faults, outcome.full, outcome.pauses), ([], 2, 0))

    def large_certificate(self):
        """The PKI with another leaf: of more than 2 kB."""
        pki = copy.copy(self.pki())
        pki.cert = self.path("large.pem")
        with open(self.path("large.ext"), "w", encoding="ascii") as f:
            f.write("subjectAltName=DNS:localhost," + ",".join(f"DNS:{n:060}.example" for n in range(28)) + "\n"
                    "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
        run(["openssl", "x509", "-req", "-sha256", "-in", os.path.join(pki.directory, "leaf.csr"), "-CA", pki.root,
             "-CAkey", pki.root_key, "-set_serial", "1002", "-days", "30", "-extfile", self.path("large.ext"),
             "-out", pki.cert])
        return pki

    def test_no_datagram_of_a_handshake_is_larger_than_each_path_carries_whatever_the_certificate(self):
        self.service.stop()
        pki = self.large_certificate()
        service = Service(self, pki).start()
        relay = Relay(service.coap_port)
        self.addCleanup(relay.close)
        device = Agent(self, relay.port, pki.root)
        service.import_identity(device.init())
        device.once(expect=agent.EXIT_UNCLAIMED)
        flights = [d for d in relay.snapshot() if any(r.type == dtls.HANDSHAKE for r in dtls.records(d.data))]
        self.assertGreater(sum(len(d.data) for d in flights if not d.up), 2000)
        self.assertLessEqual(max(len(d.data) for d in flights), EVERYWHERE)


if __name__ == "__main__":
    namespace.enter()
    case.main()
