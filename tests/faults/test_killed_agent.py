# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent at each step of the cycle, then a normal start: each command answered once,
one key per key generation, nothing left in the journal."""

import signal

from harness import agent, case, cbor
from harness.agent import Agent
from harness.peer import Peer
from harness.process import Process, program
from harness.service import Service

UUID = "89ed369b-0fed-4194-a703-aabb7fe8130b"
BODIES = [cbor.keygen(UUID + ".1", 4711), [*cbor.keygen(UUID + ".2", 4712),
                                           cbor.finished(UUID + ".3")]]
IDS = {c[0] for b in BODIES for c in b}
CLOUD_TAG = 16842753
STEPS_MAX = 80
SIDE_BY_SIDE = 4


class Killed(case.Case):
    def start_killed(self, device, n):
        return self.watch(Process(
            [program("agent-killed"), "--config", device.config, "--kill-at", str(n)],
            name=f"killed-{n}"))

    def at_each_step(self, make, check):
        """make(n) answers a device; check(device, what) follows a kill at step n and a normal run.
        Goes on until a run ended before its kill. What was struck."""
        struck = []
        n = 1
        while n <= STEPS_MAX:
            batch = [(i, make(i)) for i in range(n, n + SIDE_BY_SIDE)]
            killed = [(i, d, self.start_killed(d, i)) for i, d in batch]
            waiting = []
            ended = False
            for i, device, process in killed:
                status = process.wait()
                if status == 0:
                    ended = True
                    continue
                self.assertEqual(status, -signal.SIGKILL, process.output())
                struck.append(process.texts()[-1])
                waiting.append((i, device, device.start_once("--timeout", "45"), struck[-1]))
            for i, device, process, where in waiting:
                with self.subTest(killed_at=where):
                    check(device, agent.Run(process, process.wait()))
            if ended:
                return struck
            n += SIDE_BY_SIDE
        self.fail(f"more than {STEPS_MAX} steps")

    def test_a_foreign_server_gets_each_command_answered_once(self):
        peers = {}

        def make(n):
            peer = Peer(self, self.pki(), "openssl", bodies=BODIES).start()
            device = Agent(self, peer.port, self.pki().root, name=f"agent-{n}",
                           cloud={"validate": "no"})
            peers[device] = peer
            return device

        def check(device, run):
            self.assertEqual(run.exit, agent.EXIT_DONE, run.process.output())
            self.assertEqual(run.status["pending_results"], 0)
            results = peers[device].results()
            self.assertEqual(set(results), IDS)
            self.assertEqual({k: len(v) for k, v in results.items()}, dict.fromkeys(IDS, 1),
                             "a command was answered in two ways")
            peers[device].stop()

        struck = self.at_each_step(make, check)
        print(f"    killed at {len(struck)} steps: "
              + ", ".join(" ".join(s.split()[1:]) for s in struck), flush=True)
        self.assertGreater(len(struck), 8)

    def test_our_service_ends_with_one_key_that_opens_the_cloud(self):
        service = Service(self, self.pki()).start()
        service.rest.add_rule("one key", "one-key", [
            {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}, {"finished": {}}])

        def make(n):
            device = Agent(self, service.coap_port, self.pki().root, name=f"device-{n}")
            service.import_identity(device.init())
            service.rest.claim(agent.token_of(device.once(expect=agent.EXIT_UNCLAIMED)),
                               ["one-key"])
            return device

        def check(device, run):
            self.assertEqual(run.exit, agent.EXIT_DONE, run.process.output())
            self.assertEqual(run.status["cloud"], "validated")
            self.assertEqual(run.status["pending_results"], 0)
            for command in service.rest.commands(device.uuid):
                self.assertNotIn(command["status"], ("PENDING", "IN_PROGRESS", "FAILED"))

        struck = self.at_each_step(make, check)
        print(f"    killed at {len(struck)} steps", flush=True)
        self.assertGreater(len(struck), 8)


if __name__ == "__main__":
    case.main()
