# SPDX-License-Identifier: Apache-2.0
"""The first boot of an installed device: nobody logs in, its owner claims it from elsewhere, and the journal tells of it.
Then the second one."""

import base64
import re
import ssl
import urllib.request

from harness.process import finish, run
from lab.guest.case import Case

from vm import boots, machine

# Asking again whether somebody has claimed it is told of when the answer is another one.
WAY = ["waiting-for-network", "waiting-for-time", "connecting", "authenticating", "unclaimed", "fetching", "suspending",
       "executing", "resuming", "reporting", "fetching", "validating", "idle"]


def tell(unit):
    """What a person reads, for a person who reads the test's output."""
    for line in run(["journalctl", "-b", "-q", "-o", "short-monotonic", "--no-hostname", "--no-pager", "-u", unit]).splitlines():
        print(line if len(line) < 240 else line[:240] + " ...")


class FirstBoot(Case):
    """Told in the order of the names."""

    end = "reboot"

    def test_1_nobody_logs_in_and_the_device_gets_to_validated_cloud_access(self):
        log = machine.Log(self, whole=True)
        machine.owner().claim(machine.shown_token(log), [machine.TAG])
        log.wait_state("idle")
        self.assertEqual(machine.status()["cloud"], "validated")

    def test_2_the_system_runs_and_no_unit_has_failed(self):
        self.assertEqual(machine.wait_running(), "running", machine.systemctl("--failed"))
        self.assertEqual(machine.systemctl("--failed", "--plain", "--no-legend").strip(), "")
        for unit in (machine.AGENT, machine.SERVICE):
            self.assertEqual(machine.show(unit, "ActiveState"), "active")
            self.assertEqual(machine.show(unit, "NRestarts"), "0")
            self.assertEqual(machine.show(unit, "WatchdogUSec"), "1min")
        self.assertEqual(machine.show(machine.AGENT, "StatusText"), "idle: authenticated, shadow read and reported")

    def test_3_the_journal_tells_each_step_in_order(self):
        tell(machine.AGENT)
        tell(machine.SERVICE)
        moves = [e for e in machine.entries() if "STATE" in e]
        self.assertEqual([e["STATE"] for e in moves], WAY)
        for move in moves:
            self.assertRegex(move["MESSAGE_ID"], "^[0-9a-f]{32}$")
            self.assertEqual((move["_SYSTEMD_UNIT"], move["_COMM"]), (machine.AGENT, "onboardd"))
            self.assertIn(f"new={move['STATE']} trace={move['TRACE']}", move["MESSAGE"])
        self.assertEqual(moves[-1]["OUTCOME"], "ok")
        # One trace from the first step to the last, and the service has the same.
        self.assertEqual(len({e["TRACE"] for e in moves}), 1)
        self.assertIn(f"trace={moves[0]['TRACE']}", "\n".join(e["MESSAGE"] for e in machine.entries(unit=machine.SERVICE)))

    def test_4_the_journal_warns_of_nothing(self):
        for unit in (machine.AGENT, machine.SERVICE, "init.scope", "apparmor.service", "dbus.service"):
            bad = [e["MESSAGE"] for e in machine.entries("PRIORITY=0", "PRIORITY=1", "PRIORITY=2", "PRIORITY=3", "PRIORITY=4", unit=unit)]
            self.assertEqual([text for text in bad if "onboard" in text or unit in (machine.AGENT, machine.SERVICE)], [])
        denied = finish(["journalctl", "-b", "-q", "-k", "--no-pager", "-o", "cat", "-g", "apparmor=.DENIED"]).stdout
        self.assertEqual(denied, "", denied)

    def test_5_the_journal_explains_itself(self):
        text = run(["journalctl", "-b", "-x", "--no-pager", "-u", machine.AGENT])
        for subject in ("This device belongs to nobody yet", "The cycle is done"):
            self.assertIn(f"Subject: {subject}", text)

    def test_6_the_journal_holds_no_secret(self):
        text = run(["journalctl", "-b", "-q", "--all", "--no-pager", "-o", "cat"])
        with open(f"{machine.STATE}/seal.key", "rb") as f:
            seal = f.read()
        self.assertEqual(len(seal), 32)
        for secret in (seal.hex(), seal.hex().upper(), base64.b64encode(seal).decode(), machine.read("/root/api-key").strip()):
            self.assertNotIn(secret, text)
        self.assertNotIn("PRIVATE KEY", text)
        # The claim token is what this device shows to whoever stands before it; no other token is in there.
        self.assertEqual(len(set(re.findall(r"(?m)^\S*eyJ\S+$|^\S{60,}\.\S{60,}$", text))), 1)

    def test_7_the_service_is_healthy_and_restarts_gracefully(self):
        context = ssl.create_default_context(cafile="/etc/onboardd/root-ca.pem")
        for place in ("live", "ready"):
            with urllib.request.urlopen(f"https://{machine.SERVER}:8443/health/{place}", context=context) as answer:
                self.assertEqual(answer.status, 200)
        before = machine.show(machine.SERVICE, "MainPID")
        machine.systemctl("restart", machine.SERVICE)
        self.assertNotEqual(machine.show(machine.SERVICE, "MainPID"), before)
        self.assertEqual(machine.show(machine.SERVICE, "NRestarts"), "0")
        # A session that the service has forgotten is no obstacle.
        machine.onboardctl("provision", "--wait", "--timeout", "60")
        self.assertEqual(machine.status()["cloud"], "validated")
        self.assertNotIn("Failed with result", "\n".join(
            e["MESSAGE"] for e in machine.entries(unit=machine.SERVICE)))


class SecondBoot(Case):
    def test_1_the_device_is_the_same_and_nobody_is_asked(self):
        log = machine.Log(self, whole=True)
        log.wait_state("idle")
        tell(machine.AGENT)
        self.assertEqual(machine.status()["cloud"], "validated")
        self.assertNotIn("unclaimed", [e.get("STATE") for e in machine.entries()])
        self.assertEqual(machine.wait_running(), "running", machine.systemctl("--failed"))


if __name__ == "__main__":
    boots.main(FirstBoot, SecondBoot)
