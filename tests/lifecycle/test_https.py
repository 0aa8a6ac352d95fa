# SPDX-License-Identifier: Apache-2.0
"""Where UDP gets no answer, devices are provisioned over HTTPS: the same engine, the same promises."""

import json
import os
import signal
import subprocess
import time

import namespace
import udpless
from harness import agent
from harness.agent import Run, token_of
from harness.bus import Bus
from harness.case import Case, main
from harness.pki import Pki
from harness.process import program, run
from harness.service import Service

CLOUD_TAG = 16842753
RULE = "nrf-cloud-onboarding"


class Https(Case):
    def setUp(self):
        super().setUp()
        self.cable = udpless.Cable(self)
        self.service = Service(self, self.pki(), coap="0.0.0.0", https=True).start()

    def device(self, **provisioning):
        """One that the service knows."""
        device = udpless.DeviceBehindCable(self, self.cable, self.service, **provisioning)
        self.service.import_identity(device.init())
        return device

    def claimed(self, **provisioning):
        """One that has a rule's commands waiting."""
        device = self.device(**provisioning)
        unclaimed = device.once(expect=agent.EXIT_UNCLAIMED)
        self.service.rest.claim(token_of(unclaimed), [RULE])
        return device

    def assert_onboarded(self, device, run_):
        self.assertEqual((run_.exit, run_.outcome, run_.status["cloud"], run_.status["pending_results"]),
                         (agent.EXIT_DONE, "ok", "validated", 0), run_.process.output())
        commands = self.service.rest.commands(device.uuid)
        self.assertTrue(commands)
        self.assertEqual({c["status"] for c in commands}, {"SUCCEEDED"})
        self.assertIsNotNone(self.service.rest.device(device.uuid)["cloudAccess"]["lastLoginAt"])


class NoUdp(Https):
    def test_a_device_is_provisioned_and_validated_within_ten_seconds(self):
        device = self.claimed()
        self.cable.drop_udp()
        began = time.monotonic()
        process = device.start_once("--timeout", "10")
        done = Run(process, process.wait())
        print(f"    provisioned and validated over HTTPS, UDP dropped: {time.monotonic() - began:.1f} s", flush=True)
        self.assert_onboarded(device, done)
        self.assertIn("HTTPS", done.steps("connect")[0]["text"])
        self.assertEqual(done.steps("suspend")[0]["text"], "connection closed")
        self.assertIn("resumed", done.steps("resume")[0]["text"])
        self.assertGreater(done.status["provisioning"]["datagrams_tx"], 0, "UDP had no head start")
        # Both sides name the cycle by one id.
        self.assertIn(f"trace={done.status['trace']} cloud_auth=accepted", self.service.process.output())

    def test_a_network_without_udp_is_remembered_and_another_one_is_not_taken_for_it(self):
        self.cable.drop_udp()
        device = self.claimed()
        done = device.once(expect=agent.EXIT_DONE)
        self.assertEqual(done.status["provisioning"]["datagrams_tx"], 0, "UDP was tried first again")
        self.assertEqual(done.status["cloud_connection"]["datagrams_tx"], 0)
        self.cable.ip("address", "add", "10.98.0.3/24", "dev", "eth0")
        run(["ip", "address", "add", "10.98.0.4/24", "brd", "+", "dev", "way"])
        self.cable.ip("route", "replace", "default", "via", "10.98.0.4")
        elsewhere = device.once(expect=agent.EXIT_DONE)
        self.assertGreater(elsewhere.status["provisioning"]["datagrams_tx"], 0, "this network is another one")
        self.assertIn("transport first=https interface=eth0 gateway=10.98.0.4", elsewhere.process.output())

    def test_where_udp_works_it_is_used_and_libcurl_is_not_even_loaded(self):
        device = self.claimed()
        loads = device.start_once("--timeout", "45", argv_prefix=["strace", "-f", "-e", "trace=open,openat", "-o",
                                                                 self.path("trace")],
                                  env={"ASAN_OPTIONS": "detect_leaks=0"})
        done = Run(loads, loads.wait())
        self.assert_onboarded(device, done)
        self.assertNotIn("HTTPS", done.steps("connect")[0]["text"])
        with open(self.path("trace"), encoding="utf-8", errors="replace") as f:
            self.assertNotIn("libcurl", f.read())

    def test_when_neither_way_is_open_both_are_named(self):
        self.cable.drop_udp()
        self.cable.drop("tcp", "dport", str(self.service.rest_port))
        device = self.device(handshake_timeout="4s")
        process = device.start_once("--timeout", "9")
        done = Run(process, process.wait())
        self.assertEqual(done.exit, agent.EXIT_NETWORK, process.output())
        why = [e["why"] for e in done.events if e.get("new") == "backing-off"][0]
        self.assertIn("no answer", why)
        self.assertIn("HTTPS", why)


