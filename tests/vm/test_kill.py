# SPDX-License-Identifier: Apache-2.0
"""The agent dies while its session is suspended: of SIGKILL, of its watchdog, and with the power. What systemd's own store of
file descriptors keeps for it saves the handshake; what its own store keeps saves everything else."""

from lab.guest.case import Case

from vm import boots, machine

WATCHDOG = "/run/systemd/system/onboardd.service.d/watchdog.conf"


class Cut(Case):
    end = "power cut"

    def test_1_commands_are_here_and_not_yet_executed(self):
        holds = machine.Holds()
        holds.set("offline")
        holds.set_at_boot("offline")
        log = machine.Log(self, whole=True)
        machine.systemctl("restart", machine.AGENT)
        machine.owner().claim(machine.shown_token(log), [machine.TAG])
        holds.wait("offline")


class Killed(Case):
    """Each test goes on where the one before has left the agent."""

    @classmethod
    def setUpClass(cls):
        cls.holds = machine.Holds()
        cls.device = machine.read("/root/identity.csv").split(",")[0]

    def setUp(self):
        super().setUp()
        self.log = machine.Log(self)

    def statuses(self):
        return {c["status"] for c in machine.owner().commands(self.device)}

    def kill(self):
        """SIGKILL, then what follows by itself. The agent has nothing to do with its end; systemd has."""
        restarts = int(machine.show(machine.AGENT, "NRestarts"))
        self.assertEqual(machine.show(machine.AGENT, "NFileDescriptorStore"), "2")
        machine.systemctl("kill", "--kill-whom=main", "-s", "KILL", machine.AGENT)
        self.log.wait_resumed()
        self.assertEqual(int(machine.show(machine.AGENT, "NRestarts")), restarts + 1)

    def refuse_handshakes(self):
        """This process has begun none for provisioning."""
        stats = machine.status()["provisioning"]
        self.assertEqual((stats["handshakes_full"], stats["handshakes_abbreviated"]), (0, 0))
        self.assertGreater(stats["resumes"], 0)

    def test_1_killed_before_the_commands_it_resumes_and_gets_them_again(self):
        # After the power cut: memory is lost, and what the owner said is not.
        packets = machine.capture()
        self.holds.wait("offline")
        self.kill()
        self.holds.wait("offline")
        self.refuse_handshakes()
        self.assertEqual(self.statuses(), {"IN_PROGRESS"})
        self.assertEqual(machine.ports_of_handshakes(packets.close()), {})

    def test_2_killed_with_results_that_nobody_knows_it_resumes_and_reports_them(self):
        packets = machine.capture()
        self.holds.set("online")
        self.holds.lift("offline")
        self.holds.release("offline.lifted")
        self.holds.wait("online")
        self.assertEqual(self.statuses(), {"IN_PROGRESS"})
        self.holds.lift("online")
        self.kill()
        self.log.wait_state("idle")
        self.refuse_handshakes()
        self.assertEqual(self.statuses(), {"SUCCEEDED"})
        self.assertEqual(machine.status()["cloud"], "validated")
        # That of the first cloud access.
        self.assertEqual(len(machine.ports_of_handshakes(packets.close())), 1)

    def test_3_hung_it_is_ended_by_the_watchdog_and_resumes(self):
        machine.write(WATCHDOG, "[Service]\nWatchdogSec=4s\n")
        machine.systemctl("daemon-reload")
        machine.systemctl("restart", machine.AGENT)
        self.log.wait_state("idle")
        packets = machine.capture()
        machine.systemctl("kill", "--kill-whom=main", "-s", "STOP", machine.AGENT)
        self.log.wait("Watchdog timeout")
        self.log.wait_resumed()
        self.log.wait_state("idle")
        self.refuse_handshakes()
        # A process logs in to the cloud itself: the key may be another one than before.
        self.assertLessEqual(len(machine.ports_of_handshakes(packets.close())), 1)


if __name__ == "__main__":
    boots.main(Cut, Killed)
