# SPDX-License-Identifier: Apache-2.0
"""The short form of bench/fleet: what must hold of a fleet, however long it takes. bench/fleet itself fails
when a device does not end well, when a command has no answer or two, and when a node dies."""

import json
import os
import subprocess

from harness import case
from harness.process import program

SOURCE = os.environ.get("ONBOARD_SOURCE_DIR") or os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))
# Sanitized programs are slow, and so is a processor with other tests on it: no device is to give up.
PATIENT = ["--agent", "handshake-timeout=60s"]
HASTY = ["--agent", "ack-timeout=500ms"]


class Fleet(case.Case):
    def fleet(self, *arguments):
        """The runs of fleet.json."""
        build = os.path.dirname(os.path.dirname(os.path.dirname(program("fleet-simulator"))))
        out = self.path("out")
        argv = [os.path.join(SOURCE, "bench", "fleet"), "--build", build, "--out", out, "--no-pin",
                *arguments]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=280, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertTrue(os.path.exists(os.path.join(out, "fleet.svg")))
        with open(os.path.join(out, "fleet.json"), encoding="ascii") as f:
            return json.load(f)["runs"]

    def test_all_end_well(self):
        for run in self.fleet("--devices", "80", "--active", "16", "--store", "sqlite", *PATIENT):
            self.assertEqual(run["done"], 80)
            if run["phase"] == "validation":
                # Two key generations with their preparation, and a certificate.
                self.assertEqual(len(run["answers_per_device"]), 1)
                self.assertGreaterEqual(run["answers_per_device"][0], 3)

    def test_faults(self):
        faults = "loss=3%,dup=3%,reorder=5%,restart=20%,skew=30s"
        first, = self.fleet("--devices", "40", "--store", "sqlite", "--dtls", "openssl", "--seed",
                            "7", "--faults", faults, *PATIENT, *HASTY)
        self.assertEqual(first["done"], 40)
        self.assertGreater(first["network"]["lost"], 0)
        self.assertGreater(first["network"]["duplicated"], 0)
        self.assertGreater(first["network"]["reordered"], 0)
        self.assertGreater(first["restarts"], 0)

    def test_seed_decides_who_restarts(self):
        arguments = ["--devices", "12", "--store", "sqlite", "--dtls", "openssl", "--faults",
                     "restart=30%", *PATIENT]
        runs = [self.fleet("--seed", seed, *arguments)[0] for seed in ("3", "3", "4")]
        who = [run["restarts_per_device"] for run in runs]
        self.assertEqual(who[0], who[1])
        self.assertNotEqual(who[0], who[2])

    def test_clocks_that_are_wrong_are_told(self):
        """A fleet that cannot be onboarded makes the bench fail, so that it can be believed."""
        build = os.path.dirname(os.path.dirname(os.path.dirname(program("fleet-simulator"))))
        done = subprocess.run(
            [os.path.join(SOURCE, "bench", "fleet"), "--build", build, "--out", self.path("out"),
             "--no-pin", "--devices", "4", "--store", "sqlite", "--dtls", "openssl", "--limit", "8",
             "--faults", "skew=100000s"], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("did not end well", done.stderr)


if __name__ == "__main__":
    case.unittest.main()
