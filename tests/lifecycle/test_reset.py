# SPDX-License-Identifier: Apache-2.0
"""A device that is to forget: what is gone, what stays, and that no byte of it is left."""

import base64
import grp
import json
import os
import pty
import re
import signal
import subprocess
import time
import unittest

from harness import agent, case
from harness.process import LIMIT_S, command, finish, program
from harness.token import SoftHsm
from owned import CLOUD_TAG, EXPORT, Owned

IDENTITY_TAG = 4294967294
PRIVATE_KEY = 2
NOBODY = 65534


class Base(Owned):
    def onboard(self, **hooks):
        """Claimed, with a key for the cloud that is exported to an application."""
        os.mkdir(self.path("exported"))
        self.exported = self.path("exported", "app")
        self.device.set(EXPORT, directory=self.exported, ca="", certificate="",
                        hook_command=self.script("told", f'ls "$ONBOARD_EXPORT_DIRECTORY" >>{self.path("told-of")} 2>&1'))
        if hooks:
            self.device.set("hooks", **hooks)
        self.claim()
        self.device.once(expect=agent.EXIT_DONE)
        self.assertEqual(self.lines("told-of"), ["key.pem"])
        with open(os.path.join(self.exported, "key.pem"), "rb") as f:
            exported = f.read()
        with open(os.path.join(self.device.state, "seal.key"), "rb") as f:
            sealing = f.read()
        der = base64.b64decode(b"".join(exported.splitlines()[1:-1]))
        self.old = {"exported file": exported, "line of it": exported.splitlines()[1], "key": der,
                    "middle of the key": der[40:72], "sealing key": sealing,
                    "key as the store has it": self.unsealed(CLOUD_TAG, PRIVATE_KEY)}

    def assert_no_remains(self):
        for path, content in self.state_bytes().items():
            for what, secret in self.old.items():
                self.assertNotIn(secret, content, f"{what} in {path}")

    def receipt(self):
        return json.loads(self.ctl("reset", "--receipt", "--json"))


class Forgets(Base):
    def test_credentials_are_gone_from_everywhere_and_the_device_stays_its_owners(self):
        self.onboard()
        self.start()
        before = int(time.time())
        text = self.ctl("reset", "--credentials", "--yes")
        self.assertRegex(text, rf"(?m)^Credential: +tag {CLOUD_TAG}, type 2 removed$")
        self.assertRegex(text, r"(?m)^Files: +wiped$")
        self.assertRegex(text, r"(?m)^Sealing key: +a new one")
        self.assertFalse(os.path.exists(self.exported))
        self.assert_no_remains()
        receipt = self.receipt()
        self.assertEqual(receipt["parts"], ["credentials"])
        self.assertEqual(receipt["device"], self.device.uuid)
        self.assertIn({"tag": CLOUD_TAG, "type": PRIVATE_KEY}, receipt["credentials"])
        self.assertEqual([(e["name"], e["removed"], e["error"]) for e in receipt["exports"]], [("app", True, "")])
        self.assertTrue(before <= receipt["when"] <= time.time())
        self.assertTrue(receipt["wiped"] and receipt["sealed_anew"] and receipt["clock_good"])
        self.assertRegex(self.daemon.output(), r"reset id=[0-9a-f]{16} network=no credentials=yes identity=no")
        # It is known by the service, still claimed, and gets new commands.
        self.ctl("status", "--wait", "backing-off", "--timeout", "60")
        self.assertEqual(self.status()["outcome"], "no-credentials")
        self.assertEqual(self.status()["claimed"], "yes")
        self.assertNotIn(CLOUD_TAG, self.tags())
        self.add_keygen()
        self.ctl("provision", "--wait", "--timeout", "60")
        self.assertIn(CLOUD_TAG, self.tags())
        self.assertEqual(sorted(os.listdir(self.exported)), [".onboardd", "key.pem"])
        self.assert_no_remains()
        # The hook told of the first key, of its end, and of the second.
        told = self.lines("told-of")
        self.assertEqual((told[0], told[-1]), ("key.pem", "key.pem"))
        self.assertIn("No such file or directory", told[1])

    def test_the_receipt_is_kept_over_a_restart_and_the_files_stay_clean(self):
        self.onboard()
        self.start()
        self.ctl("reset", "--credentials", "--network", "--yes")
        receipt = self.receipt()
        self.assertEqual(receipt["parts"], ["network", "credentials"])
        self.restart(until="old=booting")
        self.assertEqual(self.receipt(), receipt)
        self.assertIn("Reset:", self.ctl("reset", "--receipt"))
        self.daemon.end()
        self.assert_no_remains()

    def test_with_its_identity_it_is_another_device(self):
        self.onboard()
        self.old["identity key"] = self.unsealed(IDENTITY_TAG, PRIVATE_KEY)
        self.start()
        self.assertIn("Import its new identity", self.ctl("reset", "--identity", "--yes"))
        self.daemon.wait_line("old=authenticating new=(failed|backing-off)")
        status = self.status()
        self.assertEqual(status["outcome"], "rejected")
        self.assertNotEqual(status["uuid"], self.device.uuid)
        self.assertEqual(self.receipt()["device"], self.device.uuid)
        self.assert_no_remains()
        row = self.ctl("identity", "export")
        self.service.import_identity(row)
        self.ctl("provision", "--wait", expect=agent.EXIT_UNCLAIMED)
        self.assertEqual(self.status()["claimed"], "no")
        # Who it was is still its owner's, until the operator of the service ends that.
        done = self.remove_identity(self.device.uuid)
        self.assertEqual(done.returncode, agent.EXIT_FAILED)
        self.assertIn("is claimed by the team", done.stderr)
        self.assertEqual(self.remove_identity(self.device.uuid, "--unclaim").returncode, 0)
        self.assertEqual(self.rest.call("GET", f"/claimed-devices/{self.device.uuid}")[0], 404)
        self.assertIn("knows no such device", self.remove_identity(self.device.uuid).stderr)

    def remove_identity(self, uuid, *options):
        return finish([self.service.binary, "identity", "remove", "--state", self.service.state, *options, uuid])

    def test_an_export_with_foreign_files_loses_only_ours_and_that_is_told(self):
        self.onboard()
        os.chmod(self.exported, 0o755)
        with open(os.path.join(self.exported, "notes"), "w", encoding="ascii") as f:
            f.write("mine\n")
        self.start()
        text = self.ctl("reset", "--credentials", "--yes", expect=agent.EXIT_FAILED)
        self.assertIn("only its own files were removed", " ".join(text.split()))
        self.assertEqual(os.listdir(self.exported), ["notes"])
        self.assert_no_remains()


