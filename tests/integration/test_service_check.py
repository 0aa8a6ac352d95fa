# SPDX-License-Identifier: Apache-2.0
"""onboard-service check and backup: what an operator runs before a start, and before a disaster."""

import json
import os
import shutil
import socket
import stat

from harness import case
from harness.process import finish, program, run
from harness.service import Service


class TestServiceCheck(case.Case):
    def setUp(self):
        super().setUp()
        pki = self.pki()
        self.state = self.path("state")
        self.options = {"--state": self.state, "--coap": "127.0.0.1:0", "--rest": "127.0.0.1:0",
                        "--cert": pki.cert, "--key": pki.key}

    def check(self, changes=None, status=0):
        """{check: [(status, detail and remedy), ...]}; the exit code is that of the worst one."""
        options = {**self.options, **(changes or {})}
        done = finish([program("onboard-service"), "check", "--json",
                       *[a for pair in options.items() for a in pair]])
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        found = {}
        for item in json.loads(done.stdout)["items"]:
            found.setdefault(item["check"], []).append(
                (item["status"], f"{item['detail']} {item['remedy']}"))
        return found

    @staticmethod
    def content(path):
        with open(path, "rb") as f:
            return f.read()

    def only(self, found, check):
        self.assertEqual(len(found[check]), 1, found)
        return found[check][0]

    def test_a_place_that_is_ready_is_ok_and_stays_untouched(self):
        found = self.check()
        for check in ("state", "store", "coap", "rest"):
            self.assertEqual(self.only(found, check)[0], "ok")
        self.assertFalse(os.path.exists(self.state))

    def test_people_get_a_line_for_each_thing(self):
        done = finish([program("onboard-service"), "check",
                       *[a for pair in self.options.items() for a in pair]])
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^ok +state +\S+ will be made")

    def test_what_is_wrong_is_named_with_a_remedy(self):
        pki = self.pki()
        own = self.path("own.key")
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-out", own])
        for changes, check, said in (
                ({"--cert": self.path("absent")}, "cert", "absent"),
                ({"--key": own}, "cert", "does not belong"),
                ({"--root-ca": own}, "root-ca", "no PEM certificate"),
                ({"--rest": "0.0.0.0:0"}, "rest", "--rest-cert"),
                ({"--coap": "localhost:1"}, "coap", "numeric"),
                ({"--coap": "192.0.2.1:5684"}, "coap", "an address of this machine"),
                ({"--manufacturer-ca": pki.cert}, "makers", "CA"),
                ({"--store": "postgresql://x@/y?host=/nonexistent"}, "store", "/nonexistent")):
            with self.subTest(check=check, said=said):
                found = self.check(changes, status=1)
                self.assertIn(("fail", True), [(s, said in t) for s, t in found[check]], found)

    def test_ports_in_use_and_names_that_differ_are_warnings(self):
        pki = self.pki()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            found = self.check({"--rest": f"127.0.0.1:{taken.getsockname()[1]}"})
        self.assertEqual(self.only(found, "rest")[0], "warn")
        found = self.check({"--rest-cert": pki.cert, "--rest-key": pki.key,
                            "--public-url": "https://elsewhere.example/"})
        self.assertIn(("warn", True), [(s, "elsewhere.example" in t) for s, t in found["rest-cert"]])
        found = self.check({"--rest-cert": pki.cert, "--rest-key": pki.key,
                            "--public-url": "https://localhost/"})
        self.assertFalse([t for _, t in found["rest-cert"] if "is not for" in t])

    def test_stores_of_other_programs_are_told(self):
        os.mkdir(self.state, 0o700)
        db = os.path.join(self.state, "service.db")
        old = os.path.join(os.environ["ONBOARD_SOURCE_DIR"], "tests/vectors/service-store/schema-2.sql")
        run(["sqlite3", db, f".read {old}"])
        before = self.content(db)
        self.assertEqual(self.only(self.check(), "store")[0], "warn")
        self.assertEqual(self.content(db), before)
        run(["sqlite3", db, "PRAGMA user_version = 999"])
        status, said = self.only(self.check(status=1), "store")
        self.assertEqual((status, "newer program" in said), ("fail", True))
        with open(db, "wb") as f:
            f.write(b"junk" * 4096)
        self.assertIn("restore", self.only(self.check(status=1), "store")[1])

    def test_a_backup_serves_again_with_its_own_ca_only(self):
        service = Service(self, self.pki()).start()
        saved = self.path("saved.db")
        run([program("onboard-service"), "backup", "--state", service.state, saved])
        self.assertEqual(stat.S_IMODE(os.stat(saved).st_mode), 0o600)
        service.rest.add_rule("late", "lab", [{"finished": {}}])
        service.stop()
        self.options["--state"] = service.state
        self.assertEqual(self.only(self.check(), "device-ca")[0], "ok")

        for name in ("service.db", "service.db-wal", "service.db-shm"):
            if os.path.exists(os.path.join(service.state, name)):
                os.remove(os.path.join(service.state, name))
        shutil.copy(saved, os.path.join(service.state, "service.db"))
        service.start()
        rules = service.rest.want(200, "GET", "/provisioning-rules")["items"]
        self.assertNotIn("late", [r["name"] for r in rules])
        service.stop()

        os.remove(os.path.join(service.state, "ca.key"))
        os.remove(os.path.join(service.state, "ca.pem"))
        status, said = self.only(self.check(status=1), "device-ca")
        self.assertEqual((status, "copy ca.key" in said), ("fail", True))
        options = [a for pair in self.options.items() for a in pair]
        done = finish([program("onboard-service"), "serve", *options])
        self.assertEqual(done.returncode, 8)
        self.assertIn("copy ca.key and ca.pem", done.stderr)


if __name__ == "__main__":
    case.main()
