# SPDX-License-Identifier: Apache-2.0
"""A server that restarts while the agent executes: between suspend and report, with and without a
goodbye. The loss is noticed in under a second and no result is lost."""

import os
import signal

from harness import agent, case, cbor
from harness.agent import Agent, Run, struck
from harness.peer import Peer
from harness.relay import Relay
from harness.service import Service

UUID = "89ed369b-0fed-4194-a703-aabb7fe8130b"
BODY = [*cbor.keygen(UUID + ".e", 4711), cbor.finished(UUID + ".f")]
IDS = {c[0] for c in BODY}
CLOUD_TAG = 16842753
DETECTION_S = 1.0  # the bound that the project sets itself, on loopback


class Restart(case.Case):
    def stopped_in_execution(self, server_port, **sections):
        """An agent that has just put its session away, and the relay it talks through."""
        self.relay = Relay(server_port)
        self.addCleanup(self.relay.close)
        device = Agent(self, self.relay.port, self.pki().root, **sections)
        return device

    def start(self, device, limit_s=45):
        self.mark = self.relay.mark()
        process = device.start_once("--timeout", str(limit_s), env=struck("saved", signal.SIGSTOP))
        process.wait_stopped()
        return process

    def go_on(self, process):
        """Lets the agent run on; what the relay saw after that."""
        before = len(self.relay.snapshot())
        os.kill(process.pid, signal.SIGCONT)
        run = Run(process, process.wait())
        self.assertEqual(run.exit, agent.EXIT_DONE, process.output() + self.relay.describe())
        return run, self.relay.snapshot()[before:]

    def assert_noticed(self, after, old_port, goodbye):
        resumed = [d for d in after if d.up and d.port == old_port and d.is_application_data]
        hello = next(d for d in after if d.is_client_hello)
        self.assertNotEqual(hello.port, old_port, "a handshake from the port of the old session")
        if goodbye:
            self.assertEqual(resumed, [], "sent into a session that had said goodbye")
            print("    said goodbye: noticed without sending anything", flush=True)
        else:
            self.assertTrue(resumed)
            waited = hello.time - resumed[0].time
            print(f"    said nothing: noticed {waited:.3f} s after the first record", flush=True)
            # Under valgrind it is valgrind's time.
            if not os.environ.get("ONBOARD_TEST_WRAPPER"):
                self.assertLess(waited, DETECTION_S)
        self.assertEqual(self.relay.conversation(hello.port).full_handshakes, 1)

    def with_peer(self, kind, goodbye):
        peer = Peer(self, self.pki(), kind, bodies=[BODY]).start()
        device = self.stopped_in_execution(peer.port, cloud={"validate": "no"})
        process = self.start(device)
        old_port = self.relay.ports(self.mark)[-1]
        peer.restart(goodbye)
        run, after = self.go_on(process)
        self.assert_noticed(after, old_port, goodbye)
        self.assertEqual(run.status["pending_results"], 0)
        results = peer.results()
        self.assertEqual(set(results), IDS)
        self.assertEqual({len(v) for v in results.values()}, {1})
        # The new session proves who it is before it reports, and reports first.
        before = len([e for e in peer.past if e["event"] == "request"])
        self.assertEqual([e["step"] for e in peer.requests()[before:]][:2], ["auth", "rsp"])

    def test_a_restarted_openssl_server_that_said_goodbye(self):
        self.with_peer("openssl", True)

    def test_a_restarted_openssl_server_that_said_nothing(self):
        self.with_peer("openssl", False)

    def test_a_restarted_gnutls_server_that_said_goodbye(self):
        self.with_peer("gnutls", True)

    def test_a_restarted_gnutls_server_that_said_nothing(self):
        self.with_peer("gnutls", False)

    def with_service(self, goodbye):
        service = Service(self, self.pki()).start()
        device = self.stopped_in_execution(service.coap_port)
        service.import_identity(device.init())
        service.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)))
        command = service.rest.add_command(
            device.init().split(",")[0], {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}})
        process = self.start(device)
        old_port = self.relay.ports(self.mark)[-1]
        service.stop(goodbye)
        service.start()
        run, after = self.go_on(process)
        self.assert_noticed(after, old_port, goodbye)
        self.assertEqual(run.status["cloud"], "validated")
        self.assertEqual(run.status["pending_results"], 0)
        self.assertNotIn(service.rest.command(device.uuid, command)["status"],
                         ("PENDING", "IN_PROGRESS", "FAILED"))

    def test_our_service_restarted_after_a_goodbye(self):
        self.with_service(True)

    def test_our_service_restarted_without_a_goodbye(self):
        self.with_service(False)

    def test_a_server_that_stays_away_costs_the_run_but_no_result(self):
        peer = Peer(self, self.pki(), "openssl", bodies=[BODY]).start()
        device = self.stopped_in_execution(peer.port, cloud={"validate": "no"},
                                           provisioning={"handshake-timeout": "2s"})
        process = self.start(device, limit_s=8)
        peer.stop(goodbye=False)
        os.kill(process.pid, signal.SIGCONT)
        run = Run(process, process.wait())
        self.assertEqual(run.exit, agent.EXIT_NETWORK, process.output())
        self.assertEqual(run.status["pending_results"], len(IDS))
        peer.start()
        later = device.once(expect=agent.EXIT_DONE)
        self.assertEqual(later.status["pending_results"], 0)
        self.assertEqual({k: len(v) for k, v in peer.results().items()}, dict.fromkeys(IDS, 1))


if __name__ == "__main__":
    case.main()
