# SPDX-License-Identifier: Apache-2.0
"""What one onboarding costs on the wire, counted in a packet capture that the test parses itself."""

import unittest

from harness import agent, case, dtls, kernelcapture
from harness.agent import Agent, Run
from harness.bus import Bus
from harness.relay import HOLD, Relay, undisturbed
from harness.service import Service

CLOUD_TAG = 16842753
FIRST_PROVISIONING_BYTES = 3200
FIRST_PROVISIONING_ROUND_TRIPS = 6
IDLE_POLL_BYTES = 200


class SuspendAnswerHeld:
    """Keeps back the answer to .dtls/suspend until the report has been sent: an agent that waited
    for it would be stuck, so whoever gets on needs no round trip for it.

    Requests of a claimed device in application data: authenticate, fetch, suspend, report."""

    def __init__(self):
        self.up, self.down = {}, {}
        self.held = 0

    def __call__(self, relay, datagram):
        if not datagram.is_application_data:
            return (0,)
        count = self.up if datagram.up else self.down
        count[datagram.port] = count.get(datagram.port, 0) + 1
        if not datagram.up and self.up[datagram.port] == 3 and count[datagram.port] == 3:
            self.held += 1
            return HOLD
        if datagram.up and count[datagram.port] == 4:
            relay.release()
        return (0,)