class AtSafeMoments(Base):
    def setUp(self):
        super().setUp()
        os.mkfifo(self.path("down"))
        os.mkfifo(self.path("go-on"))

    def begin_batch(self):
        """The daemon has fetched a new key's command, and waits for the link to go down."""
        self.onboard(offline=self.script("offline"), timeout="5min")
        self.commands = self.add_keygen()
        self.device.set("hooks", offline=self.script("offline", f"echo down >{self.path('down')}",
                                                     f"read x <{self.path('go-on')}"))
        self.start(until=None)
        with open(self.path("down"), encoding="ascii") as f:
            self.assertEqual(f.read(), "down\n")

    def ask(self):
        ctl = self.begin_ctl("reset", "--credentials", "--yes", "--json", "--timeout", "60")
        ctl.wait_line("Commands are being executed; the reset follows them")
        return ctl

    def test_a_batch_that_has_begun_is_finished_and_reported_first(self):
        self.begin_batch()
        ctl = self.ask()
        self.assertNotIn("reset: begins now", self.daemon.output())
        with open(self.path("go-on"), "w", encoding="ascii") as f:
            f.write("\n")
        self.assertEqual(ctl.wait(), 0, ctl.output())
        for name in self.commands:
            self.assertEqual(self.rest.command(self.device.uuid, name)["status"], "SUCCEEDED")
        receipt = json.loads("\n".join(ctl.texts()))
        self.assertEqual((receipt["results"], receipt["wiped"]), (0, True))
        self.assertNotIn(CLOUD_TAG, self.tags())
        self.assert_no_remains()

    def test_a_device_that_loses_power_after_it_was_asked_completes_it_at_its_next_start(self):
        self.begin_batch()
        ctl = self.ask()
        self.daemon.end(signal.SIGKILL)
        ctl.end()
        self.device.set("hooks", offline="")
        self.start(until="state old=booting")
        log = self.daemon.output()
        self.assertLess(log.index("reset id="), log.index("state old=booting"))
        self.assertTrue(self.receipt()["wiped"])
        self.assertFalse(os.path.exists(self.exported))
        self.assert_no_remains()
        # The batch that never was executed is now.
        self.daemon.wait_line("new=idle")
        self.assertEqual(self.rest.command(self.device.uuid, self.commands[0])["status"], "SUCCEEDED")


