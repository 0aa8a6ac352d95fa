# SPDX-License-Identifier: Apache-2.0
"""Each exit code of onboardd --once and of onboardctl, with the sentence that a person gets."""

import contextlib
import os
import pwd
import resource
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import unittest

from harness import agent, case
from harness.agent import Agent, Run
from harness.bus import Bus
from harness.peer import Peer
from harness.process import SLOWER, Process, command, program, refuse_report
from harness.relay import Relay
from harness.service import Service

EXIT_USAGE = 64
CLOUD_TAG = 16842753
KEYGEN = {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}
REFUSED = {"atCommand": {"setCommand": "%CMNG", "parameters": "3,4711,0", "ignoreCmeErrors": []}}
IN_2001 = 981173106
IGNORE_XFSZ = ("sh", "-c", 'trap "" XFSZ; exec "$@"', "sh")  # a full disk, not a signal


def unused_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Base(case.Case):
    def say(self, argv, env=None, **options):
        """(exit status, standard output, standard error) of a program that ends by itself."""
        done = subprocess.run(command(argv), env={**os.environ, **(env or {})},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60 * SLOWER, check=False, **options)
        refuse_report(argv[0], done.returncode, done.stderr)
        return done.returncode, done.stdout, done.stderr

    def person(self, device, *options, env=None, **more):
        """The same of onboardd --once as a person runs it."""
        return self.say([device.binary, "--config", device.config, "--once", "--timeout", str(30 * SLOWER),
                         *options], env, **more)

    def alone(self, port=None, **provisioning):
        """A device without a server, or with one at a port."""
        device = Agent(self, port or unused_port(), self.pki().root)
        device.set("provisioning", ack_timeout="50ms", answer_timeout="1s", **provisioning)
        return device

    def serve(self):
        self.service = Service(self, self.pki()).start()
        self.device = Agent(self, self.service.coap_port, self.pki().root)
        self.row = self.device.init()

    def claim(self, *tags):
        """Known and claimed, with the claim token that the device shows."""
        self.service.import_identity(self.row)
        self.service.rest.claim(
            agent.token_of(self.device.once(expect=agent.EXIT_UNCLAIMED)), tags)


