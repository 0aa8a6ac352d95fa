# SPDX-License-Identifier: Apache-2.0
"""A device whose server knows it by a connection id (RFC 9146): it gets another address, or a NAT between them forgets it, and
the session goes on without a handshake. What went over the wire is read from captures."""

import os

from lifecycle import namespace

from harness import agent, case, dtls
from harness.agent import Agent, Run
from harness.bus import Bus
from harness.cidfront import CidFront
from harness.fdstore import FdStore
from harness.kernelcapture import KernelCapture
from harness.process import finish, program
from harness.relay import Relay
from harness.service import Service

SERVER = f"{namespace.PREFIX}.0.1"
MOVED = f"{namespace.PREFIX}.2.1"
ONE_KEY = [{"cloudAccessKeyGeneration": {"secTag": 16842753}}, {"finished": {}}]
STORED = ["provisioning-saved", "provisioning-socket"]


def types(packets):
    """The content types of their records."""
    return {record.type for packet in packets for record in dtls.records(packet.data)}


class Cid(case.Case):
    def prepare(self, port, **sections):
        """A claimed device that has a key to generate."""
        self.device = Agent(self, port, self.pki().root, cloud={"validate": "no"}, **sections)
        self.service.import_identity(self.device.init())
        self.service.rest.add_rule("one key", "one-key", ONE_KEY)

    def claim(self, run):
        self.assertEqual(run.exit, agent.EXIT_UNCLAIMED, run.process.output())
        self.service.rest.claim(agent.token_of(run), ["one-key"])

    def assert_provisioned(self, run):
        self.assertEqual(run.exit, agent.EXIT_DONE, run.process.output())
        self.assertEqual({c["status"] for c in self.service.rest.commands(self.device.uuid)}, {"SUCCEEDED"})
        return run.status["provisioning"]