class InToken(Owned):
    """The cloud's key lives in a token, which also wraps the sealing key."""

    def setUp(self):
        super().setUp()
        self.token = SoftHsm(self)
        self.device.env = self.token.env
        self.device.set("token", **self.token.config()["token"])
        self.device.set("cloud", key=self.token.uri)
        self.device.set("sealing", key=self.token.uri)
        self.claim()

    def wrapped(self):
        with open(os.path.join(self.device.state, "seal.wrapped"), "rb") as f:
            return f.read()

    def test_the_key_leaves_the_token_and_the_store_gets_another_wrapped_key(self):
        self.start()
        label = f"onboardd {self.device.uuid} {CLOUD_TAG}"
        self.assertIn(label, self.token.labels())
        before = self.wrapped()
        self.assertRegex(self.ctl("reset", "--credentials", "--yes"), r"Sealing key: +a new one")
        self.daemon.wait_line("token keys-destroyed=1")
        self.assertNotIn(label, self.token.labels())
        self.assertNotEqual(self.wrapped(), before)
        for path, content in self.state_bytes().items():
            self.assertNotIn(before, content, path)
        self.restart(until="state old=booting")
        self.assertEqual(self.status()["uuid"], self.device.uuid)


class WithWifi(Owned):
    def test_networks_are_forgotten_where_wifi_is_on_and_no_radio_is_there(self):
        self.device.set("wifi", enable="yes")
        self.claim()
        self.start()
        keys = self.tags()
        self.assertRegex(self.ctl("reset", "--network", "--yes"), r"Part: +network")
        self.assertEqual(self.tags(), keys)


class Asks(Base):
    def setUp(self):
        super().setUp()
        self.claim()

    def typed(self, answer, expect):
        """onboardctl at a terminal at which somebody types: what it said."""
        master, slave = pty.openpty()
        process = subprocess.Popen(command([program("onboardctl"), "reset", "--credentials"]), stdin=slave, stdout=slave,
                                   stderr=slave, env={**os.environ, **self.bus.env})
        os.close(slave)
        said = b""
        try:
            while b"to go on: " not in said:
                said += os.read(master, 4096)
            os.write(master, answer.encode() + b"\n")
            while True:
                said += os.read(master, 4096)
        except OSError:
            pass  # the end of the terminal
        finally:
            os.close(master)
        self.assertEqual(process.wait(LIMIT_S), expect, said)
        return said.decode()

    def test_it_is_done_when_the_word_is_typed(self):
        self.start()
        self.assertIn("Nothing was changed.", self.typed("yes", agent.EXIT_FAILED))
        self.assertIn(CLOUD_TAG, self.tags())
        self.assertIn("wiped", self.typed("reset", agent.EXIT_DONE))
        self.assertNotIn(CLOUD_TAG, self.tags())

    def test_without_a_terminal_and_without_yes_nothing_happens(self):
        self.start()
        self.assertIn("nobody can be asked here", self.ctl("reset", "--credentials", expect=agent.EXIT_FAILED))
        self.assertIn("was not reset yet", self.ctl("reset", "--receipt", expect=agent.EXIT_FAILED))
        self.assertIn(CLOUD_TAG, self.tags())

    def test_what_it_does_not_understand_it_refuses(self):
        self.start()
        self.ctl("reset", expect=agent.EXIT_USAGE)
        self.ctl("reset", "--receipt", "--yes", expect=agent.EXIT_USAGE)
        self.ctl("reset", "--network", "more", expect=agent.EXIT_USAGE)
        for parts in (["0"], ["1", "all"], ["2", "network", ""]):
            done = finish(["busctl", f"--address={self.bus.address}", "call", "org.onboardd", "/org/onboardd",
                           "org.onboardd.Reset1", "Reset", "as", *parts])
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("the parts of a reset are", done.stderr)
        self.assertIn(CLOUD_TAG, self.tags())

    def test_an_identity_of_the_factory_is_refused_before_anything_happens(self):
        with open(self.path("key.der"), "wb") as f:
            f.write(self.unsealed(IDENTITY_TAG, PRIVATE_KEY))
        self.device.set("identity", key_file=self.path("key.der"))
        self.start()
        text = self.ctl("reset", "--identity", "--yes", expect=agent.EXIT_IDENTITY)
        self.assertIn("a file of the factory", text)
        self.assertIn(CLOUD_TAG, self.tags())


