# SPDX-License-Identifier: Apache-2.0
"""The instruments of the system tests, tried on libcoap's own example client before they judge us."""

import os
import socket
import sys
import unittest

from harness import cbor, case, dtls, kernelcapture
from harness.fdstore import FdStore
from harness.peer import KINDS, Peer
from harness.process import Process, refuse_report, refuse_untraced, run
from harness.relay import HOLD, Disturbed, Relay


def get(port, pki, path="p/cmd"):
    return run(["coap-client-openssl", "-B", "10", "-R", pki.root,
                f"coaps://127.0.0.1:{port}/{path}"])


class Harness(case.Case):
    def relay(self, *arguments, **keywords):
        relay = Relay(*arguments, **keywords)
        self.addCleanup(relay.close)
        return relay

    def peer(self, kind="openssl", **keywords):
        return Peer(self, self.pki(), kind, options=["--any-session"], **keywords).start()

    def test_a_report_of_memory_errors_fails_whatever_the_exit_status(self):
        refuse_report("p", 0, "state old=idle new=fetching\n-- ==7== in the middle")
        for said in ("==1== ERROR: AddressSanitizer: heap-use-after-free",
                     "a.c:1:2: runtime error: signed integer overflow",
                     "state old=idle\n==24434== Invalid read of size 4"):
            with self.subTest(said), self.assertRaises(AssertionError):
                refuse_report("p", 0, said)

    def test_an_agent_that_changes_its_state_outside_of_a_cycle_fails_unless_it_ends_before_the_first(self):
        refuse_untraced("p", "notice: state old=booting new=waiting-for-network trace=9f86d081884c7d65 why=\"started\"\n"
                             "notice: state old=booting new=stopped trace=- why=\"asked to stop\"")
        for old, new in (("booting", "waiting-for-network"), ("resuming", "reporting"), ("idle", "stopped")):
            with self.subTest(old), self.assertRaises(AssertionError):
                refuse_untraced("p", f"one\nnotice: state old={old} new={new} trace=- why=\"x\"\ntwo")

    def test_the_parser_finds_one_full_handshake_and_the_requests_in_a_foreign_conversation(self):
        for kind in KINDS:
            with self.subTest(server=kind):
                peer = self.peer(kind, bodies=[[cbor.finished("a.1")]])
                relay = self.relay(peer.port)
                get(relay.port, self.pki())
                self.assertEqual(relay.conversation().full_handshakes, 1)
                self.assertEqual(relay.conversation().abbreviated_handshakes, 0)
                self.assertGreaterEqual(relay.conversation().client_hellos, 2)
                self.assertGreaterEqual(relay.conversation().application_up, 1)
                self.assertEqual(len(peer.distinct_requests("cmd")), 1)

    def test_the_parser_refuses_records_cut_short(self):
        whole = bytes.fromhex("17fefd0001000000000001000401020304")
        self.assertEqual(len(dtls.records(whole)), 1)
        for n in range(1, len(whole)):
            with self.assertRaises(dtls.Malformed):
                dtls.records(whole[:n])

    def test_the_relay_drops_duplicates_and_holds_as_its_rule_says(self):
        echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(echo.close)
        echo.bind(("127.0.0.1", 0))
        echo.settimeout(10)
        verdicts = {0: (), 1: (0, 0), 2: HOLD, 3: (0,)}
        relay = self.relay(echo.getsockname()[1], lambda _r, d: verdicts[d.index])
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(client.close)
        client.connect(("127.0.0.1", relay.port))
        record = bytes.fromhex("17fefd00010000000000010001")
        for n in range(4):
            client.send(record + bytes([n]))
        self.assertEqual([echo.recv(100)[-1] for _ in range(3)], [1, 1, 3])
        relay.release()
        self.assertEqual(echo.recv(100)[-1], 2)
        self.assertEqual([d.fate for d in relay.snapshot()],
                         ["dropped", "duplicated", "held", "passed"])

    def test_the_same_seed_disturbs_the_same_way(self):
        class Seen:
            up = True
        one, two = (Disturbed(7, 0.3, 0.3, 0.3) for _ in range(2))
        self.assertEqual([one(None, Seen) for _ in range(50)], [two(None, Seen) for _ in range(50)])

    @unittest.skipUnless(kernelcapture.available(), "needs CAP_NET_RAW")
    def test_the_relay_and_the_kernel_saw_the_same_datagrams(self):
        peer = self.peer()
        relay = self.relay(peer.port)
        capture = kernelcapture.KernelCapture(relay.port)
        get(relay.port, self.pki())
        kernel = capture.close()
        ours = relay.snapshot()
        for up in (True, False):
            self.assertEqual([p.data for p in kernel if (p.target[1] == relay.port) == up],
                             [d.data for d in ours if d.up == up])
        path = self.path("relay.pcap")
        relay.write_pcap(path)
        self.assertGreater(os.path.getsize(path), sum(len(d.data) for d in ours))

    def test_the_peer_answers_as_its_command_line_says(self):
        peer = self.peer(bodies=[[cbor.finished("a.1")], [cbor.finished("a.2")]],
                         answers=["cmd:1:5.03:max-age=2", "cmd:2:2.05:hex=ff00",
                                  "cmd:3:-:separate=20", "cmd:4:-:block=0"])
        for _ in range(4):
            get(peer.port, self.pki())
        self.assertEqual([e["answer"] for e in peer.distinct_requests("cmd")][:3],
                         ["5.03", "2.05", "2.05"])

    def test_the_descriptor_store_gives_a_restarted_program_what_it_stored(self):
        store = FdStore(self.directory)
        self.addCleanup(store.close)
        code = """
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
n = int(os.environ.get("LISTEN_FDS", "0"))
if n:
    assert int(os.environ["LISTEN_PID"]) == os.getpid()
    print(os.environ["LISTEN_FDNAMES"], os.pread(3, 10, 0).decode())
    s.send(b"FDSTOREREMOVE=1\\nFDNAME=one-saved")
else:
    fd = os.memfd_create("x")
    os.write(fd, b"kept")
    s.sendmsg([b"FDSTORE=1\\nFDNAME=one-saved"],
              [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
"""
        run([sys.executable, "-c", code], env=store.env)
        store.wait_names(["one-saved"])
        prefix, env, fds = store.launch()
        second = self.watch(Process([*prefix, sys.executable, "-c", code], env=env, pass_fds=fds))
        self.assertEqual(second.wait(), 0, second.output())
        self.assertEqual(second.texts(), ["one-saved kept"])
        store.wait_names([])


if __name__ == "__main__":
    case.main()
