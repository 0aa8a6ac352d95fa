# SPDX-License-Identifier: Apache-2.0
"""Every kind of bad network ends in an onboarded device: loss × duplication × reordering × round trip × MTU × IP version ×
a NAT that rebinds in the middle. A selection in which each two values of different kinds meet; all cells with
ONBOARD_NETWORK=all (scripts/test network-all), some with ONBOARD_NETWORK=KEY=VALUE,... Prints a table, and last
"network: cells=N red=M"."""

import concurrent.futures
import itertools
import os
import traceback

import report
from cell import VALUES, Cell, Outcome, add_rule, run_cell
from harness import case
from harness.process import run
from harness.service import Service
from lifecycle import namespace

AT_A_TIME = 24  # they wait for the network most of their time


def all_cells():
    cells = (Cell(*values) for values in itertools.product(*VALUES.values()))
    return [cell for cell in cells if cell.exists()]


def pairs(cell):
    values = [(name, getattr(cell, name)) for name in VALUES]
    return set(itertools.combinations(values, 2))


def covering(cells):
    """A few in which all pairs are that are in any: always the one that has the most of those that are left. The worst is
    among them."""
    chosen = [max(cells, key=lambda c: (c.loss, c.rtt, c.rebinds, c.duplicate, c.late, -c.mtu))]
    left = set().union(*map(pairs, cells)) - pairs(chosen[0])
    while left:
        chosen.append(max(cells, key=lambda c: len(pairs(c) & left)))
        left -= pairs(chosen[-1])
    return chosen


def wished(cells):
    wish = os.environ.get("ONBOARD_NETWORK", "")
    if wish == "all":
        return cells
    if "=" not in wish:
        return covering(cells)
    asked = [pair.split("=") for pair in wish.split(",")]
    return [c for c in cells if all(str(int(getattr(c, name))) == value for name, value in asked)]


class Matrix(case.Case):
    def test_every_cell_ends_onboarded(self):
        cells = wished(all_cells())
        run(["ip", "link", "set", "lo", "up"])
        service = Service(self, self.pki(), coap="[::]").start()
        with open(self.pki().root, encoding="ascii") as f:
            add_rule(service.rest, f.read())

        def one(numbered):
            number, cell = numbered
            try:
                return run_cell(self, service, number, cell)
            except Exception:  # of the harness as of the product: a red cell
                return Outcome(cell, [traceback.format_exc()])

        slow_first = sorted(enumerate(cells, 1), key=lambda n: -n[1].rtt * (100 + 10 * n[1].loss))
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            outcomes = list(pool.map(one, slow_first))
        red = [o for o in outcomes if o.faults]
        for outcome in red:
            print(f"\nred: {outcome.cell}: " + "\n".join(outcome.faults))
        outcomes.sort(key=lambda o: [getattr(o.cell, name) for name in VALUES])
        report.write(outcomes, len(red))
        self.assertGreater(len(outcomes), 0)
        self.assertEqual(len(red), 0, "red cells")


if __name__ == "__main__":
    namespace.enter()
    case.main()
