# SPDX-License-Identifier: Apache-2.0
"""Two devices on one machine, with a state directory, a configuration and a sealing credential of its own each."""

import os
import shutil

from harness.process import run
from lab.guest import case
from lab.guest.case import Case

from vm import machine

SECOND = "onboardd@second.service"
SECOND_STATE = "/var/lib/onboardd@second"
CREDENTIALS = "/etc/credstore.encrypted"


def encrypt(name):
    """As docs/storage.md has it; without a TPM the key of the host is what systemd-creds takes. The name in the file is the one
    that the program knows it by, whatever the file is called."""
    os.makedirs(CREDENTIALS, mode=0o700, exist_ok=True)
    run(["sh", "-c", f"head -c 32 /dev/urandom | systemd-creds encrypt --with-key=host --name=onboardd.seal - {CREDENTIALS}/{name}"])


class Instances(Case):
    """Each test goes on where the one before has left the devices."""

    def test_1_each_has_its_own_identity_and_owner(self):
        machine.write("/etc/onboardd/second/onboardd.conf", machine.read("/etc/onboardd/onboardd.conf"))
        first, second = machine.Log(self, whole=True), machine.Log(self, SECOND, whole=True)
        row = run(["onboardd", "--config", "/etc/onboardd/second/onboardd.conf", "--init"],
                  env={"STATE_DIRECTORY": SECOND_STATE})
        run(["runuser", "-u", "onboard-service", "--", "onboard-service", "identity", "import", "--state",
             "/var/lib/onboard-service", "-"], stdin_text=row)
        machine.systemctl("start", SECOND)
        rest = machine.owner()
        for log in (first, second):
            rest.claim(machine.shown_token(log), [machine.TAG])
        for log in (first, second):
            log.wait_state("idle")
        uuids = [text.split(",")[0] for text in (machine.read("/root/identity.csv"), row)]
        self.assertNotEqual(uuids[0], uuids[1])
        for uuid in uuids:
            self.assertEqual({c["status"] for c in rest.commands(uuid)}, {"SUCCEEDED"})
        for unit in (machine.AGENT, SECOND):
            self.assertEqual((machine.show(unit, "ActiveState"), machine.show(unit, "NRestarts")), ("active", "0"))
            self.assertEqual([e["MESSAGE"] for e in machine.entries("PRIORITY=3", "PRIORITY=4", unit=unit)], [])

    def test_2_a_credential_that_systemd_opens_seals_each_store(self):
        for name, unit, state in (("onboardd.seal", machine.AGENT, machine.STATE),
                                  ("onboardd@second.seal", SECOND, SECOND_STATE)):
            log = machine.Log(self, unit)
            encrypt(name)
            machine.systemctl("restart", unit)
            log.wait("sealed anew with")
            log.wait_state("idle")
            self.assertFalse(os.path.exists(f"{state}/seal.key"))
            # Next time with nothing to fall back on.
            machine.systemctl("restart", unit)
            log.wait_state("idle")
            self.assertEqual(machine.show(unit, "NRestarts"), "0")

    def test_3_one_that_ends_leaves_the_other_alone(self):
        process = machine.show(machine.AGENT, "MainPID")
        machine.systemctl("stop", SECOND)
        self.assertEqual(machine.show(machine.AGENT, "MainPID"), process)
        self.assertEqual(machine.show(SECOND, "Result"), "success")

    def test_4_without_its_credential_a_store_stays_shut_and_whole(self):
        with open(f"{SECOND_STATE}/store.db", "rb") as f:
            before = f.read()
        shutil.move(f"{CREDENTIALS}/onboardd@second.seal", "/run/onboardd@second.seal")
        log = machine.Log(self, SECOND)
        machine.systemctl("start", SECOND, expect=1)
        self.assertEqual(log.wait("sealing key")["PRIORITY"], "3")
        machine.systemctl("stop", SECOND)
        with open(f"{SECOND_STATE}/store.db", "rb") as f:
            self.assertEqual(f.read(), before)
        shutil.move("/run/onboardd@second.seal", f"{CREDENTIALS}/onboardd@second.seal")
        machine.systemctl("start", SECOND)
        log.wait_state("idle")


if __name__ == "__main__":
    case.main(failfast=True)
