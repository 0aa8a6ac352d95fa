# SPDX-License-Identifier: Apache-2.0
"""onboard-service as a program: its verbs, its two sides asked by foreign clients, its end."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import urllib.error
import urllib.request

from harness import case
from harness.device import Device
from harness.process import Process, finish, program
from harness.service import Rest, Service


class TestService(case.Case):
    def service(self, **keywords):
        return Service(self, self.pki(), **keywords).start()

    def run_program(self, *arguments, stdin_text=None):
        return finish([program("onboard-service"), *arguments], stdin_text=stdin_text)

    def post(self, service, path, body, client="openssl", block=None):
        """The response code of a POST with libcoap's example client, as "4.01"."""
        payload = self.path("payload")
        with open(payload, "w", encoding="ascii") as f:
            f.write(body)
        argv = [f"coap-client-{client}", "-B", "20", "-v", "6", "-m", "post", "-t", "60",
                "-R", self.pki().root, "-f", payload]
        if block:
            argv += ["-b", str(block)]
        done = subprocess.run(argv + [f"coaps://127.0.0.1:{service.coap_port}/{path}"], text=True,
                              capture_output=True, errors="replace", timeout=60, check=False)
        codes = [line.split(" c:")[1].split()[0].rstrip(",")
                 for line in (done.stdout + done.stderr).splitlines()
                 if " c:" in line and (" t:ACK" in line or " t:NON" in line)]
        answers = [c for c in codes if c[0] in "245" and c != "2.31"]
        self.assertTrue(answers, done.stdout + done.stderr)
        return answers[-1]

    def test_wrong_usage_exits_64_and_says_what_is_wrong(self):
        for arguments, said in (
                ((), "usage:"),
                (("dance",), "dance"),
                (("serve",), "--state"),
                (("serve", "--nonsense"), "serve"),
                (("serve", "--state", "x", "--session-timeout", "0"), "--session-timeout"),
                (("serve", "--state", "x", "--session-timeout", "1h"), "--session-timeout"),
                (("serve", "--state", "x", "--cloud-tag", "2147483648"), "--cloud-tag"),
                (("serve", "--state", "x", "--audit-keep", "0"), "--audit-keep"),
                (("serve", "--state", "x", "--audit-keep", "90d"), "--audit-keep"),
                (("serve", "--state", "x", "--coap", "y", "--rest", "z", "--cert", "c",
                  "--key", "k", "--rest-cert", "r"), "--rest-key"),
                (("identity",), "import"),
                (("identity", "import", "x"), "--state"),
                (("identity", "import", "--state", "x"), "file"),
                (("identity", "remove", "--state", "x"), "UUID"),
                (("identity", "remove", "x"), "--state"),
                (("identity", "import", "--state", "x", "--unclaim", "y"), "--unclaim"),
                (("apikey", "create"), "--state"),
                (("apikey", "create", "--state", "x", "--role", "god"), "god"),
                (("device", "list"), "--state"),
                (("device", "delete", "--state", "x"), "list")):
            with self.subTest(arguments):
                done = self.run_program(*arguments)
                self.assertEqual(done.returncode, 64)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_help_and_version_go_to_standard_output(self):
        done = self.run_program("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for verb in ("serve", "identity import", "apikey create", "device list"):
            self.assertIn(verb, done.stdout)
        done = self.run_program("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^onboard-service \d+\.\d+\.\d+\n$")

    def test_what_cannot_be_served_with_is_named(self):
        pki = self.pki()
        good = {"--state": self.path("state"), "--coap": "127.0.0.1:0", "--rest": "127.0.0.1:0",
                "--cert": pki.cert, "--key": pki.key}
        for option, value in (("--cert", self.path("absent")), ("--key", pki.root),
                              ("--coap", "127.0.0.1"), ("--coap", "localhost:1"),
                              ("--rest", "0.0.0.0:0"), ("--root-ca", self.path("absent"))):
            with self.subTest(option):
                arguments = [a for pair in {**good, option: value}.items() for a in pair]
                done = self.run_program("serve", *arguments)
                self.assertEqual(done.returncode, 1)
                self.assertIn(value, done.stderr)
                self.assertEqual(done.stdout, "")
        with open(self.path("file"), "w", encoding="ascii"):
            pass
        done = self.run_program("device", "list", "--state", self.path("file"))
        self.assertEqual(done.returncode, 8)
        done = self.run_program("device", "list", "--state", self.path("nowhere"))
        self.assertEqual(done.returncode, 8)
        self.assertFalse(os.path.exists(self.path("nowhere")))

    def test_the_state_is_for_its_owner_only(self):
        service = self.service()
        self.assertEqual(stat.S_IMODE(os.stat(service.state).st_mode), 0o700)
        for name in os.listdir(service.state):
            mode = os.stat(os.path.join(service.state, name)).st_mode
            self.assertEqual(stat.S_IMODE(mode) & 0o077, 0, name)

    def test_a_signal_ends_it_in_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                service = self.service()
                service.process.popen.send_signal(number)
                self.assertEqual(service.process.wait(), 0)
                self.assertEqual(len(service.process.texts("out")), 1)

    def test_a_port_in_use_is_named(self):
        service = self.service()
        done = self.run_program("serve", "--state", self.path("other"), "--coap", "127.0.0.1:0",
                                "--rest", f"127.0.0.1:{service.rest_port}", "--cert",
                                self.pki().cert, "--key", self.pki().key)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"127.0.0.1:{service.rest_port}", done.stderr)

    def test_systemd_is_told_when_it_is_ready(self):
        import socket
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notify.close)
        notify.bind(self.path("notify"))
        notify.settimeout(30)
        pki = self.pki()
        process = self.watch(Process(
            [program("onboard-service"), "serve", "--state", self.path("state"), "--coap",
             "127.0.0.1:0", "--rest", "127.0.0.1:0", "--cert", pki.cert, "--key", pki.key],
            env={"NOTIFY_SOCKET": self.path("notify")}))
        self.assertEqual(notify.recv(100), b"READY=1")
        process.wait_line("^ready coap=")
        process.popen.send_signal(signal.SIGTERM)
        self.assertEqual(notify.recv(100), b"STOPPING=1")
        self.assertEqual(process.wait(), 0)

    def test_identities_are_imported_all_or_none(self):
        devices = [Device(self.directory) for _ in range(2)]
        state = self.path("state")
        text = "uuid,hardware,key\n# a remark\n" + "".join(d.row() + "\n" for d in devices)
        bad = self.run_program("identity", "import", "--state", state, "-",
                               stdin_text=text + "nonsense\n")
        self.assertEqual(bad.returncode, 1)
        self.assertIn("line 5", bad.stderr)
        for _ in range(2):
            good = self.run_program("identity", "import", "--state", state, "-", stdin_text=text)
            self.assertEqual((good.returncode, good.stderr), (0, ""))
        listed = self.run_program("device", "list", "--state", state, "--json")
        self.assertEqual(sorted(d["id"] for d in json.loads(listed.stdout)["items"]),
                         sorted(str(d.uuid) for d in devices))
        table = self.run_program("device", "list", "--state", state).stdout
        for d in devices:
            self.assertIn(str(d.uuid), table)

    def test_unknown_unclaimed_and_claimed_devices_get_their_codes(self):
        service = self.service()
        device, stranger = Device(self.directory), Device(self.directory)
        service.import_identity(device.row())
        for client in ("openssl", "gnutls"):
            with self.subTest(client):
                self.assertEqual(self.post(service, "p/auth-jwt", stranger.jwt(), client), "4.03")
                self.assertEqual(self.post(service, "p/auth-jwt", device.jwt(), client), "4.01")
        service.rest.claim(device.claim_token(), ["nrf-cloud-onboarding"])
        for client in ("openssl", "gnutls"):
            with self.subTest(client):
                self.assertEqual(self.post(service, "p/auth-jwt", device.jwt(), client), "2.01")
                self.assertEqual(self.post(service, "p/auth", device.jwt(), client, block=64),
                                 "2.01")
                self.assertEqual(self.post(service, "p/auth-jwt", device.jwt(-600), client),
                                 "4.03")
                self.assertEqual(self.post(service, "auth/jwt", device.jwt(), client), "4.03")
                self.assertEqual(self.post(service, "p/rsp", "x", client), "4.01")
                self.assertEqual(self.post(service, "p/auth-jwt", "x" * 3000, client, block=1024),
                                 "4.13")
        service.rest.unclaim(str(device.uuid))
        self.assertEqual(self.post(service, "p/auth-jwt", device.jwt()), "4.01")

    def test_what_owners_did_survives_a_restart(self):
        service = self.service()
        device = Device(self.directory)
        service.import_identity(device.row())
        service.rest.claim(device.claim_token())
        command = service.rest.add_command(str(device.uuid), {"finished": {}})
        service.stop(goodbye=False)
        service.start()
        self.assertEqual(service.rest.command(str(device.uuid), command)["id"], command)
        self.assertEqual(self.post(service, "p/auth-jwt", device.jwt()), "2.01")

    def test_the_audit_log_is_kept_for_ever_or_for_as_many_days_as_asked(self):
        service = Service(self, self.pki()).start()
        for name in ("old", "young"):
            service.rest.want(201, "POST", "/provisioning/tags", {"tag": name})
        service.stop()
        db = sqlite3.connect(os.path.join(service.state, "service.db"))
        with db:
            db.execute("UPDATE audit SET at = at - 3 * 86400 WHERE object != 'young'")
        db.close()
        service.start()
        self.assertIn("old", self.audited(service))
        service.stop()
        service.options = ["--audit-keep", "2"]
        service.start()
        while "old" in self.audited(service):  # a second later, if it works
            pass
        self.assertIn("young", self.audited(service))

    @staticmethod
    def audited(service):
        return [row["object"] for row in service.rest.want(200, "GET", "/audit")["items"]]

    def test_a_viewer_may_read_and_a_stranger_nothing(self):
        service = self.service()
        made = self.run_program("apikey", "create", "--state", service.state, "--role", "viewer")
        self.assertEqual((made.returncode, len(made.stdout.split())), (0, 1))
        viewer = Rest(service.rest.base, made.stdout.strip())
        self.assertEqual(viewer.call("GET", "/claimed-devices")[0], 200)
        status, problem = viewer.call("POST", "/claimed-devices", {"claimToken": "a.b"})
        self.assertEqual((status, problem["status"]), (403, 403))
        for key in ("", "x", made.stdout.strip() + "x"):
            self.assertEqual(Rest(service.rest.base, key).call("GET", "/account")[0], 401)

    def test_teams_do_not_see_each_other(self):
        service = self.service()
        device = Device(self.directory)
        service.import_identity(device.row())
        service.rest.claim(device.claim_token())
        made = self.run_program("apikey", "create", "--state", service.state, "--team", "other")
        other = Rest(service.rest.base, made.stdout.strip())
        self.assertEqual(other.want(200, "GET", "/claimed-devices")["items"], [])
        self.assertEqual(other.call("GET", f"/devices/{device.uuid}")[0], 404)
        self.assertEqual(other.call("DELETE", f"/claimed-devices/{device.uuid}")[0], 404)

    def test_the_rest_side_serves_tls_when_it_has_a_certificate(self):
        import ssl
        pki = self.pki()
        process = self.watch(Process(
            [program("onboard-service"), "serve", "--state", self.path("state"), "--coap",
             "127.0.0.1:0", "--rest", "127.0.0.1:0", "--cert", pki.cert, "--key", pki.key,
             "--rest-cert", pki.cert, "--rest-key", pki.key]))
        port = process.wait_line(r"rest=\S+:(\d+)").group(1)
        context = ssl.create_default_context(cafile=pki.root)
        context.check_hostname = False
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(f"https://127.0.0.1:{port}/v1/account", timeout=30,
                                   context=context)
        self.assertEqual(raised.exception.code, 401)
        self.assertEqual(raised.exception.headers["Content-Type"], "application/problem+json")
        raised.exception.close()


if __name__ == "__main__":
    case.main()
