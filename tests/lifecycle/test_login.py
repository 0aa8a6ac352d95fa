# SPDX-License-Identifier: Apache-2.0
"""The login of a kept session against a foreign server: renewed before it ends, and when the server forgot it."""

from harness import case, cbor
from harness.agent import Agent
from harness.peer import Peer

TAG = 16842753
UUID = "89ed369b-0fed-4194-a703-aabb7fe8130b"
BODY = [*cbor.keygen(UUID + ".k", TAG), cbor.finished(UUID + ".f")]


class Login(case.Case):
    def start(self, *answers):
        self.peer = Peer(self, self.pki(), "openssl", bodies=[BODY], answers=answers).start()
        self.device = Agent(self, self.peer.port, self.pki().root, cloud_port=self.peer.port,
                            cloud={"poll": "200ms", "retry-first": "100ms", "retry-max": "1h"})
        self.daemon = self.device.start_daemon()
        self.daemon.wait_line("new=idle ")

    def wait_polls(self, n):
        self.daemon.wait_for(lambda lines: sum("step name=poll" in t for _, t in lines) >= n, f"{n} polls")

    def logins(self):
        return self.peer.distinct_requests("cloud-auth")

    def test_it_is_renewed_on_the_same_session_before_max_age_has_passed(self):
        # Two logins more as soon as each has less than half a minute left.
        self.start("cloud-auth:*:-:max-age=31")
        self.peer.process.wait_for(
            lambda lines: sum('"step":"cloud-auth"' in t for _, t in lines) >= 3, "renewed login")
        logins = self.logins()
        self.assertEqual(len({e["session"] for e in logins}), 1, "a handshake for a login")
        self.assertEqual(len({e["payload"] for e in logins}), len(logins), "a token was used twice")
        self.assertEqual({e["answer"] for e in self.peer.requests("state")}, {"2.05"})

    def test_a_login_that_the_server_forgot_is_renewed_within_the_poll(self):
        self.start("state:3:4.01")
        self.wait_polls(4)
        self.assertEqual(len(self.logins()), 2)
        self.assertEqual(len({e["session"] for e in self.logins()}), 1)
        self.assertNotIn("cloud poll", self.daemon.output())

    def test_a_cloud_that_refuses_the_new_login_too_makes_the_device_ask_for_commands(self):
        self.start("state:3:4.01", "cloud-auth:2:4.01")
        self.daemon.wait_line("cloud poll refused why=\"auth/jwt: answered 4.01\"")
        self.daemon.wait_line("old=polling new=waiting-for-network")
        self.daemon.wait_line("old=validating new=idle")
        self.wait_polls(4)

    def test_a_cloud_that_is_busy_says_when_to_come_again_and_keeps_the_session(self):
        self.start("state:3:5.03:max-age=2")
        self.daemon.wait_line(r"cloud poll failed why=\"state: answered 5.03\", trying again in 2000 ms")
        self.wait_polls(4)
        self.assertEqual(len(self.logins()), 1)


if __name__ == "__main__":
    case.main()