class AnotherAddress(Cid):
    """The device has a cable to the bridge on which the server is, and its address changes while the session is suspended: in
    the hook of a link that has to be down."""

    def begin(self, cid=True):
        namespace.build_bridge(self, 1)
        self.host = namespace.Device(self, 1)
        self.host.plug_in()
        self.host.configure()
        self.service = Service(self, self.pki()).start()
        self.front = CidFront(self, self.pki(), self.service.coap_port, SERVER, cid)
        self.prepare(self.front.port, provisioning={"address": SERVER})
        self.claim(self.once())
        self.capture = KernelCapture(self.front.port, namespace.BRIDGE)

    def start(self, options=("--timeout", "45")):
        return self.device.start_once(*options, argv_prefix=self.host.argv_prefix())

    def once(self):
        process = self.start()
        return Run(process, process.wait())

    def moving(self):
        """A command that gives the device another address in place of its own."""
        path = self.path("move")
        with open(path, "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh -e\nip address del {self.host.address}/16 dev eth0\n"
                    f"ip address add {MOVED}/16 dev eth0\nip route add default via {SERVER}\n")
        os.chmod(path, 0o755)
        return path

    def from_address(self, address):
        return [p for p in self.capture.packets if p.source[0] == address]

    def to_address(self, address):
        return [p for p in self.capture.packets if p.target[0] == address]

    def test_a_device_resumes_from_another_address_without_a_handshake(self):
        self.begin()
        self.device.set("hooks", offline=self.moving())
        stats = self.assert_provisioned(self.once())
        self.capture.close()
        before, after = self.from_address(self.host.address), self.from_address(MOVED)
        self.assertIn(dtls.HANDSHAKE, types(before))
        self.assertEqual(types(after), {dtls.CID}, "all that it said at its new address is records with its id")
        self.assertEqual(types(self.to_address(MOVED)), {dtls.APPLICATION_DATA, dtls.ALERT})
        self.assertEqual(len({p.source for p in before}), 1)
        self.assertEqual(len({p.source for p in after}), 1)
        self.assertNotEqual(before[0].source[1], after[0].source[1], "the port is another one, too")
        # The first datagram is the report itself: nothing was asked and awaited before it.
        self.assertEqual(self.capture.packets.index(after[0]) + 1,
                         self.capture.packets.index(self.to_address(MOVED)[0]))
        self.assertEqual([e["to"].split(":")[0] for e in self.front.events("moved")], [MOVED])
        self.assertEqual((stats["handshakes_full"], stats["handshakes_abbreviated"], stats["resumes"], stats["moves"],
                          stats["retransmissions"]), (1, 0, 1, 1, 0))

    def test_without_a_connection_id_there_is_a_handshake_at_the_new_address(self):
        self.begin(cid=False)
        self.device.set("hooks", offline=self.moving())
        stats = self.assert_provisioned(self.once())
        self.capture.close()
        self.assertNotIn(dtls.CID, types(self.capture.packets))
        self.assertIn(dtls.HANDSHAKE, types(self.from_address(MOVED)))
        self.assertEqual(self.front.events("moved"), [])
        self.assertEqual((stats["handshakes_full"], stats["moves"]), (2, 0))

    def daemon(self, bus, env=None, argv_prefix=(), pass_fds=()):
        return self.device.start_daemon(env={**bus.env, **(env or {})}, argv_prefix=[*self.host.argv_prefix(), *argv_prefix],
                                        pass_fds=pass_fds)

    def test_a_daemon_polls_from_another_address_without_a_handshake(self):
        self.begin()
        bus = Bus(self)
        daemon = self.daemon(bus)
        daemon.wait_line(r"\bnew=idle\b")
        said = len(self.from_address(self.host.address))
        self.host.ip("address", "del", f"{self.host.address}/16", "dev", "eth0")
        self.host.ip("address", "add", f"{MOVED}/16", "dev", "eth0")
        done = finish([program("onboardctl"), "provision", "--wait"], env=bus.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        daemon.end()
        self.capture.close()
        self.assertEqual(len(self.from_address(self.host.address)), said)
        self.assertEqual(types(self.from_address(MOVED)), {dtls.CID})

    def test_a_daemon_that_was_killed_meanwhile_goes_on_from_another_address(self):
        self.begin()
        bus = Bus(self)
        store = FdStore(self.directory)
        self.addCleanup(store.close)
        first = self.daemon(bus, env=store.env)
        first.wait_line(r"\bnew=idle\b")
        first.end(9)
        store.settle()
        self.assertEqual(store.names(), STORED)
        self.host.ip("address", "del", f"{self.host.address}/16", "dev", "eth0")
        self.host.ip("address", "add", f"{MOVED}/16", "dev", "eth0")
        prefix, env, fds = store.launch()
        self.daemon(bus, env, prefix, fds).wait_line(r"\bnew=idle\b")
        self.capture.close()
        self.assertEqual(types(self.from_address(MOVED)), {dtls.CID})


class Rebinding:
    """A NAT that gives the device another address before those datagrams with application data that `when` names: the first of
    a claimed device authenticates, then it fetches, suspends, reports."""

    def __init__(self, when):
        self.when = when
        self.up = 0

    def __call__(self, relay, datagram):
        # The Finished of a handshake has the type of an id, too, but comes with others.
        kinds = {record.type for record in dtls.records(datagram.data)}
        if datagram.up and kinds <= {dtls.APPLICATION_DATA, dtls.CID}:
            self.up += 1
            if self.up in self.when:
                relay.rebind(f"127.0.0.{1 + self.up}")
        return (0,)


class ForgetfulNat(Cid):
    def cycle(self, when, cid=True):
        self.service = Service(self, self.pki()).start()
        self.front = CidFront(self, self.pki(), self.service.coap_port, cid=cid)
        self.relay = Relay(self.front.port)
        self.addCleanup(self.relay.close)
        self.prepare(self.relay.port)
        self.claim(self.device.once())
        self.relay.rule = Rebinding(when)
        mark = self.relay.mark()
        run = self.device.once(expect=agent.EXIT_DONE)
        return self.assert_provisioned(run), self.relay.conversation(since=mark)

    def assert_undisturbed(self, stats, wire):
        self.assertEqual((wire.full_handshakes, wire.abbreviated_handshakes, wire.client_hellos), (1, 0, 2),
                         self.relay.describe())
        self.assertEqual((stats["handshakes_full"], stats["resumes"], stats["moves"]), (1, 1, 0))

    def test_a_session_survives_that_its_nat_forgets_it_while_suspended(self):
        stats, wire = self.cycle({4})
        self.assert_undisturbed(stats, wire)
        self.assertEqual([e["to"].split(":")[0] for e in self.front.events("moved")], ["127.0.0.5"])
        self.assertEqual(stats["retransmissions"], 0)

    def test_a_session_survives_that_its_nat_forgets_it_in_the_middle_of_a_cycle(self):
        stats, wire = self.cycle({2})
        self.assert_undisturbed(stats, wire)
        self.assertEqual([e["to"].split(":")[0] for e in self.front.events("moved")], ["127.0.0.3"])

    def test_a_session_survives_a_nat_that_forgets_it_before_every_datagram(self):
        stats, wire = self.cycle(range(1, 100))
        self.assert_undisturbed(stats, wire)
        self.assertGreaterEqual(len(self.front.events("moved")), 4)

    def test_without_a_connection_id_the_session_is_lost_and_the_cycle_ends_well(self):
        stats, wire = self.cycle({4}, cid=False)
        self.assertEqual(self.front.events("moved"), [])
        self.assertGreaterEqual(wire.client_hellos, 4)
        self.assertEqual((stats["handshakes_full"], stats["moves"]), (2, 0))


if __name__ == "__main__":
    namespace.enter()
    case.main()