class Daemon(Https):
    def start(self, device):
        self.bus = Bus(self)
        return device.start_daemon(env=self.bus.env, argv_prefix=self.cable.prefix)

    def status(self):
        return json.loads(run([program("onboardctl"), "status", "--json"], self.bus.env))

    def test_a_device_that_waits_for_its_owner_asks_again_on_the_connection_that_it_has(self):
        self.cable.drop_udp()
        device = self.device()
        relay = udpless.Relay(self, self.service.rest_port)
        device.set("provisioning", https_port=relay.port, unclaimed_poll="300ms")
        daemon = self.start(device)
        daemon.wait_line(r"\bnew=unclaimed\b")
        connections = relay.count  # one, where the machine is not too busy for a handshake in time
        for _ in range(3):
            after = len(daemon.lines)
            daemon.wait_line(r"state old=authenticating new=unclaimed", after=after)
        self.assertEqual(relay.count, connections)
        self.service.rest.claim(self.status()["claim_token"], [RULE])
        daemon.wait_line(r"\bnew=idle\b")
        status = self.status()
        self.assertEqual((status["claimed"], status["cloud"], status["suite"]), ("yes", "validated", "HTTPS"))

    def test_a_kept_session_outlives_a_restart_of_the_service(self):
        self.cable.drop_udp()
        device = self.claimed()
        daemon = self.start(device)
        daemon.wait_line(r"\bnew=idle\b")
        self.service.stop(goodbye=False)
        self.service.start()
        command = self.service.rest.add_command(device.uuid, {"clientPrivateKeyGeneration": {"secTag": 77}})
        after = len(daemon.lines)
        self.bus.call("Provision")
        daemon.wait_line(r"\bnew=executing\b", after=after)
        daemon.wait_line(r"\bnew=idle\b", after=after)
        self.assertEqual(self.service.rest.command(device.uuid, command)["status"], "SUCCEEDED")


    def test_the_shadow_is_polled_over_https_and_asks_for_a_cycle(self):
        self.cable.drop_udp()
        device = self.claimed()
        device.set("cloud", poll="300ms")
        daemon = self.start(device)
        daemon.wait_line(r"\bnew=idle\b")
        command = self.service.rest.add_command(device.uuid, {"clientPrivateKeyGeneration": {"secTag": 77}})
        after = len(daemon.lines)
        self.service.rest.want(200, "PATCH", f"/devices/{device.uuid}/state", {"desired": {"command": [1, 7]}})
        daemon.wait_line("asked for: shadow command 7", after=after)
        at = after
        while self.service.rest.device(device.uuid)["state"]["reported"].get("command") != [1, 7]:
            seen = len(daemon.lines)
            daemon.wait_line("step name=poll", after=at)
            at = seen
        # Acknowledged when its cycle is done.
        self.assertEqual(self.service.rest.command(device.uuid, command)["status"], "SUCCEEDED")
        self.assertEqual(self.status()["cloud_connection"]["datagrams_tx"], 0)


