# SPDX-License-Identifier: Apache-2.0
"""A saved session is loaded at most once, whatever dies when; and a daemon killed while suspended
goes on without a handshake through the descriptor store."""

import os
import re
import signal

from harness import agent, case, cbor
from harness.agent import Agent, Run, struck
from harness.bus import Bus
from harness.fdstore import FdStore
from harness.peer import KINDS, Peer
from harness.relay import Relay
from harness.service import Service

UUID = "89ed369b-0fed-4194-a703-aabb7fe8130b"
BODY = [*cbor.keygen(UUID + ".e", 4711), cbor.finished(UUID + ".f")]
IDS = {c[0] for c in BODY}
CLOUD_TAG = 16842753
NAMES = ["provisioning-saved", "provisioning-socket"]
STATE = re.compile(r"\bstate old=\S+ new=\S+ trace=(\S+)")


def traces_of(process):
    """Under which trace ids it says that it changed its state."""
    return {m.group(1) for m in map(STATE.search, process.texts("err")) if m}


class SavedSession(case.Case):
    serial = 0

    def setUp(self):
        super().setUp()
        self.loads = self.path("loads")
        self.store = FdStore(self.directory)
        self.addCleanup(self.store.close)

    def setUp_again(self):
        """A store and a log of loads for one more subtest."""
        self.store.close()
        os.unlink(self.store.path)
        if os.path.exists(self.loads):
            os.unlink(self.loads)
        self.store = FdStore(self.directory)
        self.addCleanup(self.store.close)

    def through_relay(self, port, **sections):
        self.relay = Relay(port)
        self.addCleanup(self.relay.close)
        SavedSession.serial += 1
        return Agent(self, self.relay.port, self.pki().root, name=f"agent{SavedSession.serial}",
                     **sections)

    def with_peer(self, kind="openssl", **keywords):
        self.peer = Peer(self, self.pki(), kind, bodies=[BODY], **keywords).start()
        return self.through_relay(self.peer.port, cloud={"validate": "no"})

    def run_struck(self, device, where, number=signal.SIGKILL):
        """A start, with what the store holds, that dies at `where`."""
        prefix, env, fds = self.store.launch()
        process = device.start_once("--timeout", "45", argv_prefix=prefix, pass_fds=fds,
                                    env={**env, **struck(where, number, self.loads)})
        self.assertEqual(process.wait(), -number, process.output())
        return process

    def run_on(self, device):
        """The next start with what the store holds; what it sent and received."""
        mark = self.relay.mark()
        prefix, env, fds = self.store.launch()
        process = device.start_once("--timeout", "45", argv_prefix=prefix, pass_fds=fds,
                                    env={**env, **struck(loads=self.loads)})
        self.last = process
        run = Run(process, process.wait())
        self.assertEqual(run.exit, agent.EXIT_DONE, process.output())
        return self.relay.conversation(since=mark)

    def blobs(self, what):
        if not os.path.exists(self.loads):
            return []
        with open(self.loads, encoding="ascii") as f:
            return [line.split()[1] for line in f if line.startswith(what)]

    def assert_loaded_at_most_once(self):
        loads = self.blobs("load")
        self.assertEqual(len(loads), len(set(loads)), "one blob was loaded twice")
        self.assertTrue(set(loads) <= set(self.blobs("save")), "a blob that was never saved")

    def assert_no_nonce_twice(self):
        for port in self.relay.ports():
            nonces = self.relay.conversation(port).explicit_nonces
            self.assertEqual(len(nonces), len(set(nonces)), "a nonce was used twice")

    def assert_answered_once(self):
        self.assertEqual({k: len(v) for k, v in self.peer.results().items()},
                         dict.fromkeys(IDS, 1))

    def with_each_kind(self, story):
        """With a server of each kind, each with a store of its own."""
        for kind in KINDS:
            with self.subTest(server=kind):
                self.setUp_again()
                story(self.with_peer(kind))

    def assert_used_once(self):
        self.assert_loaded_at_most_once()
        self.assert_no_nonce_twice()
        self.assert_answered_once()

    def needs_a_handshake_after(self, where):
        def story(device):
            self.run_struck(device, where)
            self.assertEqual(len(self.blobs("load")), 1)
            again = self.run_on(device)
            self.assertEqual(again.full_handshakes + again.abbreviated_handshakes, 1)
            self.assert_used_once()

        self.with_each_kind(story)

    def test_killed_between_mark_and_load_the_next_start_makes_a_handshake(self):
        self.needs_a_handshake_after("load")

    def test_killed_between_load_and_first_use_the_next_start_makes_a_handshake(self):
        self.needs_a_handshake_after("loaded")

    def test_killed_while_suspended_in_a_cycle_it_goes_on_without_a_handshake(self):
        def story(device):
            self.run_struck(device, "stored")
            self.store.wait_names(NAMES)
            self.assertEqual(self.blobs("load"), [])
            again = self.run_on(device)
            self.assertEqual(again.client_hellos, 0, self.relay.describe())
            self.assertEqual(len(self.relay.ports()), 1)
            self.assert_used_once()
            # The session was authenticated before the kill, and that still holds.
            self.assertEqual(len(self.peer.distinct_requests("auth")), 1)

        self.with_each_kind(story)

    def test_a_second_start_with_the_same_descriptors_does_not_load_them_again(self):
        """What a supervisor that ignores FDSTOREREMOVE would do."""
        device = self.with_peer()
        self.run_struck(device, "stored")
        self.store.wait_names(NAMES)
        kept = [(name, os.dup(fd)) for name, fd in self.store.stored]
        self.run_on(device)
        with self.store._news:
            for _, fd in self.store.stored:
                os.close(fd)
            self.store.stored = kept
        before = len(self.blobs("load"))
        again = self.run_on(device)
        self.assertEqual(again.handshakes, 1)
        self.assertLessEqual(len(self.blobs("load")) - before, 1)
        self.assert_loaded_at_most_once()

    def test_a_forged_saved_session_is_not_loaded(self):
        """Descriptors that are not a saved session of ours are refused, closed and removed."""
        device = self.with_peer()
        self.run_struck(device, "stored")
        self.store.wait_names(NAMES)
        with self.store._news:
            swapped = []
            for name, fd in self.store.stored:
                if name.endswith("-saved"):
                    os.close(fd)
                    fd = os.memfd_create("forged", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
                    os.write(fd, b"\0" * 4096)
                swapped.append((name, fd))
            self.store.stored = swapped
        again = self.run_on(device)
        self.assertEqual(again.handshakes, 1)
        self.assert_loaded_at_most_once()
        self.assert_answered_once()

    def test_what_another_version_saved_or_somebody_wrote_into_costs_a_handshake(self):
        for what, at, byte in (("version", 4, b"\x01"), ("label", 136, b"\n"), ("label", 136, b"z")):
            with self.subTest(what, byte=byte):
                self.setUp_again()
                device = self.with_peer()
                before = traces_of(self.run_struck(device, "stored"))
                self.store.wait_names(NAMES)
                os.pwrite(dict(self.store.stored)["provisioning-saved"], byte, at)
                again = self.run_on(device)
                self.assertEqual(again.handshakes, 1, self.relay.describe())
                self.assert_loaded_at_most_once()
                self.assert_answered_once()
                self.assertTrue(traces_of(self.last).isdisjoint(before | {"-"}))

    def start_daemon(self, device, bus):
        prefix, env, fds = self.store.launch()
        return device.start_daemon(argv_prefix=prefix, pass_fds=fds,
                                   env={**env, **bus.env, **struck(loads=self.loads)})

    def with_service(self):
        """A device of ours with a key to make, and the service that it is claimed at."""
        self.service = Service(self, self.pki()).start()
        device = self.through_relay(self.service.coap_port, cloud={
            "server": "localhost", "address": "127.0.0.1", "port": self.service.coap_port})
        self.service.import_identity(device.init())
        self.service.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)))
        self.add_key(device)
        return device

    def add_key(self, device):
        return self.service.rest.add_command(device.uuid,
                                             {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}})

    def told_by_the_service(self, what, after=0):
        """The trace id under which the service says this of the device."""
        return self.service.process.wait_line(rf"\btrace=(\S+) {what}", after=after).group(1)

    def test_killed_while_suspended_in_a_cycle_it_goes_on_under_the_cycle_s_trace_id(self):
        device = self.with_service()
        before = traces_of(self.run_struck(device, "stored"))
        self.store.wait_names(NAMES)
        again = self.run_on(device)
        self.assertEqual(again.client_hellos, 0, self.relay.describe())
        self.assertEqual(len(before), 1)
        self.assertRegex(min(before), "^[0-9a-f]{16}$")
        self.assertEqual(traces_of(self.last), before)
        self.assertEqual({self.told_by_the_service(r"command=\S+ status=SUCCEEDED")}, before)
        self.assertEqual({self.told_by_the_service("cloud_auth=accepted")}, before)

    def test_an_idle_daemon_killed_and_restarted_polls_without_a_handshake(self):
        device = self.with_service()
        bus = Bus(self)
        daemon = self.start_daemon(device, bus)
        daemon.wait_line(r"\bnew=idle\b")
        self.store.wait_names(NAMES)
        before = traces_of(daemon)
        for _ in range(2):
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
            told = len(self.service.process.lines)
            self.add_key(device)
            mark = self.relay.mark()
            daemon = self.start_daemon(device, bus)
            daemon.wait_line(r"\bnew=idle\b")
            self.store.wait_names(NAMES)
            self.assertEqual(self.relay.conversation(since=mark).client_hellos, 0,
                             self.relay.describe())
            # It is the session that the service knows, under the id that it knows it by.
            self.assertEqual(traces_of(daemon), before)
            self.assertEqual({self.told_by_the_service(r"command=\S+ status=SUCCEEDED", told)}, before)
        daemon.end()
        self.assert_loaded_at_most_once()
        self.assert_no_nonce_twice()


if __name__ == "__main__":
    case.main()
