# SPDX-License-Identifier: Apache-2.0
"""kill -9 of onboardd before each write to a file, each sync and each datagram that it sends, from
the first boot to the end of the cycle: wherever it struck, the next start finishes the work, each
command is answered once, and the device keeps one identity."""

import signal

from harness import agent, case, cbor
from harness.agent import Agent, Run, struck
from harness.peer import Peer

UUID = "89ed369b-0fed-4194-a703-aabb7fe8130b"
BODY = [*cbor.keygen(UUID + ".1", 4711), cbor.finished(UUID + ".3")]
IDS = {c[0] for c in BODY}
OPERATIONS_MAX = 400
SIDE_BY_SIDE = 6


class KilledAtIo(case.Case):
    def device(self, n):
        peer = Peer(self, self.pki(), "openssl", bodies=[BODY]).start()
        return peer, Agent(self, peer.port, self.pki().root, name=f"agent-{n}",
                           cloud={"validate": "no"})

    def identities(self, peer):
        """Who authenticated: the iss of each token."""
        import base64
        import json
        found = set()
        for request in peer.requests("auth"):
            claims = bytes.fromhex(request["payload"]).split(b".")[1]
            claims += b"=" * (-len(claims) % 4)
            found.add(json.loads(base64.urlsafe_b64decode(claims))["iss"])
        return found

    def check(self, peer, process):
        run = Run(process, process.wait())
        self.assertEqual(run.exit, agent.EXIT_DONE, process.output())
        self.assertEqual(run.status["pending_results"], 0)
        self.assertEqual({k: len(v) for k, v in peer.results().items()}, dict.fromkeys(IDS, 1),
                         "a command was not answered, or in two ways")
        self.assertEqual(len(self.identities(peer)), 1, "the device changed its identity")
        peer.stop()

    def test_killed_before_any_write_sync_or_send_the_next_start_finishes_the_work(self):
        n, strikes = 1, 0
        while n <= OPERATIONS_MAX:
            batch = []
            for i in range(n, n + SIDE_BY_SIDE):
                peer, device = self.device(i)
                batch.append((i, peer, device, device.start_once(
                    "--timeout", "45", env=struck(number=signal.SIGKILL, io=i))))
            finished = False
            waiting = []
            for i, peer, device, process in batch:
                status = process.wait()
                if status == 0:
                    finished = True
                    peer.stop()
                    continue
                self.assertEqual(status, -signal.SIGKILL, process.output())
                strikes += 1
                waiting.append((i, peer, device.start_once("--timeout", "45")))
            for i, peer, process in waiting:
                with self.subTest(operation=i):
                    self.check(peer, process)
            if finished:
                print(f"    killed at {strikes} operations", flush=True)
                self.assertGreater(strikes, 20)
                return
            n += SIDE_BY_SIDE
        self.fail(f"more than {OPERATIONS_MAX} operations")


if __name__ == "__main__":
    case.main()