class Capture(case.Case):
    def setUp(self):
        super().setUp()
        self.service = Service(self, self.pki()).start()
        self.rest = self.service.rest
        self.relay = Relay(self.service.coap_port)
        self.addCleanup(self.relay.close)
        self.cloud_relay = Relay(self.service.coap_port)
        self.addCleanup(self.cloud_relay.close)
        self.agent = Agent(self, self.relay.port, self.pki().root,
                           cloud_port=self.cloud_relay.port)
        self.service.import_identity(self.agent.init())
        self.rest.add_rule("one key", "one-key", [
            {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}, {"finished": {}}])
        self.rest.claim(agent.token_of(self.agent.once(expect=agent.EXIT_UNCLAIMED)), ["one-key"])

    def say(self, what, conversation):
        print(f"    {what}: {conversation}", flush=True)

    def one_cycle(self, rule):
        self.relay.rule = rule
        mark = self.relay.mark()
        cloud_mark = self.cloud_relay.mark()
        run = self.agent.once(expect=agent.EXIT_DONE)
        self.assertEqual(run.status["cloud"], "validated")
        self.assertEqual(len(self.relay.ports(mark)), 1, "more than one socket")
        return (run, self.relay.conversation(since=mark),
                self.cloud_relay.conversation(since=cloud_mark))

    def test_one_cycle_has_one_full_handshake_and_none_between_suspend_and_report(self):
        _, provisioning, cloud = self.one_cycle(undisturbed)
        self.say("provisioning socket", provisioning)
        self.say("validation socket", cloud)
        self.assertEqual(provisioning.full_handshakes, 1)
        self.assertEqual(provisioning.abbreviated_handshakes, 0)
        self.assertEqual(provisioning.client_hellos, 2, "with and without cookie")
        self.assertEqual(provisioning.epochs, {0, 1})
        self.assertEqual(len(provisioning.explicit_nonces),
                         len(set(provisioning.explicit_nonces)), "a nonce was used twice")

    def test_first_provisioning_takes_3200_bytes_and_6_round_trips(self):
        rule = SuspendAnswerHeld()
        run, provisioning, cloud = self.one_cycle(rule)
        self.say("first provisioning", provisioning)
        self.say("validation", cloud)
        self.assertEqual(rule.held, 1, self.relay.describe())
        self.assertLessEqual(provisioning.flights_answered, FIRST_PROVISIONING_ROUND_TRIPS,
                             self.relay.describe())
        self.assertLessEqual(provisioning.bytes, FIRST_PROVISIONING_BYTES, self.relay.describe())
        self.assertEqual(run.status["provisioning"]["retransmissions"], 0)

    def test_the_agents_own_counts_are_those_of_the_capture(self):
        run, provisioning, _ = self.one_cycle(undisturbed)
        stats = run.status["provisioning"]
        self.assertEqual(stats["handshakes_full"], provisioning.full_handshakes)
        self.assertEqual(stats["handshakes_abbreviated"], 0)
        # The goodbye, and an answer to a suspend that nobody reads, may come after the status.
        self.assertLessEqual(provisioning.bytes_up - stats["bytes_tx"], 200)
        self.assertGreaterEqual(provisioning.bytes_up, stats["bytes_tx"])
        self.assertGreaterEqual(provisioning.bytes_down, stats["bytes_rx"])

    @unittest.skipUnless(kernelcapture.available(), "needs CAP_NET_RAW")
    def test_the_kernel_saw_the_same_cycle(self):
        capture = kernelcapture.KernelCapture(self.relay.port)
        _, provisioning, _ = self.one_cycle(undisturbed)
        packets = capture.close()
        up = [p.data for p in packets if p.target[1] == self.relay.port]
        down = [p.data for p in packets if p.source[1] == self.relay.port]
        self.assertEqual((sum(map(len, up)), sum(map(len, down))),
                         (provisioning.bytes_up, provisioning.bytes_down))

    def start_daemon(self):
        self.bus = Bus(self)
        daemon = self.agent.start_daemon(env=self.bus.env)
        daemon.wait_line(r"\bnew=idle\b")
        return daemon

    def poll(self, daemon):
        """One more cycle of an idle daemon; what it cost."""
        after = len(daemon.lines)
        mark = self.relay.mark()
        self.bus.call("Provision")
        daemon.wait_line(r"\bnew=(?!idle)\S+", after=after)
        daemon.wait_line(r"\bnew=idle\b", after=after)
        return self.relay.conversation(since=mark)

    def test_an_idle_poll_takes_200_bytes_on_the_suspended_session(self):
        daemon = self.start_daemon()
        for n in range(3):
            poll = self.poll(daemon)
            self.say(f"idle poll {n + 1}", poll)
            self.assertEqual(poll.client_hellos, 0, self.relay.describe())
            self.assertLessEqual(poll.bytes, IDLE_POLL_BYTES, self.relay.describe())
            self.assertEqual(poll.application_up, poll.datagrams_up)

    def test_commands_queued_later_are_done_on_the_suspended_session(self):
        daemon = self.start_daemon()
        self.rest.add_command(self.agent.uuid,
                              {"clientPrivateKeyGeneration": {"secTag": 77}})
        poll = self.poll(daemon)
        self.say("one more key", poll)
        self.assertEqual(poll.client_hellos, 0, self.relay.describe())
        self.assertNotIn(self.rest.commands(self.agent.uuid)[-1]["status"],
                         ("PENDING", "IN_PROGRESS", "FAILED"))

    def expired_daemon(self):
        """An idle daemon whose session the server has closed; its port."""
        self.service.stop()
        self.service.session_timeout_s = 2
        self.service.start()
        daemon = self.start_daemon()
        port = self.relay.ports()[-1]
        self.relay.wait(lambda d: not d.up and d.port == port and not d.is_application_data,
                        "close_notify of the idle session", since=len(self.relay.snapshot()))
        return daemon, port

    def test_a_session_that_the_server_let_expire_is_noticed_without_waiting(self):
        daemon, port = self.expired_daemon()
        expired = len(self.relay.snapshot())
        poll = self.poll(daemon)
        self.say("poll after expiry", poll)
        self.assertEqual(poll.handshakes, 1)
        self.assertEqual([d for d in self.relay.snapshot()[expired:]
                          if d.up and d.port == port and d.is_application_data], [],
                         "sent into a session that had said goodbye")

    def test_a_request_that_overtakes_an_abbreviated_handshake_is_got_over(self):
        """libcoap on OpenSSL never answers a session whose first request came before the client's
        Finished (docs/dtls.md): the agent must give that session up and make a full handshake."""
        daemon, old_port = self.expired_daemon()
        first = []

        def finished_is_late(_relay, datagram):
            kinds = {r.type for r in dtls.records(datagram.data)}
            if datagram.up and datagram.port != old_port and dtls.CHANGE_CIPHER_SPEC in kinds:
                first.append(datagram.port)
                return (0.1,) if datagram.port == first[0] else (0,)
            return (0,)

        self.relay.rule = finished_is_late
        poll = self.poll(daemon)
        self.say("poll with a late Finished", poll)
        self.assertEqual((poll.full_handshakes, poll.abbreviated_handshakes), (1, 1),
                         self.relay.describe())

    def test_a_claimed_but_waiting_device_polls_without_new_handshakes(self):
        self.rest.unclaim(self.agent.uuid)
        mark = self.relay.mark()
        process = self.agent.start_once("--wait-claim", "--timeout", "45")
        for _ in range(3):
            after = len(process.json_lines())
            process.wait_json(lambda e: e.get("event") == "state" and e["new"] == "unclaimed",
                              "unclaimed state", after=after)
        token = agent.token_of(self.agent_status(process))
        self.rest.claim(token, ["one-key"])
        run = Run(process, process.wait())
        self.assertEqual(run.exit, agent.EXIT_DONE, process.output())
        self.assertEqual(self.relay.conversation(since=mark).full_handshakes, 1)

    def agent_status(self, process):
        """A status-like object with the token that the agent shows while it waits."""
        match = process.wait_line(r"([A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]{103})")

        class Shown:
            status = {"claim_token": match.group(1)}
        return Shown


if __name__ == "__main__":
    case.main()
