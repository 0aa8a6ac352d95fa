# SPDX-License-Identifier: Apache-2.0
"""A used device is upgraded while it works, downgraded in every way that there is, removed and purged."""

import hashlib
import json
import os
import struct

from harness.process import LIMIT_S, finish, run
from lab.guest import case
from lab.guest.case import Case

from vm import machine

VERSION_AT = 60  # user_version in the header of an SQLite file


def installed(package="onboardd"):
    return run(["dpkg-query", "-W", "-f", "${Version}", package])


def schema():
    with open(f"{machine.STATE}/store.db", "rb") as f:
        f.seek(VERSION_AT)
        return struct.unpack(">I", f.read(4))[0]


def files():
    """What is stored: {name: digest}. SQLite leaves an empty log where it looked and wrote nothing."""
    found = {}
    for name in os.listdir(machine.STATE):
        with open(os.path.join(machine.STATE, name), "rb") as f:
            content = f.read()
        if content:
            found[name] = hashlib.sha256(content).hexdigest()
    return found


def what_it_is():
    """What a device must not lose."""
    return machine.onboardctl("identity", "show"), json.loads(machine.onboardctl("credentials", "list", "--json"))


class Upgrade(Case):
    """Each test goes on where the one before has left the device."""

    @classmethod
    def setUpClass(cls):
        cls.rest = machine.owner()
        cls.device = machine.read("/root/identity.csv").split(",")[0]

    def setUp(self):
        super().setUp()
        self.log = machine.Log(self)

    def test_1_the_previous_version_gets_its_credentials(self):
        log = machine.Log(self, whole=True)
        self.rest.claim(machine.shown_token(log), [machine.TAG])
        log.wait_state("idle")
        self.assertEqual(machine.status()["cloud"], "validated")

    def test_2_an_upgrade_with_unreported_results_keeps_everything(self):
        version, old, before = installed(), schema(), what_it_is()
        holds = machine.Holds()
        holds.set("online")
        machine.systemctl("restart", machine.AGENT)
        self.log.wait_state("idle")
        command = self.rest.add_command(self.device, {"cloudAccessKeyGeneration": {"secTag": 17}})
        machine.onboardctl("provision")
        # Executed and not reported, and the session is put away: there the new package comes.
        holds.wait("online")
        self.assertEqual(self.rest.command(self.device, command)["status"], "IN_PROGRESS")
        holds.lift("online")
        upgrade = self.watch(machine.begin_install("next/onboardd_*", "next/onboardctl_*"))
        self.log.wait("signal Terminated, stopping")
        holds.release_if_held("online.lifted")
        self.assertEqual(upgrade.wait(3 * LIMIT_S), 0, upgrade.output())
        # Whoever is stopped in the middle of a cycle ends its session.
        self.log.wait(OLD_STATE="booting")
        self.log.wait(r"new=fetching .*results acknowledged")
        self.log.wait_state("idle")

        self.assertNotEqual(installed(), version)
        self.assertEqual(schema(), old + 1)
        self.assertEqual(self.rest.command(self.device, command)["status"], "SUCCEEDED")
        identity, credentials = what_it_is()
        self.assertEqual(identity, before[0])
        self.assertEqual([c for c in credentials if c["tag"] != 17], before[1])
        self.assertEqual({c["tag"] for c in credentials} - {c["tag"] for c in before[1]}, {17})
        self.assertEqual(machine.status()["cloud"], "validated")
        self.assertNotIn("unclaimed", [e.get("STATE") for e in machine.entries(f"_PID={machine.show(machine.AGENT, 'MainPID')}")])

    def test_3_an_idle_devices_session_outlives_the_restart(self):
        packets = machine.capture()
        self.assertEqual(machine.install("next/onboardd_*")[0], 0)
        self.log.wait_resumed()
        self.log.wait_state("idle")
        stats = machine.status()["provisioning"]
        self.assertEqual((stats["handshakes_full"], stats["handshakes_abbreviated"], stats["resumes"]), (0, 0, 1))
        # Its first login to the cloud.
        self.assertLessEqual(len(machine.ports_of_handshakes(packets.close())), 1)

    def test_4_the_package_before_does_not_install_itself_over_a_store_that_it_cannot_open(self):
        version = installed()
        status, said = machine.install("onboardd_*", "onboardctl_*")
        self.assertNotEqual(status, 0)
        self.assertIn(f"store.db has schema {schema()}", said)
        # dpkg goes back to the newer one, which restarts it as an upgrade does.
        self.assertEqual(installed(), version)
        self.log.wait_resumed()
        self.log.wait_state("idle")
        self.assertEqual(machine.install("next/onboardctl_*")[0], 0)

    def test_5_a_program_of_before_refuses_the_store_once_and_leaves_it_as_it_is(self):
        # As a machine does that returns to an older image of its system.
        machine.systemctl("stop", machine.AGENT)
        before = files()
        run(["sh", "-c", "dpkg-deb --fsys-tarfile /packages/onboardd_*.deb | tar -xO ./usr/sbin/onboardd >/usr/sbin/onboardd"])
        machine.systemctl("start", machine.AGENT, expect=1)
        entry = self.log.wait("has schema")
        self.assertEqual(entry["PRIORITY"], "3")
        self.log.wait("Failed with result 'exit-code'")
        self.assertEqual((machine.show(machine.AGENT, "ActiveState"), machine.show(machine.AGENT, "NRestarts")), ("failed", "0"))
        said = finish(["systemctl", "status", "-l", "--no-pager", machine.AGENT]).stdout
        print(said)
        self.assertIn(f"has schema {schema()}, this program knows up to {schema() - 1}", said)
        self.assertEqual(files(), before)
        # Forward again, which is all that it takes.
        self.assertEqual(machine.install("next/onboardd_*")[0], 0)
        self.log.wait_state("idle")
        self.assertEqual(machine.status()["cloud"], "validated")

    def test_6_removed_it_is_gone_and_installed_again_it_is_the_same_device(self):
        before = what_it_is()
        run(["dpkg", "-r", "onboardd"])
        self.assertEqual(machine.show(machine.AGENT, "ActiveState"), "inactive")
        self.assertTrue(os.path.exists(f"{machine.STATE}/store.db"))
        self.assertEqual(machine.install("next/onboardd_*")[0], 0)
        machine.systemctl("start", machine.AGENT)
        self.log.wait_state("idle")
        self.assertEqual(what_it_is(), before)

    def test_7_the_service_is_upgraded_and_knows_its_devices(self):
        version = installed("onboard-service")
        self.assertEqual(machine.install("next/onboard-service_*")[0], 0)
        self.assertNotEqual(installed("onboard-service"), version)
        self.assertEqual(machine.show(machine.SERVICE, "ActiveState"), "active")
        machine.onboardctl("provision", "--wait", "--timeout", "60")
        self.assertEqual(machine.status()["cloud"], "validated")

    def test_8_purged_it_leaves_nothing_of_the_device(self):
        process = machine.show(machine.AGENT, "MainPID")
        run(["dpkg", "-P", "onboardd"])
        for path in (machine.STATE, "/run/onboardd", "/etc/systemd/system/multi-user.target.wants/onboardd.service"):
            self.assertFalse(os.path.lexists(path), path)
        self.assertFalse(os.path.exists(f"/proc/{process}"))
        run(["dpkg", "-P", "onboard-service"])
        self.assertFalse(os.path.exists("/var/lib/onboard-service"))


if __name__ == "__main__":
    case.main(failfast=True)
