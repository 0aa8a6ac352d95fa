# SPDX-License-Identifier: Apache-2.0
"""New cloud credentials that the cloud refuses: the ones before come back when they still work, and only then."""

import contextlib
import json
import os
import pty
import shutil
import socket
import sqlite3
import subprocess

from harness import agent, case, cbor, strace
from harness.agent import Agent, Run
from harness.bus import Bus
from harness.peer import Peer
from harness.process import Process, finish, program
from harness.service import Service

TAG = 16842753
PRIVATE_KEY = 2
ATTEMPTS = 3
REFUSED = [f"cloud-auth:{n + 1}:4.01" for n in range(ATTEMPTS)]
UUID = "89ed369b-0fed-4194-a703-aabb7fe8130b"
WRITES = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink")


class Base(case.Case):
    serial = 0

    def setUp(self):
        super().setUp()
        self.peer = Peer(self, self.pki(), "openssl").start()
        self.device = Agent(self, self.peer.port, self.pki().root, cloud_port=self.peer.port,
                            cloud={"retry_first": "10ms", "retry_max": "1h", "attempts": ATTEMPTS})

    def offer(self, rotate=True, answers=()):
        """The peer starts anew: it has a rotation of the cloud key, or nothing, and answers like this."""
        Base.serial += 1
        self.peer.bodies = []
        if rotate:
            name = f"{UUID}.{Base.serial}"
            self.peer.bodies = [cbor.encode([*cbor.keygen(name, TAG), cbor.finished(name + ".f")])]
        self.peer.restart(answers=answers)
        self.peer.past = []

    def once(self, outcome, expect, rotate=True, answers=()):
        self.offer(rotate, answers)
        run = self.device.once()
        self.assertEqual((run.outcome, run.exit), (outcome, expect), run.process.output())
        return run

    def degraded(self, rotate=True, answers=()):
        """What a daemon logged until it gave the cloud up: --once would try again until its time is over."""
        self.offer(rotate, answers)
        daemon = self.device.start_daemon()
        daemon.wait_line("old=[a-z-]+ new=degraded")
        self.assertEqual(daemon.end(), 0)
        return daemon.output()

    def digests(self, table, state=None):
        """{type: SHA-256} of the cloud tag, of an agent that does not run: from a copy, into which the log is played."""
        shutil.rmtree(self.path("look"), ignore_errors=True)
        shutil.copytree(state or self.device.state, self.path("look"))
        with contextlib.closing(sqlite3.connect(self.path("look", "store.db"))) as db:
            return dict(db.execute(f"SELECT type, hex(sha256) FROM {table} WHERE tag = ?", (TAG,)).fetchall())

    def settle(self):
        """A first key that the cloud accepts: its digest."""
        self.once("ok", agent.EXIT_DONE)
        self.assertEqual(self.digests("previous"), {})
        return self.digests("credential")[PRIVATE_KEY]

    def assert_key(self, digest):
        self.assertEqual(self.digests("credential")[PRIVATE_KEY], digest)


