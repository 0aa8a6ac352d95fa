# SPDX-License-Identifier: Apache-2.0
"""Two processes of the service on one PostgreSQL, devices spread over both, one of them killed while it serves:
every device still ends validated, and each command has one answer. bench/fleet fails otherwise."""

import json
import os
import subprocess

from harness import case
from harness.process import program

SOURCE = os.environ.get("ONBOARD_SOURCE_DIR") or os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))
DEVICES = 60


class Nodes(case.Case):
    def fleet(self, *arguments):
        build = os.path.dirname(os.path.dirname(os.path.dirname(program("fleet-simulator"))))
        argv = [os.path.join(SOURCE, "bench", "fleet"), "--build", build, "--out", self.path("out"),
                "--no-pin", "--store", "postgresql", "--nodes", "2", "--dtls", "openssl",
                "--devices", str(DEVICES), "--active", "20", "--agent", "ack-timeout=500ms",
                "--agent", "handshake-timeout=60s", "--agent", "retry-first=1s", *arguments]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=280, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(self.path("out", "fleet.json"), encoding="ascii") as f:
            run, = json.load(f)["runs"]
        self.assertEqual(run["done"], DEVICES)
        self.assertEqual(run["answered_twice"], 0)
        # Both had something to say, or the test shows nothing.
        self.assertGreater(min(run["answers_of_nodes"]), 0)
        return run

    def test_a_node_is_killed(self):
        run = self.fleet("--kill-node")
        self.assertGreater(run["killed_at_s"], 0)
        self.assertGreater(run["network"]["to_dead_node"], 0)

    def test_a_node_is_killed_on_a_bad_network(self):
        run = self.fleet("--kill-node", "--faults", "loss=2%,dup=2%,restart=10%", "--seed", "5")
        self.assertGreater(run["killed_at_s"], 0)
        self.assertGreater(run["restarts"], 0)


if __name__ == "__main__":
    case.unittest.main()
