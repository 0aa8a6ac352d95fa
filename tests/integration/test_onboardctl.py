# SPDX-License-Identifier: Apache-2.0
"""onboardctl against the real onboardd and onboard-service on a private bus, and the D-Bus API itself."""

import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from harness import case
from harness.agent import Agent
from harness.bus import Bus
from harness.process import Process, finish, program, run
from harness.service import Service

SOURCE = os.environ["ONBOARD_SOURCE_DIR"]
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TOKEN = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
CLOUD_TAG = 16842753


class Base(case.Case):
    def setUp(self):
        super().setUp()
        self.bus = Bus(self)

    def ctl(self, *arguments, expect=0, stdin_text="", env=None):
        """(standard output, standard error) of onboardctl."""
        done = finish([program("onboardctl"), *arguments], env={**self.bus.env, **(env or {})},
                      stdin_text=stdin_text)
        self.assertEqual(done.returncode, expect,
                         f"onboardctl {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.stderr

    def status(self):
        return json.loads(self.ctl("status", "--json")[0])

    def start(self, claimed=False, end="idle", **sections):
        """Service and agent; the agent has reached `unclaimed` or `end`."""
        self.service = Service(self, self.pki()).start()
        self.agent = Agent(self, self.service.coap_port, self.pki().root, **sections)
        self.service.import_identity(self.agent.init())
        self.key_file = self.path("api-key")
        with open(self.key_file, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(self.service.rest.api_key + "\n")
        self.start_agent()
        self.ctl("status", "--wait", "unclaimed", "--timeout", "60")
        if claimed:
            self.claim(self.ctl("token", "--raw")[0].strip())
            self.ctl("status", "--wait", end, "--timeout", "60")

    def start_agent(self):
        self.daemon = self.agent.start_daemon(env=self.bus.env)
        self.daemon.wait_line(r"state old=booting")

    def claim(self, *token, expect=0, stdin_text=""):
        return self.ctl("claim", "--server", f"http://127.0.0.1:{self.service.rest_port}/v1",
                        "--api-key-file", self.key_file, "--tag", "nrf-cloud-onboarding", *token,
                        expect=expect, stdin_text=stdin_text)

    def monitor_bus(self):
        """Signals of onboardd as they cross the bus, one JSON line each."""
        return self.bus.monitor("type='signal',path='/org/onboardd'")


class Verbs(Base):
    def test_a_device_is_onboarded_with_onboardctl_alone(self):
        self.start()
        # What polls for an owner is asking now and then, perhaps in this moment.
        text = self.ctl("status")[0]
        self.assertRegex(text, r"(?m)^State: +(unclaimed|connecting|authenticating)$")
        self.assertRegex(text, r"(?m)^Outcome: +unclaimed$")
        self.assertRegex(text, r"(?m)^Claimed: +no$")
        self.assertRegex(text, rf"(?m)^Device: +{self.agent.uuid} \(onboardd\)$")
        self.assertIn("onboardctl token --qr", text)

        token = self.ctl("token", "--raw")[0]
        self.assertRegex(token, rf"^{TOKEN}\n$")
        self.assertEqual(self.claim("-", stdin_text=token)[0], f"claimed {self.agent.uuid}\n")
        text = self.ctl("status", "--wait", "idle", "--timeout", "60")[0]
        self.assertRegex(text, r"(?m)^Cloud: +validated$")
        status = self.status()
        self.assertEqual([status[k] for k in ("state", "claimed", "cloud", "claim_token")],
                         ["idle", "yes", "validated", ""])
        self.assertEqual(status["pending_results"], 0)

        credentials = json.loads(self.ctl("credentials", "list", "--json")[0])
        self.assertIn((CLOUD_TAG, 2, "private-key"),
                      [(c["tag"], c["type"], c["type_name"]) for c in credentials])
        for c in credentials:
            self.assertRegex(c["sha256"], "^[0-9a-f]{64}$")
        table = self.ctl("credentials")[0].splitlines()
        self.assertEqual(len(table), len(credentials) + 1)
        self.assertTrue(all(len(line) <= 80 for line in table))

    def test_provision_wait_shows_its_own_cycle_and_ends_with_it(self):
        self.start(claimed=True)
        before = self.status()["cycles"]
        text = self.ctl("provision", "--wait", "--timeout", "60")[0]
        self.assertRegex(text, r"idle -> waiting-for-network")
        self.assertRegex(text, r"-> idle")
        self.assertRegex(text, r"(?m)^Outcome: ")
        self.assertEqual(self.status()["cycles"], before + 1)

    def test_provision_wait_goes_on_while_the_cloud_is_tried_again(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
        self.start(claimed=True, end="degraded",
                   cloud={"server": "localhost", "address": "127.0.0.1", "port": port,
                          "retry_first": "10ms", "retry_max": "1h", "attempts": 3})
        text = self.ctl("provision", "--wait", "--timeout", "60", expect=4)[0]
        self.assertEqual(text.count("validating -> waiting-to-validate"), 2)
        self.assertIn("validating -> degraded", text)

    def test_provision_wait_tells_an_unclaimed_device_by_its_exit_code(self):
        self.start()
        self.ctl("provision", "--wait", "--timeout", "60", expect=5)

    def test_provision_wait_gives_up_when_the_daemon_ends(self):
        self.start(claimed=True)
        self.service.stop(goodbye=False)
        waiting = self.watch(Process([program("onboardctl"), "provision", "--wait"],
                                     env=self.bus.env))
        waiting.wait_line("-> waiting-for-network")
        self.daemon.end()
        self.assertEqual(waiting.wait(), 1)
        waiting.wait_for(lambda lines: any("ended before" in t for _, t in lines), "the reason")

    def test_status_wait_ends_at_its_limit_and_shows_where_it_stands(self):
        self.start()
        out, err = self.ctl("status", "--wait", "idle", "--timeout", "100ms", expect=3)
        self.assertRegex(out, r"(?m)^State: +(unclaimed|authenticating)$")
        self.assertIn("did not become idle", err)

    def test_status_wait_gives_up_when_the_daemon_ends(self):
        self.start()
        waiting = self.watch(Process([program("onboardctl"), "status", "--wait", "degraded"],
                                     env=self.bus.env))
        # It listens once the bus holds its rule for the owner of the name.
        watch = "member='NameOwnerChanged',arg0='org.onboardd'"
        for _ in range(1000):
            if watch in self.match_rules():
                break
        self.daemon.end()
        self.assertEqual(waiting.wait(), 1)

    def match_rules(self):
        return run(["busctl", f"--address={self.bus.address}", "call", "org.freedesktop.DBus",
                    "/org/freedesktop/DBus", "org.freedesktop.DBus.Debug.Stats",
                    "GetAllMatchRules"]).replace("\\", "").replace('"', "")

    def test_status_of_a_state_that_is_reached_already_does_not_wait(self):
        self.start()
        self.ctl("status", "--wait", "unclaimed")

    def test_a_token_claims_from_argument_and_file_but_only_once(self):
        self.start()
        token = self.ctl("token", "--raw")[0].strip()
        token_file = self.path("token")
        with open(token_file, "w", encoding="ascii") as f:
            f.write(token + "\n\n")
        self.assertEqual(self.claim("--token-file", token_file)[0],
                         f"claimed {self.agent.uuid}\n")
        self.ctl("status", "--wait", "idle", "--timeout", "60")
        _, err = self.ctl("token")
        self.assertIn("has an owner already", err)

    def test_claim_refusals_and_errors_have_their_exit_codes(self):
        self.start()
        token = self.ctl("token", "--raw")[0].strip()
        _, err = self.claim("not-a-token", expect=64)
        self.assertIn("not a claim token", err)
        self.claim("a.b", expect=1)
        bad_key = self.path("bad-key")
        with open(bad_key, "w", encoding="ascii") as f:
            f.write("wrong\n")
        _, err = self.ctl("claim", "--server", f"http://127.0.0.1:{self.service.rest_port}/v1",
                          "--api-key-file", bad_key, token, expect=1)
        self.assertIn("401", err)
        self.assertIn("chmod 600", err)
        self.service.stop()
        self.claim(token, expect=4)
        _, err = self.ctl("claim", "--server", "https://localhost/v1", "--api-key-file",
                          self.path("none"), token, expect=1)
        self.assertIn("No such file", err)

    def test_the_token_is_shown_as_a_qr_code(self):
        self.start()
        lines = self.ctl("token", "--qr")[0].splitlines()
        self.assertRegex(lines[-1], f"^{TOKEN}$")
        code = lines[:lines.index("")]
        self.assertGreater(len(code), 20)
        self.assertEqual(len({len(line) for line in code}), 1)
        self.assertLessEqual(set("".join(code)), set("\u2588\u2580\u2584 "))

    def test_identity_is_shown_and_exported_as_the_import_takes_it(self):
        self.start()
        row = self.ctl("identity", "export")[0]
        self.assertRegex(row, rf"^{UUID},onboardd,[A-Za-z0-9+/]+=*\n$")
        self.assertEqual(row.split(",")[0], self.agent.uuid)
        self.service.import_identity(row)
        text = self.ctl("identity")[0]
        self.assertRegex(text, rf"(?m)^Name: +onboardd\.{self.agent.uuid}$")
        self.assertIn(row.strip().split(",")[2], "".join(text.split()))

    def test_monitor_tells_every_change_and_survives_a_restart(self):
        self.start()
        monitor = self.watch(Process([program("onboardctl"), "monitor", "--json"],
                                     env=self.bus.env))
        now = monitor.wait_json(lambda e: e["event"] == "now", "where it stands")
        self.assertEqual((now["state"], now["claimed"], now["outcome"]), ("unclaimed", "no", "unclaimed"))
        self.claim(self.ctl("token", "--raw")[0].strip())
        monitor.wait_json(lambda e: e.get("new") == "idle", "idle")
        events = monitor.json_lines()
        moves = [(e["old"], e["new"]) for e in events if e["event"] == "state"]
        for (_, to), (start, _) in zip(moves, moves[1:]):
            self.assertEqual(to, start)
        self.assertIn("report", [e["name"] for e in events if e["event"] == "step"])
        for event in events:
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.daemon.end()
        monitor.wait_json(lambda e: e["event"] == "ended", "the end of the daemon")
        self.start_agent()
        monitor.wait_json(lambda e: e["event"] == "started", "its start")

    def test_wifi_that_is_off_is_told_with_what_to_do(self):
        self.start()
        for arguments in (["status"], ["status", "--json"], ["scan"], ["connect", "home"],
                          ["forget"], ["advertise"], ["advertise", "5min"]):
            with self.subTest(arguments=arguments):
                out, err = self.ctl("wifi", *arguments, expect=1)
                self.assertEqual(out, "")
                self.assertIn("'enable = yes' in [wifi]", err)
        self.assertNotIn("Wi-Fi", self.ctl("status")[0])

    def test_version_is_told_with_and_without_the_daemon(self):
        self.assertRegex(self.ctl("version")[0], r"^onboardctl \S+\nonboardd is not running\n$")
        self.start()
        ours, theirs = self.ctl("--version")[0].splitlines()
        self.assertEqual(ours.split()[1], theirs.split()[1])


class WithoutDaemon(Base):
    def test_a_missing_daemon_is_told_with_what_to_do(self):
        for verb in (["status"], ["status", "--wait", "idle"], ["token"], ["provision"],
                     ["provision", "--wait"], ["credentials"], ["identity"],
                     ["credentials", "rollback", "1"],
                     ["wifi", "status"], ["wifi", "scan"], ["wifi", "connect", "home"],
                     ["wifi", "forget"], ["wifi", "advertise"]):
            with self.subTest(verb=verb):
                _, err = self.ctl(*verb, expect=1)
                self.assertIn("systemctl start onboardd", err)

    def test_configuring_others_needs_bluetooth_but_no_daemon(self):
        for arguments in (["--list"], ["--ssid", "home"], ["--forget", "--adapter", "hci0"]):
            with self.subTest(arguments=arguments):
                out, err = self.ctl("wifi", "configure", *arguments, expect=1)
                self.assertEqual(out, "")
                self.assertIn("Bluetooth does not run", err)

    def test_a_label_code_that_cannot_be_one_is_told_before_anything_else(self):
        label = self.path("label")
        with open(label, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("x" * 33 + "\n")
        _, err = self.ctl("wifi", "configure", "--list", "--label-file", label, expect=64)
        self.assertIn("1 to 32 characters", err)
        _, err = self.ctl("wifi", "configure", "--list", "--label-file", self.path("none"),
                          expect=1)
        self.assertIn("No such file", err)

    def test_a_missing_bus_is_told(self):
        _, err = self.ctl("status", expect=1,
                          env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"})
        self.assertIn("system bus", err)
        self.ctl("version", env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"})

    def test_wrong_usage_ends_with_64_and_says_why(self):
        for arguments in ([], ["nothing"], ["status", "x"], ["status", "--wait"],
                          ["status", "--wait", "nowhere"], ["status", "--timeout", "5"],
                          ["status", "--wait", "idle", "--timeout", "soon"], ["status", "--no"],
                          ["token", "--qr", "--raw"], ["token", "x"], ["provision", "x"],
                          ["provision", "--timeout", "5"], ["monitor", "x"], ["check", "x"],
                          ["check", "--config"], ["report", "x"], ["report", "--out"],
                          ["credentials", "remove"], ["credentials", "list", "x"],
                          ["credentials", "rollback"], ["credentials", "rollback", "x"],
                          ["credentials", "rollback", "1", "2"],
                          ["credentials", "rollback", "--no", "1"],
                          ["identity", "delete"], ["identity", "show", "x"], ["identity", "-x"],
                          ["wifi"], ["wifi", "dance"], ["wifi", "status", "x"],
                          ["wifi", "scan", "--no"], ["wifi", "connect"],
                          ["wifi", "connect", ""], ["wifi", "connect", "a" * 33],
                          ["wifi", "connect", "home", "secret"],
                          ["wifi", "connect", "home", "--auth", "wpa9"],
                          ["wifi", "connect", "home", "--bssid", "02:00"],
                          ["wifi", "connect", "home", "--timeout", "soon"],
                          ["wifi", "forget", "home"], ["wifi", "advertise", "soon"],
                          ["wifi", "advertise", "0"], ["wifi", "advertise", "5", "6"],
                          ["wifi", "configure"], ["wifi", "configure", "x"],
                          ["wifi", "configure", "--list", "--forget"],
                          ["wifi", "configure", "--list", "--ssid", "home"],
                          ["wifi", "configure", "--ssid", "home", "--timeout", "0"],
                          ["wifi", "configure", "--ssid", ""],
                          ["wifi", "configure", "--list", "--identity"],
                          ["wifi", "configure", "--identity", "--ssid", "home"],
                          ["wifi", "configure", "--forget", "--token"],
                          ["wifi", "configure", "--list", "--server", "https://h/v1", "--api-key-file", "k"],
                          ["wifi", "configure", "--identity", "--server", "https://h/v1"],
                          ["wifi", "configure", "--identity", "--api-key-file", "k"],
                          ["wifi", "configure", "--identity", "--tag", "t"],
                          ["wifi", "configure", "--identity", "--ca", "f"],
                          ["version", "x"], ["help", "nothing"], ["help", "status", "token"],
                          ["claim"], ["claim", "--server", "https://h/v1", "a.b"],
                          ["claim", "--server", "https://h/v1", "--api-key-file", "k"],
                          ["claim", "--server", "https://h/v1", "--api-key-file", "k",
                           "--token-file", "f", "a.b"],
                          ["claim", "--server", "https://h/v1", "--api-key-file", "k", "a.b",
                           "c.d"]):
            with self.subTest(arguments=arguments):
                out, err = self.ctl(*arguments, expect=64)
                self.assertEqual(out, "")
                self.assertNotEqual(err, "")

    def test_help_and_completion_know_every_verb_and_flag(self):
        text = self.ctl("help")[0]
        verbs = re.findall(r"(?m)^onboardctl ([a-z][a-z-]*)", text)
        with open(os.path.join(SOURCE, "agent", "cli", "main.c"), encoding="utf-8") as f:
            self.assertEqual(verbs, re.findall(r'(?m)^\t\{"([a-z-]+)", verb_', f.read()))
        offered = self.complete("onboardctl", "")
        self.assertEqual(set(verbs), {w for w in offered if not w.startswith("-")})
        for verb in verbs:
            with self.subTest(verb=verb):
                helped = self.ctl("help", verb)[0]
                self.assertEqual(helped, self.ctl(verb, "--help")[0])
                flags = set(re.findall(r"--[a-z][a-z-]*", helped)) - {"--version"} | {"--help"}
                words = set(self.complete("onboardctl", verb, ""))
                if verb == "wifi":
                    for below in re.search(r"{(.*)}", helped).group(1).split(" | "):
                        self.assertIn(below, words)
                        words |= set(self.complete("onboardctl", verb, below, ""))
                self.assertEqual({w for w in words if w.startswith("--")}, flags)

    def complete(self, *words):
        script = (f"source {SOURCE}/packaging/bash-completion/{words[0]}; COMP_WORDS=(\"$@\"); "
                  f"COMP_CWORD=$(($# - 1)); _{words[0]}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        return run(["bash", "-c", script, "bash", *words]).split()

    def test_completion_offers_the_states_that_status_knows(self):
        _, err = self.ctl("status", "--wait", "?", expect=64)
        states = set(err.split("states are ")[1].split()) - {"booting"}
        self.assertEqual(set(self.complete("onboardctl", "status", "--wait", "")), states)


class Api(Base):
    def test_introspection_and_document_agree(self):
        self.start()
        text = run(["busctl", f"--address={self.bus.address}", "call", "--json=short",
                    "org.onboardd", "/org/onboardd", "org.freedesktop.DBus.Introspectable",
                    "Introspect"])
        tree = xml.etree.ElementTree.fromstring(json.loads(text)["data"][0])
        ours = next(i for i in tree.findall("interface") if i.get("name") == "org.onboardd.Agent1")
        served = {}
        for kind in ("property", "method", "signal"):
            for member in ours.findall(kind):
                signature = member.get("type") or "".join(
                    a.get("type") for a in member.findall("arg"))
                change = [a.get("value") for a in member.findall("annotation")
                          if a.get("name").endswith("EmitsChangedSignal")]
                served[f"{kind} {member.get('name')}"] = (signature, change == ["const"])
        with open(os.path.join(SOURCE, "docs", "dbus-api.md"), encoding="utf-8") as f:
            rows = re.findall(r"(?m)^\| (property|method|signal) `(\w+)` \| ([^|]*) \|",
                              f.read().split("## Wi-Fi")[0])
        documented = {}
        for kind, name, shape in rows:
            signature, _, rest = shape.replace("→", "").strip().partition(",")
            documented[f"{kind} {name}"] = (signature.strip(), rest.strip() == "const")
        self.assertEqual(served, documented)

    def test_the_status_object_and_the_document_agree(self):
        self.start()
        with open(os.path.join(SOURCE, "docs", "dbus-api.md"), encoding="utf-8") as f:
            part = re.split(r"(?m)^## ", f.read().split("## The status object")[1])[0]
        table, counters = part.split("Counters, ")
        documented = set()
        for row in re.findall(r"(?m)^\| (`[^|]*) \|", table):
            documented |= set(re.findall(r"`(\w+)`", row))
        status = self.status()
        self.assertEqual(set(status), documented)
        for connection in ("provisioning", "cloud_connection"):
            self.assertEqual(set(status[connection]), set(re.findall(r"`(\w+)`", counters)))

    def test_the_facts_object_and_the_document_agree(self):
        self.start()
        with open(os.path.join(SOURCE, "docs", "dbus-api.md"), encoding="utf-8") as f:
            table = re.split(r"(?m)^## ", f.read().split("## The facts object")[1])[0]
        documented = set()
        for row in re.findall(r"(?m)^\| (`[^|]*) \|", table):
            documented |= set(re.findall(r"`(\w+)`", row))
        facts = json.loads(json.loads(run(
            ["busctl", f"--address={self.bus.address}", "call", "--json=short", "org.onboardd", "/org/onboardd",
             "org.onboardd.Agent1", "Facts"]))["data"][0])
        self.assertEqual(set(facts), documented)
        with open(self.pki().root, encoding="ascii") as f:
            self.assertEqual(facts["root_ca"], f.read())

    def test_every_change_of_state_is_told_with_what_changed_only(self):
        self.start()
        monitor = self.monitor_bus()
        self.claim(self.ctl("token", "--raw")[0].strip())
        monitor.wait_json(lambda m: m["member"] == "StateChanged"
                          and m["payload"]["data"][1] == "idle", "idle")
        known = {}
        for message in monitor.json_lines():
            data = message["payload"]["data"]
            if message["member"] == "PropertiesChanged":
                self.assertEqual(data[0], "org.onboardd.Agent1")
                self.assertEqual(data[2], [])
                for name, value in data[1].items():
                    self.assertNotEqual(known.get(name), value["data"], name)
                    known[name] = value["data"]
            elif message["member"] == "StateChanged":
                self.assertEqual(known["State"], data[1])
        for name in ("State", "Outcome", "Reason", "Claimed", "Cloud"):
            self.assertEqual(json.loads(run(
                ["busctl", f"--address={self.bus.address}", "get-property", "--json=short",
                 "org.onboardd", "/org/onboardd", "org.onboardd.Agent1", name]))["data"],
                known[name])
        self.assertEqual((known["Claimed"], known["Cloud"]), ("yes", "validated"))

    def test_signals_and_properties_never_hold_the_claim_token(self):
        monitor = self.monitor_bus()
        self.start()
        monitor.wait_json(lambda m: m["member"] == "StateChanged"
                          and m["payload"]["data"][1] == "unclaimed", "unclaimed")
        token = self.status()["claim_token"]
        self.assertRegex(token, f"^{TOKEN}$")
        # What follows the change of state is there when the next signal is.
        self.ctl("provision", "--wait", "--timeout", "60", expect=5)
        body, _, _ = token.partition(".")
        self.assertNotIn(body, "\n".join(monitor.texts()))
        everything = run(["busctl", f"--address={self.bus.address}", "call", "org.onboardd",
                          "/org/onboardd", "org.freedesktop.DBus.Properties", "GetAll", "s",
                          "org.onboardd.Agent1"])
        self.assertNotIn(body, everything)


SYSTEM_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>
  <include>{policy}</include>
</busconfig>
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root, to become somebody else")
class Policy(Base):
    """The policy file as the system bus would apply it."""

    def setUp(self):
        case.Case.setUp(self)
        # A place that other users can enter.
        place = tempfile.TemporaryDirectory(prefix="onboard-bus-", dir="/tmp")
        self.addCleanup(place.cleanup)
        os.chmod(place.name, 0o755)
        socket, config = os.path.join(place.name, "bus"), self.path("system.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(SYSTEM_BUS.format(
                socket=socket, policy=f"{SOURCE}/packaging/dbus/org.onboardd.conf"))
        daemon = self.watch(Process(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile",
             "--print-address"]))
        self.bus = type("", (), {})()
        self.bus.address = daemon.wait_line(r"(unix:\S+)").group(1).split(",")[0]
        self.bus.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.bus.address}

    def as_nobody(self, *arguments, groups=(), by=None):
        nobody = pwd.getpwnam("nobody")
        return subprocess.run(
            [*(by or ["busctl", f"--address={self.bus.address}"]), *arguments], capture_output=True,
            text=True, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=list(groups), cwd="/",
            timeout=30, check=False)

    def test_everybody_may_look_but_only_root_and_the_group_may_act(self):
        self.start()
        place = ["org.onboardd", "/org/onboardd"]
        done = self.as_nobody("get-property", *place, "org.onboardd.Agent1", "State")
        self.assertEqual(done.stdout.strip(), 's "unclaimed"', done.stderr)
        self.assertEqual(self.as_nobody("introspect", *place).returncode, 0)
        for method in ("Status", "Facts", "Provision", "ClaimToken", "ExportIdentity", "ListCredentials"):
            done = self.as_nobody("call", *place, "org.onboardd.Agent1", method)
            self.assertNotEqual(done.returncode, 0, method)
            self.assertIn("denied", done.stderr, method)
            self.assertEqual(done.stdout, "")
        for call, who, action in ((["Agent1.SetInterval", "uint64:3600"], "root, the members of the group onboardd", "provision"),
                                  (["Agent1.RollBackCredentials", "uint32:1"], "root, the members of the group onboardd", "credentials"),
                                  (["Reset1.Reset", "array:string:network"], "root", "reset")):
            done = self.as_nobody(f"org.onboardd.{call[0]}", *call[1:], by=[
                "dbus-send", f"--bus={self.bus.address}", "--print-reply", "--dest=org.onboardd", "/org/onboardd"])
            self.assertIn(f"this is for {who} and those whom polkit lets do org.onboardd.{action}", done.stderr)
        self.ctl("token", "--raw")
        self.ctl("status")

    def test_the_group_may_act_but_not_reset(self):
        self.start()
        place = ["org.onboardd", "/org/onboardd"]
        of_ours = [os.getegid()]  # the daemon's, which is ours here
        done = self.as_nobody("call", *place, "org.onboardd.Agent1", "SetInterval", "t", "3600", groups=of_ours)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(self.ctl("interval")[0], "Interval: +1h")
        done = self.as_nobody("call", *place, "org.onboardd.Reset1", "Reset", "as", "1", "network", groups=of_ours)
        self.assertIn("Access denied", done.stderr)

    def test_whoever_may_not_ask_still_learns_what_can_be_seen(self):
        self.start()
        public = os.path.dirname(self.bus.address.removeprefix("unix:path="))
        for name in (self.agent.config, self.pki().root, program("onboardctl")):
            shutil.copy(name, public)
        self.agent.set("provisioning", root_ca=os.path.join(public, "root.pem"))
        config = shutil.copy(self.agent.config, public)
        nobody = pwd.getpwnam("nobody")
        done = subprocess.run([os.path.join(public, "onboardctl"), "check", "--json", "--config", config],
                              env={**os.environ, **self.bus.env}, capture_output=True, text=True, user=nobody.pw_uid,
                              group=nobody.pw_gid, extra_groups=[], cwd="/", timeout=60, check=False)
        found = {c["check"]: c for c in json.loads(done.stdout)["checks"]}
        self.assertEqual(found["daemon"]["status"], "warning", done.stdout)
        self.assertIn("member of the group onboardd", found["daemon"]["remedy"])
        self.assertEqual([found[c]["status"] for c in ("configuration", "udp-path", "server-name", "claim")],
                         ["ok", "ok", "ok", "failed"], done.stdout)
        self.assertEqual(done.returncode, 5)


del Base  # holds no tests of its own

if __name__ == "__main__":
    case.main()
