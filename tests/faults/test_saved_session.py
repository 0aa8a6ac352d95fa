# SPDX-License-Identifier: Apache-2.0
"""A saved session is loaded at most once, whatever dies when; and a daemon killed while suspended
goes on without a handshake through the descriptor store."""

import os
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

    def test_killed_between_mark_and_load_the_next_start_makes_a_handshake(self):
        for kind in KINDS:
            with self.subTest(server=kind):
                self.setUp_again()
                device = self.with_peer(kind)
                self.run_struck(device, "load")
                self.assertEqual(len(self.blobs("load")), 1)
                again = self.run_on(device)
                self.assertEqual(again.full_handshakes + again.abbreviated_handshakes, 1)
                self.assert_loaded_at_most_once()
                self.assert_no_nonce_twice()
                self.assert_answered_once()

    def test_killed_between_load_and_first_use_the_next_start_makes_a_handshake(self):
        for kind in KINDS:
            with self.subTest(server=kind):
                self.setUp_again()
                device = self.with_peer(kind)
                self.run_struck(device, "loaded")
                self.assertEqual(len(self.blobs("load")), 1)
                again = self.run_on(device)
                self.assertEqual(again.full_handshakes + again.abbreviated_handshakes, 1)
                self.assert_loaded_at_most_once()
                self.assert_no_nonce_twice()
                self.assert_answered_once()

    def test_killed_while_suspended_in_a_cycle_it_goes_on_without_a_handshake(self):
        for kind in KINDS:
            with self.subTest(server=kind):
                self.setUp_again()
                device = self.with_peer(kind)
                self.run_struck(device, "stored")
                self.store.wait_names(NAMES)
                self.assertEqual(self.blobs("load"), [])
                again = self.run_on(device)
                self.assertEqual(again.client_hellos, 0, self.relay.describe())
                self.assertEqual(len(self.relay.ports()), 1)
                self.assert_loaded_at_most_once()
                self.assert_no_nonce_twice()
                self.assert_answered_once()
                # The session was authenticated before the kill, and that still holds.
                self.assertEqual(len(self.peer.distinct_requests("auth")), 1)

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

    def start_daemon(self, device, bus):
        prefix, env, fds = self.store.launch()
        return device.start_daemon(argv_prefix=prefix, pass_fds=fds,
                                   env={**env, **bus.env, **struck(loads=self.loads)})

    def test_an_idle_daemon_killed_and_restarted_polls_without_a_handshake(self):
        service = Service(self, self.pki()).start()
        device = self.through_relay(service.coap_port, cloud={
            "server": "localhost", "address": "127.0.0.1", "port": service.coap_port})
        service.import_identity(device.init())
        service.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)))
        service.rest.add_command(device.uuid,
                                 {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}})
        bus = Bus(self)
        daemon = self.start_daemon(device, bus)
        daemon.wait_line(r"\bnew=idle\b")
        self.store.wait_names(NAMES)
        for _ in range(2):
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
            mark = self.relay.mark()
            daemon = self.start_daemon(device, bus)
            daemon.wait_line(r"\bnew=idle\b")
            self.store.wait_names(NAMES)
            self.assertEqual(self.relay.conversation(since=mark).client_hellos, 0,
                             self.relay.describe())
        daemon.end()
        self.assert_loaded_at_most_once()
        self.assert_no_nonce_twice()


if __name__ == "__main__":
    case.main()
