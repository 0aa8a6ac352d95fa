# SPDX-License-Identifier: Apache-2.0
"""Paths that the matrix has not: smaller in the middle, where no MTU tells the ends; slower than a timeout allows for."""

import dataclasses

from cell import Cell, add_rule, run_cell
from harness import case
from harness.process import run
from harness.service import Service
from lifecycle import namespace

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


if __name__ == "__main__":
    namespace.enter()
    case.main()