class ByItself(Base):
    def test_a_new_key_that_is_refused_for_good_makes_room_for_the_old_one(self):
        old = self.settle()
        run = self.once("rolled-back", agent.EXIT_DEGRADED, answers=REFUSED)
        self.assert_key(old)
        self.assertEqual(self.digests("previous"), {})
        self.assertEqual(run.status["cloud"], "rolled-back")
        self.assertIn("auth/jwt: answered 4.01", run.status["reason"])
        self.assertIn("queue their commands again", run.status["reason"])
        self.assertEqual(run.states()[-3:], ["validating", "falling-back", "degraded"])
        self.assertRegex(run.process.output(), rf"credentials rolled-back tag={TAG} why=")
        self.assertEqual(len(self.peer.distinct_requests("cloud-auth")), ATTEMPTS + 1)

    def test_a_roll_back_is_told_after_a_restart_too_and_ends_with_the_next_key(self):
        old = self.settle()
        self.once("rolled-back", agent.EXIT_DEGRADED, answers=REFUSED)
        run = self.once("rolled-back", agent.EXIT_DEGRADED, rotate=False)
        self.assertEqual(run.status["cloud"], "rolled-back")
        self.assertIn("auth/jwt: answered 4.01", run.status["reason"])
        self.assert_key(old)
        run = self.once("ok", agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")
        self.assertNotEqual(self.digests("credential")[PRIVATE_KEY], old)
        self.assertEqual(self.digests("previous"), {})

    def test_when_both_are_refused_the_new_one_stays_and_may_be_accepted_later(self):
        old = self.settle()
        run = self.once("cloud-refused", agent.EXIT_DEGRADED, answers=["cloud-auth:*:4.01"])
        new = self.digests("credential")[PRIVATE_KEY]
        self.assertNotEqual(new, old)
        self.assertEqual(self.digests("previous")[PRIVATE_KEY], old)
        self.assertIn("nor the ones before", run.status["reason"])
        self.assertEqual(run.status["cloud"], "refused")
        self.once("ok", agent.EXIT_DONE, rotate=False)
        self.assert_key(new)
        self.assertEqual(self.digests("previous"), {})

    def test_a_cloud_that_is_busy_is_no_reason_to_return(self):
        old = self.settle()
        self.assertNotIn("falling-back", self.degraded(answers=["cloud-auth:*:5.03"]))
        self.assertEqual(self.digests("previous")[PRIVATE_KEY], old)
        self.assertNotEqual(self.digests("credential")[PRIVATE_KEY], old)

    def test_a_cloud_that_cannot_be_reached_is_no_reason_to_return_and_promotion_comes_later(self):
        old = self.settle()
        self.assertNotIn("falling-back", self.rotate_unreachable())
        self.assertEqual(self.digests("previous")[PRIVATE_KEY], old)
        new = self.digests("credential")[PRIVATE_KEY]
        self.assertNotEqual(new, old)
        self.once("ok", agent.EXIT_DONE, rotate=False)
        self.assert_key(new)
        self.assertEqual(self.digests("previous"), {})

    def rotate_unreachable(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
            nobody.bind(("127.0.0.1", 0))
            self.device.set("cloud", port=nobody.getsockname()[1])
        said = self.degraded()
        self.device.set("cloud", port=self.peer.port)
        return said

    def test_two_rotations_before_any_validation_go_back_to_what_was_validated(self):
        old = self.settle()
        self.rotate_unreachable()
        between = self.digests("credential")[PRIVATE_KEY]
        self.rotate_unreachable()
        self.assertEqual(self.digests("previous")[PRIVATE_KEY], old)
        self.assertNotIn(self.digests("credential")[PRIVATE_KEY], (old, between))
        self.once("rolled-back", agent.EXIT_DEGRADED, rotate=False, answers=REFUSED)
        self.assert_key(old)

    def test_told_not_to_it_does_not_return(self):
        self.device.set("cloud", roll_back="no")
        old = self.settle()
        run = self.once("cloud-refused", agent.EXIT_DEGRADED, answers=REFUSED)
        self.assertNotIn("falling-back", run.states())
        self.assertEqual(self.digests("previous")[PRIVATE_KEY], old)
        self.assertIn("onboardctl credentials rollback 16842753", run.status["reason"])


class Killed(Base):
    def traced(self, copy, inject=()):
        """A run of a copy of the device that returns to its old key, under strace."""
        self.offer(rotate=False, answers=REFUSED)
        self.device.set("daemon", state_directory=copy)
        trace = self.path("trace")
        prefix = strace.command(trace, [], calls=[*WRITES, "write"], inject=inject,
                                env={"ASAN_OPTIONS": "detect_leaks=0"}, text_max=512)
        process = self.device.start_once("--timeout", "45", argv_prefix=prefix)
        return process.wait(), Run(process, 0), strace.read(trace)

    def test_killed_at_any_write_of_a_roll_back_it_holds_the_old_or_the_new_whole(self):
        old = self.settle()
        self.degraded(answers=["cloud-auth:*:5.03"])
        new = self.digests("credential")[PRIVATE_KEY]
        start = self.device.state
        copy = self.path("copy")
        shutil.copytree(start, copy)
        status, run, calls = self.traced(copy)
        self.assertEqual((status, run.outcome), (agent.EXIT_DEGRADED, "rolled-back"))
        begun = "".join(f"\\x{b:02x}" for b in b"new=falling-back")
        at = next(i for i, c in enumerate(calls) if c.name == "write" and begun in c.args)
        main = calls[at].pid
        points = [(c.name, n) for c, n in strace.number(calls)[at:] if c.name in WRITES and c.pid == main]
        self.assertGreater(len(points), 3)
        seen = set()
        for name, n in points:
            with self.subTest(call=name, number=n):
                shutil.rmtree(copy)
                shutil.copytree(start, copy)
                status, _, _ = self.traced(copy, [f"{name}:signal=KILL:when={n}"])
                self.assertNotEqual(status, agent.EXIT_DEGRADED, "it was not killed")
                held = self.digests("credential", copy)[PRIVATE_KEY]
                self.assertIn(held, (old, new))
                self.assertEqual(self.digests("previous", copy).get(PRIVATE_KEY), old if held == new else None)
                seen.add(held)
                self.offer(rotate=False, answers=REFUSED if held == new else [])
                again = self.device.once(expect=agent.EXIT_DEGRADED)
                self.assertEqual(again.outcome, "rolled-back")
                self.assertEqual(self.digests("credential", copy)[PRIVATE_KEY], old)
        self.assertEqual(seen, {old, new})


class ByHand(Base):
    def setUp(self):
        super().setUp()
        self.bus = Bus(self)

    def ctl(self, *arguments, expect=0):
        done = finish([program("onboardctl"), *arguments], env=self.bus.env, stdin_text="")
        self.assertEqual(done.returncode, expect, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.stderr

    def answer_at_a_terminal(self, answer, *arguments):
        """(exit status, all it said) of onboardctl with somebody at a terminal."""
        ours, theirs = pty.openpty()
        with subprocess.Popen([program("onboardctl"), *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
                              env={**os.environ, **self.bus.env}) as child:
            os.close(theirs)
            os.write(ours, answer.encode() + b"\n")
            said = b""
            while True:
                try:
                    more = os.read(ours, 4096)
                except OSError:  # its end hung up
                    break
                said += more
        os.close(ours)
        return child.returncode, said.decode().replace("\r\n", "\n")

    def key(self):
        return [c["sha256"] for c in json.loads(self.ctl("credentials", "--json")[0])
                if (c["tag"], c["type"]) == (TAG, PRIVATE_KEY)][0]

    def rotate(self, answers=("cloud-auth:1:4.01",)):
        """The daemon waits to try a refused key again; the key before."""
        old = self.settle().lower()
        self.device.set("cloud", retry_first="1h")
        self.offer(answers=answers)
        self.daemon = self.device.start_daemon(env=self.bus.env)
        self.daemon.wait_line("new=waiting-to-validate")
        return old

    def test_rolling_back_brings_the_old_key_and_validates_it(self):
        old = self.rotate()
        self.assertNotEqual(self.key(), old)
        self.assertIn(f"onboardctl credentials rollback {TAG}", self.ctl("credentials")[0])
        self.assertTrue(all(c["has_previous"] for c in json.loads(self.ctl("credentials", "--json")[0])
                            if c["tag"] == TAG))
        monitor = self.bus.monitor("type='signal',member='CredentialsRolledBack'")
        ours = self.watch(Process([program("onboardctl"), "monitor", "--json"], env=self.bus.env))
        ours.wait_json(lambda e: e["event"] == "now", "where it stands")
        self.ctl("credentials", "rollback", "--yes", str(TAG))
        event = ours.wait_json(lambda e: e["event"] == "rolled-back", "what was rolled back")
        self.assertEqual((event["tag"], event["why"]), (TAG, "asked for"))
        signal = json.loads(monitor.wait_line("(.*CredentialsRolledBack.*)").group(1))
        self.assertEqual(signal["payload"]["data"], [TAG, "asked for"])
        self.assertEqual(self.key(), old)
        self.ctl("status", "--wait", "idle", "--timeout", "60")
        self.assertEqual(json.loads(self.ctl("status", "--json")[0])["cloud"], "validated")
        self.assertEqual(len(self.peer.distinct_requests("cloud-auth")), 2)
        self.assertNotIn("rollback", self.ctl("credentials")[0])
        _, err = self.ctl("credentials", "rollback", "--yes", str(TAG), expect=1)
        self.assertIn(f"no predecessors of tag {TAG}", err)

    def test_what_is_lost_is_shown_and_asked_about(self):
        old = self.rotate()
        new = self.key()
        out, err = self.ctl("credentials", "rollback", str(TAG), expect=1)
        self.assertIn("--yes", err)
        self.assertIn("lose for good", out)
        for answer in ("", "n", "yess"):
            status, said = self.answer_at_a_terminal(answer, "credentials", "rollback", str(TAG))
            self.assertEqual(status, 1, said)
            self.assertIn("Nothing was changed", said)
        self.assertEqual(self.key(), new)
        status, said = self.answer_at_a_terminal("y", "credentials", "rollback", str(TAG))
        self.assertEqual(status, 0, said)
        lost, back = said.split("hold again")
        self.assertIn(new[:32], lost)
        self.assertIn(old[:32], back)
        self.assertEqual(self.key(), old)

    def test_it_is_refused_while_a_cycle_runs_and_for_a_tag_without_predecessors(self):
        self.rotate(answers=["cloud-auth:1:4.01", "cmd:2:none", "cmd:3:none", "cmd:4:none"])
        new = self.key()
        _, err = self.ctl("credentials", "rollback", "4711", expect=1)
        self.assertIn("no predecessors of tag 4711", err)
        self.offer(rotate=False, answers=["auth:*:none", "cmd:*:none"])
        self.ctl("provision")
        self.daemon.wait_line("new=(authenticating|fetching|connecting)")
        _, err = self.ctl("credentials", "rollback", "--yes", str(TAG), expect=1)
        self.assertIn("cycle is under way", err)
        self.assertEqual(self.key(), new)


class WithOurService(case.Case):
    def test_onboard_service_takes_the_old_key_until_the_new_one_has_logged_in(self):
        service = Service(self, self.pki()).start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
            nobody.bind(("127.0.0.1", 0))
            elsewhere = nobody.getsockname()[1]
        bus = Bus(self)
        device = Agent(self, service.coap_port, self.pki().root, cloud_port=service.coap_port,
                       cloud={"retry_first": "1h", "retry_max": "1h", "attempts": ATTEMPTS})
        service.import_identity(device.init())
        service.rest.claim(device.once(expect=agent.EXIT_UNCLAIMED).status["claim_token"])
        for cloud_port in (service.coap_port, elsewhere):
            service.rest.add_command(device.uuid, {"cloudAccessKeyGeneration": {"secTag": TAG}})
            device.set("cloud", port=cloud_port)
            if cloud_port == service.coap_port:
                device.once(expect=agent.EXIT_DONE)
        daemon = device.start_daemon(env=bus.env)
        daemon.wait_line("new=waiting-to-validate")
        # The new key is registered, and nobody logged in with it.
        done = finish([program("onboardctl"), "credentials", "rollback", "--yes", str(TAG)], env=bus.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        daemon.wait_line("credentials rolled-back")
        daemon.end()
        device.set("cloud", port=service.coap_port)
        run = device.once(expect=agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")
        service.process.wait_line("cloud_auth=accepted key=before")


if __name__ == "__main__":
    case.main()