def policy_of_the_package():
    """With a group that every system has in place of ours."""
    with open(os.path.join(os.environ["ONBOARD_SOURCE_DIR"], "packaging/dbus/org.onboardd.conf"), encoding="utf-8") as f:
        text = f.read()
    policies = re.sub(r'<policy user="onboardd">.*?</policy>', "", text[text.index("<policy"):text.index("</busconfig>")],
                      flags=re.S)
    return '<policy context="default"><allow user="*"/></policy>' + policies.replace('group="onboardd"', 'group="daemon"')


@unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
class Privileged(Owned):
    def begin(self):
        os.chmod(self.directory, 0o755)
        self.claim()
        self.start()

    def call(self, group, interface, method, *arguments):
        """(whether somebody of this group was let in, what was said)"""
        gid = grp.getgrnam(group).gr_gid
        done = finish(["setpriv", f"--reuid={NOBODY}", f"--regid={gid}", "--clear-groups", "busctl",
                       f"--address={self.bus.address}", "call", "org.onboardd", "/org/onboardd", interface, method,
                       *arguments])
        return done.returncode == 0, done.stdout + done.stderr

    def reset(self, group):
        return self.call(group, "org.onboardd.Reset1", "Reset", "as", "1", "credentials")


class PrivilegedByPolicy(Privileged):
    bus_policy = policy_of_the_package()

    def test_members_of_the_group_may_read_the_receipt_and_only_root_may_reset(self):
        self.begin()
        self.assertEqual(self.call("daemon", "org.onboardd.Reset1", "Receipt"), (True, 's ""\n'))
        self.assertTrue(self.call("daemon", "org.onboardd.Agent1", "Status")[0])
        self.assertFalse(self.call("nogroup", "org.onboardd.Reset1", "Receipt")[0])
        for group in ("daemon", "nogroup"):
            let_in, said = self.reset(group)
            self.assertFalse(let_in)
            self.assertRegex(said, "(?i)access|sender is not authorized")
        self.assertIn(CLOUD_TAG, self.tags())
        self.ctl("reset", "--credentials", "--yes")
        self.assertNotIn(CLOUD_TAG, self.tags())


class PrivilegedWithoutPolicy(Privileged):
    bus_policy = '<policy context="default"><allow user="*"/></policy>'

    def test_a_bus_that_lets_everybody_through_does_not_let_them_reset(self):
        self.begin()
        let_in, said = self.reset("nogroup")
        self.assertFalse(let_in)
        self.assertRegex(said, "(?i)access")
        self.assertIn(CLOUD_TAG, self.tags())


class Released(Owned):
    def released(self):
        self.ctl("provision", "--wait", expect=agent.EXIT_UNCLAIMED)
        return self.status()

    def test_a_device_that_its_owner_released_says_so_and_keeps_what_it_has_until_told(self):
        self.claim()
        self.start()
        keys = self.tags()
        self.rest.unclaim(self.device.uuid)
        self.service.stop()
        self.service.start()
        status = self.released()
        self.assertEqual((status["claimed"], status["outcome"]), ("released", "unclaimed"))
        self.assertIn("its owner released it", status["reason"])
        self.assertIn("onboardctl reset --credentials", status["reason"])
        self.assertEqual(self.tags(), keys)
        self.assertEqual(self.daemon.output().count("claim event=released"), 1)
        # It remembers.
        self.restart(until="new=unclaimed")
        self.assertEqual(self.status()["claimed"], "released")
        self.assertEqual(self.tags(), keys)
        # Told to forget, it is as one that nobody has claimed yet.
        self.ctl("reset", "--credentials", "--yes")
        self.ctl("status", "--wait", "unclaimed", "--timeout", "60")
        self.assertEqual(self.status()["claimed"], "no")
        self.assertNotIn(CLOUD_TAG, self.tags())

    def test_the_next_owner_replaces_what_it_has(self):
        self.claim()
        self.start()
        before = json.loads(self.ctl("credentials", "list", "--json"))
        self.rest.unclaim(self.device.uuid)
        self.service.stop()
        self.service.start()
        status = self.released()
        self.rest.claim(status["claim_token"], ["nrf-cloud-onboarding"])
        self.ctl("status", "--wait", "idle", "--timeout", "60")
        self.assertEqual(self.status()["claimed"], "yes")
        self.assertNotEqual(json.loads(self.ctl("credentials", "list", "--json")), before)


if __name__ == "__main__":
    case.main()