class ServerIdentity(Https):
    def refused(self, pki, argv_prefix=()):
        """What a device says that trusts pki, of a service that shows another certificate."""
        self.cable.drop_udp()
        device = udpless.DeviceBehindCable(self, self.cable, self.service, root_ca=pki.root, transport="https")
        self.service.import_identity(device.init())
        process = device.start_once("--timeout", "20", argv_prefix=argv_prefix)
        done = Run(process, process.wait())
        self.assertEqual((done.exit, done.outcome), (agent.EXIT_NETWORK, "certificate"), process.output())
        return done

    def test_only_the_provisioning_root_ca_vouches_for_the_server(self):
        """Not the system's CAs either, and the server's would be among them."""
        certs = self.path("system-cas")
        os.mkdir(certs)
        subprocess.run(["cp", self.pki().root, os.path.join(certs, "ca-certificates.crt")], check=True)
        subprocess.run(["cp", self.pki().root, os.path.join(certs, "root.pem")], check=True)
        run(["openssl", "rehash", certs])
        run(["curl", "--silent", "--fail", "--capath", certs, f"https://localhost:{self.service.rest_port}/health/live"])
        self.refused(Pki(self.path("other-pki"), root_name="another root"), argv_prefix=[
            "unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/ssl/certs && exec "$@"', certs])

    def test_a_certificate_for_another_name_is_refused(self):
        elsewhere = Pki(self.path("elsewhere"), name="elsewhere.example")
        self.service.stop()
        self.service = Service(self, elsewhere, coap="0.0.0.0", https=True)
        self.service.state = self.path("elsewhere-service")
        self.service.start()
        self.refused(elsewhere)


LOGIN, COMMANDS = "/v1/provisioning/auth-jwt", "/v1/provisioning/commands"
CREATED = b"HTTP/1.1 201 Created\r\nCache-Control: max-age=300\r\nContent-Length: 0\r\n\r\n"


def endless(first, more):
    yield first
    while True:
        yield more


def body(data, status=b"200 OK"):
    return b"HTTP/1.1 %s\r\nContent-Type: application/cbor\r\nContent-Length: %d\r\n\r\n" % (status, len(data)) + data


class Lies(Https):
    """A server that the root CA vouches for, and that answers what it should not. Whatever it sends is bounded."""

    def tell(self, answers, outcome):
        """The run of a device that hears this, per path; what was asked."""
        refused = []

        def answer(path):
            if path == COMMANDS and LOGIN in answers and not refused:
                refused.append(path)
                return body(b"", b"401 Unauthorized")
            return answers.get(path, body(b""))

        liar = udpless.Liar(self, self.pki(), answer)
        device = udpless.DeviceBehindCable(self, self.cable, self.service, transport="https",
                                           name=f"agent-{liar.port}")
        device.set("provisioning", https_port=liar.port)
        device.init()
        process = device.start_once("--timeout", "8")
        done = Run(process, process.wait())
        self.assertEqual(done.outcome, outcome, process.output())
        return liar.paths

    def test_a_server_without_these_requests_is_not_taken_for_a_service(self):
        paths = self.tell({COMMANDS: body(b"", b"404 Not Found")}, "no-network")
        self.assertNotIn(LOGIN, paths)

    def test_header_lines_without_an_end_are_not_taken(self):
        self.tell({LOGIN: endless(b"HTTP/1.1 201 Created\r\n", b"X-More: " + b"x" * 500 + b"\r\n")}, "body-too-large")

    def test_a_body_without_an_end_is_not_taken(self):
        self.tell({LOGIN: CREATED, COMMANDS: endless(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"\x80" * 1000)},
                  "body-too-large")

    def test_a_body_larger_than_was_asked_for_is_not_taken(self):
        self.tell({LOGIN: CREATED, COMMANDS: body(b"\x80" * 8193)}, "body-too-large")

    def test_redirects_are_not_followed(self):
        away = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
        self.assertNotIn("/elsewhere", self.tell({LOGIN: away}, "body-invalid"))

    def test_a_login_that_does_not_say_yes_is_none(self):
        self.assertEqual(self.tell({LOGIN: body(b"", b"200 OK")}, "body-invalid"), [COMMANDS, LOGIN])

    def test_commands_that_are_none_are_not_executed(self):
        self.tell({LOGIN: CREATED, COMMANDS: body(b"\xff\xff")}, "body-invalid")

    def test_what_is_no_http_is_no_answer(self):
        self.tell({LOGIN: b"\x00\x01\x02 hello\r\n\r\n"}, "body-invalid")

    def test_a_refusal_is_judged_as_over_coap(self):
        for status, outcome in ((b"403 Forbidden", "rejected"), (b"404 Not Found", "not-found"), (b"400 Bad Request", "bad-request"),
                                (b"503 Service Unavailable", "busy")):
            with self.subTest(status=status):
                self.tell({LOGIN: body(b"", status)}, outcome)

    def test_a_connection_that_ends_without_an_answer_is_tried_again(self):
        paths = self.tell({LOGIN: b""}, "lost")
        self.assertGreater(paths.count(LOGIN), 1)


    def test_a_server_that_lets_nobody_in_for_a_moment_does_not_make_its_network_one_without_udp(self):
        refused = []

        def answer(path):
            if path == COMMANDS and not refused:
                refused.append(path)
                return body(b"", b"401 Unauthorized")
            return body(b"", b"503 Service Unavailable")

        liar = udpless.Liar(self, self.pki(), answer)
        device = udpless.DeviceBehindCable(self, self.cable, self.service, name="agent-busy")
        device.set("provisioning", https_port=liar.port)
        device.init()
        self.cable.drop_udp()
        process = device.start_once("--timeout", "8")
        done = Run(process, process.wait())
        self.assertEqual(done.outcome, "busy", process.output())
        self.assertIn(LOGIN, liar.paths)
        self.assertNotIn("transport first=https", process.output())


class ThroughProxy(Https):
    LOGIN = "device:s3cret-of-the-proxy"

    def run_with(self, login):
        """Only the proxy lets anybody out."""
        self.cable.drop_udp()
        self.cable.drop("tcp", "dport", str(self.service.rest_port))
        proxy = udpless.Proxy(self, self.LOGIN)
        with open(self.path("proxy-login"), "w", encoding="ascii") as f:
            f.write(login + "\n")
        os.chmod(self.path("proxy-login"), 0o600)
        device = self.device(transport="https", proxy=f"http://{udpless.SERVER}:{proxy.port}",
                             proxy_login_file=self.path("proxy-login"))
        process = device.start_once("--timeout", "10", env={"https_proxy": "http://127.0.0.1:9", "no_proxy": "*"})
        done = Run(process, process.wait())
        self.assertNotIn("s3cret", process.output())
        return proxy, device, done

    def test_a_device_gets_out_through_its_proxy(self):
        proxy, device, unclaimed = self.run_with(self.LOGIN)
        self.assertEqual(unclaimed.exit, agent.EXIT_UNCLAIMED, unclaimed.process.output())
        self.service.rest.claim(token_of(unclaimed), [RULE])
        done = device.once()
        self.assert_onboarded(device, done)
        self.assertIn("through a proxy", done.steps("connect")[0]["text"])
        # It is the proxy that finds the server, by its name.
        self.assertEqual(set(proxy.asked), {("CONNECT", f"localhost:{self.service.rest_port}")})

    def test_a_proxy_that_refuses_is_named(self):
        proxy, _, done = self.run_with("device:wrong-s3cret")
        self.assertEqual(done.exit, agent.EXIT_NETWORK, done.process.output())
        self.assertEqual(proxy.asked, [])
        why = [e["why"] for e in done.events if e.get("new") == "backing-off"][0]
        self.assertIn(f"through http://{udpless.SERVER}:{proxy.port}", why)
        self.assertIn("407", why)


class Losses(Https):
    """The first connection fetches; the second one, after the write, reports."""

    def relayed(self, on_connection):
        device = self.claimed(transport="https")
        relay = udpless.Relay(self, self.service.rest_port, on_connection)
        device.set("provisioning", https_port=relay.port)
        return device, relay

    def public_key(self, device):
        return self.service.rest.device(device.uuid)["cloudAccess"]["keyId"]

    def test_results_outlive_a_service_that_dies_before_it_has_them(self):
        state = {"restarted": False}

        def on_connection(number):
            if number == 2:
                self.service.stop(goodbye=False)
                return False
            if number > 2 and not state["restarted"]:
                state["restarted"] = True
                self.service.start()
            return True

        device, relay = self.relayed(on_connection)
        done = device.once()
        self.assert_onboarded(device, done)
        self.assertGreater(relay.count, 2)
        self.assertEqual(len(done.steps("execute")), 1, "executed twice")

    def test_results_outlive_an_agent_that_is_killed_before_they_are_acknowledged(self):
        device, relay = self.relayed(lambda number: number != 2 or self.hold())
        process = device.start_once("--timeout", "45")
        relay.wait_count(2)
        process.popen.send_signal(signal.SIGKILL)
        process.wait()
        self.assertEqual({c["status"] for c in self.service.rest.commands(device.uuid)}, {"IN_PROGRESS"})
        done = device.once()
        self.assert_onboarded(device, done)
        self.assertEqual(done.steps("execute"), [], "executed again")
        self.assertEqual(done.states()[:done.states().index("reporting")].count("fetching"), 0, "reported after a fetch")

    @staticmethod
    def hold():
        time.sleep(3600)  # a thread of its own, which ends with the test


if __name__ == "__main__":
    namespace.enter()
    main()