class Once(Base):
    def test_0_everything_is_done(self):
        self.serve()
        self.claim("nrf-cloud-onboarding")
        status, out, err = self.person(self.device)
        self.assertEqual(status, agent.EXIT_DONE, out + err)
        self.assertIn("ok: Everything is done.", out)

    def test_1_what_has_no_code_of_its_own(self):
        device = self.alone(root_ca="/nonexistent/ca.pem")
        status, _, err = self.person(device)
        self.assertEqual(status, agent.EXIT_FAILED, err)
        self.assertIn("/nonexistent/ca.pem", err)
        self.assertIn("root-ca", err)

    def test_1_a_server_that_is_no_provisioning_service(self):
        peer = Peer(self, self.pki(), "openssl", answers=["auth:*:4.04"]).start()
        run = self.alone(peer.port).once(expect=agent.EXIT_FAILED)
        self.assertEqual(run.outcome, "not-found")

    def test_2_a_command_failed(self):
        self.serve()
        self.claim()
        self.service.rest.add_command(self.device.uuid, KEYGEN)
        self.service.rest.add_command(self.device.uuid, REFUSED)
        status, out, err = self.person(self.device)
        self.assertEqual(status, agent.EXIT_DEGRADED, out + err)
        self.assertIn("partial: A command failed", out)

    def test_2_the_cloud_does_not_accept_the_new_key(self):
        peer = Peer(self, self.pki(), "openssl", answers=["cloud-auth:*:4.01"]).start()
        self.serve()
        self.claim("nrf-cloud-onboarding")
        self.device.set("cloud", server="localhost", address="127.0.0.1", port=peer.port,
                        attempts=2, retry_first="10ms")
        run = self.device.once(expect=agent.EXIT_DEGRADED)
        self.assertEqual((run.outcome, run.status["cloud"]), ("cloud-refused", "refused"))

    def test_3_a_server_that_fell_silent_after_the_handshake(self):
        peer = Peer(self, self.pki(), "openssl").start()
        # Encrypted requests get lost, and so does every later handshake's last flight.
        relay = Relay(peer.port, lambda _, d: () if d.is_application_data else (0,))
        self.addCleanup(relay.close)
        run = self.alone(relay.port).once("--timeout", "4", expect=agent.EXIT_TIMEOUT)
        self.assertEqual(run.outcome, "timeout")
        self.assertIn("authenticating", run.states())

    def test_3_a_server_that_acknowledges_and_never_answers(self):
        peer = Peer(self, self.pki(), "openssl", answers=["auth:*:none"]).start()
        status, out, err = self.person(self.alone(peer.port), "--timeout", "4")
        self.assertEqual(status, agent.EXIT_TIMEOUT, out + err)
        self.assertIn("time is up, timeout: The server did not answer in time.", out)

    def test_3_a_server_that_stays_busy(self):
        peer = Peer(self, self.pki(), "openssl", answers=["auth:*:5.03"]).start()
        run = self.alone(peer.port).once("--timeout", "3", expect=agent.EXIT_TIMEOUT)
        self.assertEqual(run.outcome, "busy")

    def test_4_nothing_listens(self):
        status, out, err = self.person(self.alone(), "--timeout", "2")
        self.assertEqual(status, agent.EXIT_NETWORK, out + err)
        self.assertIn("nothing listens", out)
        self.assertIn("time is up, no-network: The server cannot be reached.", out)

    def test_4_a_name_without_an_address(self):
        device = self.alone(server="no-such-name.invalid", address="")
        status, out, err = self.person(device, "--timeout", "5",
                                       env={"RES_OPTIONS": "timeout:1 attempts:1"})
        self.assertEqual(status, agent.EXIT_NETWORK, out + err)
        self.assertIn("no-such-name.invalid", out)

    def test_4_a_host_that_swallows_everything(self):
        relay = Relay(unused_port(), lambda _, _d: ())
        self.addCleanup(relay.close)
        run = self.alone(relay.port, handshake_timeout="1s").once("--timeout", "3",
                                                                  expect=agent.EXIT_NETWORK)
        self.assertEqual(run.outcome, "no-network")

    def test_4_a_host_that_swallows_everything_until_the_limit_has_passed(self):
        relay = Relay(unused_port(), lambda _, _d: ())
        self.addCleanup(relay.close)
        run = self.alone(relay.port).once("--timeout", "2", expect=agent.EXIT_NETWORK)
        self.assertEqual(run.outcome, "no-network")

    def test_4_a_server_that_the_root_ca_does_not_vouch_for(self):
        peer = Peer(self, self.pki(), "openssl").start()
        other = case.Pki(self.path("other"))
        run = self.alone(peer.port, root_ca=other.root).once(expect=agent.EXIT_NETWORK)
        self.assertEqual(run.outcome, "certificate")

    def test_5_nobody_owns_the_device(self):
        self.serve()
        self.service.import_identity(self.row)
        status, out, err = self.person(self.device)
        self.assertEqual(status, agent.EXIT_UNCLAIMED, out + err)
        self.assertIn("BEGIN ATTESTATION TOKEN", out)

    def test_5_nobody_claimed_it_within_the_limit(self):
        self.serve()
        self.service.import_identity(self.row)
        status, out, err = self.person(self.device, "--wait-claim", "--timeout", "3")
        self.assertEqual(status, agent.EXIT_UNCLAIMED, out + err)
        self.assertIn("time is up, unclaimed", out)

    def test_6_the_service_does_not_know_the_identity(self):
        self.serve()
        status, out, err = self.person(self.device)
        self.assertEqual(status, agent.EXIT_IDENTITY, out + err)
        self.assertIn("4.03", out)
        self.assertIn("onboardctl identity export", out)

    def test_6_the_key_file_of_the_factory_is_broken(self):
        key = self.path("factory.pem")
        with open(key, "w", encoding="ascii") as f:
            f.write("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        device = self.alone()
        device.set("identity", key_file=key)
        for options in ((), ("--init",)):
            with self.subTest(options=options):
                status, _, err = self.say([device.binary, "--config", device.config,
                                           *(options or ("--once",))])
                self.assertEqual(status, agent.EXIT_IDENTITY, err)
                self.assertIn(key, err)

    def test_6_the_key_file_of_the_factory_is_missing(self):
        device = self.alone()
        device.set("identity", key_file=self.path("none.pem"))
        status, _, err = self.person(device)
        self.assertEqual(status, agent.EXIT_IDENTITY, err)
        self.assertIn("none.pem", err)

    def test_7_the_clock_is_before_the_build(self):
        device = self.alone()
        device.set("time", wait="1s")
        status, out, err = self.person(device, env=agent.struck(clock=IN_2001))
        self.assertEqual(status, agent.EXIT_TIME, out + err)
        self.assertIn("no-time: The clock is not set", out)

    def test_7_the_clock_is_not_good_before_the_limit(self):
        device = self.alone()
        run = device.once("--timeout", "1", env=agent.struck(clock=IN_2001),
                          expect=agent.EXIT_TIME)
        self.assertEqual(run.status["state"], "waiting-for-time")

    def test_8_the_store_is_damaged(self):
        device = self.alone()
        device.init()
        database = os.path.join(device.state, "store.db")
        with open(database, "r+b") as f:
            f.truncate(100)
        status, out, err = self.person(device)
        self.assertEqual(status, agent.EXIT_STORE, out + err)
        self.assertIn(database, err)
        self.assertIn("truncated", err)

    def test_8_another_process_holds_the_store(self):
        self.serve()
        self.service.import_identity(self.row)
        first = self.device.start_once("--wait-claim")
        first.wait_json(lambda e: e.get("new") == "unclaimed", "unclaimed state")
        status, out, err = self.person(self.device)
        self.assertEqual(status, agent.EXIT_STORE, out + err)
        self.assertIn("in use", err)

    def test_8_the_store_cannot_be_written(self):
        """As another user, on a copy of the program that this user can reach."""
        if os.geteuid() != 0:
            self.skipTest("needs root, to become somebody else")
        place = tempfile.mkdtemp(prefix="onboard-exit-", dir="/tmp")
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        os.chmod(place, 0o755)
        device = self.alone()
        program_copy = shutil.copy(device.binary, os.path.join(place, "onboardd"))
        os.makedirs(os.path.join(place, "state"), mode=0o555)
        config = os.path.join(place, "onboardd.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"[daemon]\nstate-directory = {place}/state\n")
        nobody = pwd.getpwnam("nobody")
        status, out, err = self.say([program_copy, "--config", config, "--once"],
                                    user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[],
                                    cwd="/")
        self.assertEqual(status, agent.EXIT_STORE, out + err)
        self.assertIn(f"{place}/state", err)
        self.assertIn("Permission denied", err)

    def test_8_the_disk_is_full(self):
        self.serve()
        self.claim("nrf-cloud-onboarding")
        process = self.device.start_once("--timeout", "45",
                                         argv_prefix=(*IGNORE_XFSZ, "prlimit", "--fsize=0"))
        run = Run(process, process.wait())
        self.assertEqual((run.exit, run.outcome), (agent.EXIT_STORE, "store"), process.output())

    def test_64_the_store_is_a_newer_versions(self):
        """Which repeating does not cure: systemd must not try again."""
        device = self.alone()
        device.init()
        with contextlib.closing(sqlite3.connect(os.path.join(device.state, "store.db"))) as store:
            store.execute("PRAGMA user_version = 99")
        status, out, err = self.person(device)
        self.assertEqual(status, agent.EXIT_USAGE, out + err)
        self.assertIn("has schema 99", err)

    def test_64_wrong_usage(self):
        for options in (["--nothing"], ["word"], ["--once", "--timeout", "0"],
                        ["--once", "--timeout", "soon"], ["--json"], ["--wait-claim"],
                        ["--timeout", "5"], ["--once", "--init"], ["--config"]):
            with self.subTest(options=options):
                status, out, err = self.say([program("onboardd"), *options])
                self.assertEqual((status, out), (EXIT_USAGE, ""), err)
                self.assertNotEqual(err, "")

    def test_64_a_wrong_configuration_is_named_with_file_and_line(self):
        for line, said in (("colour = blue", "colour"), ("port = 99999", "port"),
                           ("server", "key = value"), ("suspend = perhaps", "suspend")):
            config = self.path("wrong.conf")
            with open(config, "w", encoding="ascii") as f:
                f.write(f"# a comment\n[provisioning]\n{line}\n")
            for options in (["--once"], ["--init"], []):
                with self.subTest(line=line, options=options):
                    status, _, err = self.say([program("onboardd"), "--config", config, *options])
                    self.assertEqual(status, EXIT_USAGE, err)
                    self.assertRegex(err, rf"{config}:3: .*{said}")

    def test_64_a_configuration_that_was_named_and_is_not_there(self):
        status, _, err = self.say([program("onboardd"), "--config", self.path("none"), "--once"])
        self.assertEqual(status, EXIT_USAGE, err)
        self.assertIn(self.path("none"), err)


class Ctl(Base):
    def setUp(self):
        super().setUp()
        self.bus = Bus(self)

    def ctl(self, *arguments, expect):
        status, out, err = self.say([program("onboardctl"), *arguments], self.bus.env)
        self.assertEqual(status, expect, f"onboardctl {' '.join(arguments)}\n{out}\n{err}")
        return out, err

    def start(self, device, env=None, argv_prefix=()):
        daemon = device.start_daemon(env={**self.bus.env, **(env or {})}, argv_prefix=argv_prefix)
        daemon.wait_line(r"state old=booting")
        return daemon

    def provision(self, expect, *options):
        return self.ctl("provision", "--wait", "--timeout", str(40 * SLOWER), *options, expect=expect)

    def test_0_and_5_and_2_are_how_a_cycle_ended(self):
        self.serve()
        self.service.import_identity(self.row)
        self.start(self.device)
        out, _ = self.provision(agent.EXIT_UNCLAIMED)
        self.assertIn("Outcome:      unclaimed", out)
        token = self.ctl("token", "--raw", expect=0)[0].strip()
        self.service.rest.claim(token, ["nrf-cloud-onboarding"])
        out, _ = self.provision(agent.EXIT_DONE)
        self.assertIn("Outcome:      ok", out)
        self.service.rest.add_command(self.device.uuid, REFUSED)
        out, _ = self.provision(agent.EXIT_DEGRADED)
        self.assertIn("Outcome:      partial", out)

    def test_1_no_daemon(self):
        _, err = self.ctl("status", expect=agent.EXIT_FAILED)
        self.assertIn("systemctl start onboardd", err)

    def test_3_a_limit_has_passed(self):
        self.start(self.alone())
        _, err = self.ctl("status", "--wait", "idle", "--timeout", "100ms",
                          expect=agent.EXIT_TIMEOUT)
        self.assertIn("did not become idle in time", err)

    def test_3_a_cycle_goes_on_after_the_limit(self):
        self.start(self.alone(), env=agent.struck(clock=IN_2001))
        _, err = self.provision(agent.EXIT_TIMEOUT, "--timeout", "200ms")
        self.assertIn("it goes on", err)

    def test_3_the_server_does_not_answer(self):
        peer = Peer(self, self.pki(), "openssl", answers=["auth:*:none"]).start()
        self.start(self.alone(peer.port))
        out, _ = self.provision(agent.EXIT_TIMEOUT)
        self.assertIn("did not answer in time", " ".join(out.split()))

    def test_4_the_server_cannot_be_reached(self):
        self.start(self.alone())
        self.provision(agent.EXIT_NETWORK)

    def claim_at(self, port, *options, expect):
        key = self.path("key")
        with open(key, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("key\n")
        return self.ctl("claim", "--server", f"http://127.0.0.1:{port}/v1", "--api-key-file", key,
                        *options, "YWJj.YWJj", expect=expect)

    def test_3_the_server_of_a_claim_does_not_answer(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            _, err = self.claim_at(server.getsockname()[1], "--timeout", "300ms",
                                   expect=agent.EXIT_TIMEOUT)
        self.assertIn("whether the device was claimed is not known", err)

    def test_4_there_is_nobody_to_claim_from(self):
        self.claim_at(unused_port(), expect=agent.EXIT_NETWORK)

    def test_6_the_service_does_not_know_the_identity(self):
        self.serve()
        self.start(self.device)
        out, _ = self.provision(agent.EXIT_IDENTITY)
        self.assertIn("identity export", " ".join(out.split()))

    def test_7_the_clock_is_before_the_build(self):
        device = self.alone()
        device.set("time", wait="1s")
        self.start(device, env=agent.struck(clock=IN_2001))
        self.provision(agent.EXIT_TIME)

    def test_8_the_disk_is_full(self):
        self.serve()
        self.claim("nrf-cloud-onboarding")
        self.device.set("provisioning", retry_max="1h")
        self.service.rest.unclaim(self.device.uuid)
        daemon = self.start(self.device, argv_prefix=IGNORE_XFSZ)
        self.ctl("status", "--wait", "unclaimed", "--timeout", "30", expect=0)
        token = self.ctl("token", "--raw", expect=0)[0].strip()
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (0, 0))
        self.service.rest.claim(token, ["nrf-cloud-onboarding"])
        out, _ = self.provision(agent.EXIT_STORE)
        self.assertIn("Check space", " ".join(out.split()))

    def test_64_wrong_usage(self):
        _, err = self.ctl("provision", "--timeout", "5", expect=EXIT_USAGE)
        self.assertIn("--wait", err)


del Base  # holds no tests of its own

if __name__ == "__main__":
    case.main()
