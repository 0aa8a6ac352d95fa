# SPDX-License-Identifier: Apache-2.0
"""What onboardd writes into a real journal: lines with fields, and a catalogue that explains them."""

import json
import os
import re
import shutil

from harness import case
from harness.agent import Agent
from harness.bus import Bus
from harness.process import finish, program, run
from harness.service import Service

import journal
import namespace

SOURCE = os.environ["ONBOARD_SOURCE_DIR"]
CATALOG = os.path.join(SOURCE, "packaging", "journal", "onboardd.catalog")


def ids():
    """{name in agent/journal.c: message id}."""
    with open(os.path.join(SOURCE, "agent", "journal.c"), encoding="utf-8") as f:
        return dict(re.findall(r'(?m)^#define ID_(\w+) "([0-9a-f]{32})"', f.read()))


class JournalTest(case.Case):
    @classmethod
    def setUpClass(cls):
        run(["ip", "link", "set", "lo", "up"])
        journal.prepare()

    def setUp(self):
        super().setUp()
        self.journal = journal.Journal(self)

    def start(self, agent, env):
        return agent.start_daemon(env=env, argv_prefix=self.journal.argv_prefix)

    def test_changes_of_state_have_fields_and_one_trace_a_cycle(self):
        bus = Bus(self)
        service = Service(self, self.pki()).start()
        device = Agent(self, service.coap_port, self.pki().root)
        service.import_identity(device.init())
        self.start(device, bus.env)
        with bus.watch_names() as names:
            while finish([program("onboardctl"), "status"], bus.env).returncode != 0:
                names.wait_line("org.onboardd")
        run([program("onboardctl"), "status", "--wait", "unclaimed", "--timeout", "60"], env=bus.env)
        status = json.loads(run([program("onboardctl"), "status", "--json"], env=bus.env))
        entries = self.journal.entries("SYSLOG_IDENTIFIER=onboardd", "+", "_COMM=onboardd")
        moves = [e for e in entries if "STATE" in e]
        self.assertGreater(len(moves), 3)
        for before, after in zip(moves, moves[1:]):
            self.assertEqual(before["STATE"], after["OLD_STATE"])
        for move in moves:
            self.assertIn(f"state old={move['OLD_STATE']} new={move['STATE']} trace={move['TRACE']}", move["MESSAGE"])
            self.assertIn(move["MESSAGE_ID"], ids().values())
            self.assertEqual((move["PRIORITY"], move["_TRANSPORT"]), ("6", "journal"))
        unclaimed = [e for e in moves if e["STATE"] == "unclaimed"][0]
        self.assertEqual((unclaimed["MESSAGE_ID"], unclaimed["OUTCOME"]), (ids()["UNCLAIMED"], "unclaimed"))
        self.assertRegex(status["trace"], "^[0-9a-f]+$")
        self.assertIn(unclaimed["TRACE"], {e["TRACE"] for e in moves if e["STATE"] == "authenticating"})
        # Who asks for something is told with what they asked for.
        run([program("onboardctl"), "interval", "12h"], env=bus.env)
        run([program("onboardctl"), "provision"], env=bus.env)
        for name, field, value, line in (("INTERVAL", "INTERVAL", "43200", "interval seconds=43200"),
                                         ("REQUESTED", "REQUEST", "bus", 'request waiting="bus"')):
            told = self.journal.entries(f"MESSAGE_ID={ids()[name]}")
            self.assertEqual([(e[field], e["MESSAGE"], e["PRIORITY"]) for e in told], [(value, line, "5")])
        # What it says in between comes the same way, in its place.
        self.assertTrue([e for e in entries if e["MESSAGE"].startswith("step name=")])

    def test_an_end_by_itself_has_its_exit_code(self):
        device = Agent(self, 1, "/nonexistent/root-ca.pem")
        self.assertEqual(self.start(device, {}).wait(), 1)
        ended = self.journal.entries(f"MESSAGE_ID={ids()['ENDED']}")[-1]
        self.assertEqual((ended["EXIT_CODE"], ended["PRIORITY"]), ("1", "3"))
        self.assertIn("root-ca", ended["MESSAGE"])

    def test_a_program_whose_stderr_is_no_journal_writes_there_whatever_it_inherited(self):
        device = Agent(self, 1, "/nonexistent/root-ca.pem")
        daemon = device.start_daemon(env={"JOURNAL_STREAM": "8:1"})
        self.assertEqual(daemon.wait(), 1)
        self.assertIn("root-ca", "\n".join(daemon.texts("err")))

    def test_every_message_is_explained_and_nothing_else(self):
        root = self.path("root")
        os.makedirs(os.path.join(root, "usr/lib/systemd/catalog"))
        os.makedirs(os.path.join(root, "var/lib/systemd/catalog"))
        shutil.copy(CATALOG, os.path.join(root, "usr/lib/systemd/catalog"))
        run(["journalctl", f"--root={root}", "--update-catalog"])
        text = run(["journalctl", f"--root={root}", "--dump-catalog"])
        explained = re.findall(r"(?m)^-- ([0-9a-f]{32})\nSubject: (.+)$", text)
        self.assertEqual({i for i, _ in explained}, set(ids().values()))
        self.assertEqual(len({s for _, s in explained}), len(ids()))
        with open(os.path.join(SOURCE, "agent", "journal.c"), encoding="utf-8") as f:
            fields = set(re.findall(r'\{"([A-Z_]+)"', f.read()))
        self.assertLessEqual(set(re.findall("@([A-Z_]+)@", text)), fields)


if __name__ == "__main__":
    namespace.enter()
    case.main()
