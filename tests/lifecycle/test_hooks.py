# SPDX-License-Identifier: Apache-2.0
"""Links that have to be down while credentials are written: the commands of [hooks]."""

import os
import signal

from harness import case
from owned import Owned


class Hooks(Owned):
    def hook(self, name, *lines, say=True):
        return self.script(name, *([f'echo "$ONBOARD_HOOK" >>{self.path("said")}'] if say else []), *lines)

    def begin(self, offline=(), online=(), **hooks):
        """A claimed device whose first batch is still to come."""
        self.device.set("hooks", offline=self.hook("offline", *offline), online=self.hook("online", *online), **hooks)
        self.claim()

    def said(self):
        return self.lines("said")

    def order(self, *names):
        """Positions in the log of the first line with each of these."""
        text = self.daemon.output()
        at = [text.index(name) for name in names]
        self.assertEqual(at, sorted(at), text)

    def test_the_link_is_down_between_suspend_and_resume_and_only_then(self):
        self.begin()
        self.start()
        self.order("session saved in memory", "hook name=offline done", "new=executing", "new=resuming",
                   "hook name=online done", "session resumed without a round trip")
        self.assertEqual(self.said(), ["offline", "online"])
        self.assertEqual(self.status()["provisioning"]["handshakes_full"], 1)
        # A cycle without commands leaves the link alone.
        self.ctl("provision", "--wait")
        self.assertEqual(self.said(), ["offline", "online"])

    def test_without_suspension_the_link_goes_down_too(self):
        self.device.set("provisioning", suspend="no")
        self.begin()
        self.start()
        self.order("hook name=offline done", "new=executing", "new=resuming", "hook name=online done")

    def test_a_command_that_fails_is_told_of_and_the_cycle_goes_on(self):
        self.begin(offline=['echo "modem says no" >&2', "exit 3"], online=["exit 4"])
        self.start()
        log = self.daemon.output()
        self.assertIn("exit status 3: modem says no, going on", log)
        self.assertIn("exit status 4, going on", log)
        self.assertEqual(self.said(), ["offline", "online"])
        self.assertEqual(self.status()["outcome"], "ok")

    def test_a_command_that_does_not_end_is_killed_and_the_cycle_goes_on(self):
        self.begin(offline=["exec sleep 1000"], timeout="1s")
        self.start()
        self.assertIn("took too long, and was killed, going on", self.daemon.output())
        self.assertEqual(self.status()["outcome"], "ok")

    def test_a_program_that_is_not_there_is_told_of_and_the_cycle_goes_on(self):
        self.device.set("hooks", offline=self.path("nothing"), online=self.hook("online"))
        self.claim()
        self.start()
        self.assertIn("hook name=offline failed: No such file or directory, going on", self.daemon.output())
        self.assertEqual(self.said(), ["online"])

    def test_words_reach_the_program_as_they_are_and_no_shell_sees_them(self):
        show = self.script("show", f'printf "%s\\n" "$#" "$@" "$HOME" >{self.path("words")}')
        self.device.set("hooks", offline=f"{show} -m 0 $HOME `id` && --x=*")
        self.claim()
        self.start()
        self.assertEqual(self.lines("words"), ["6", "-m", "0", "$HOME", "`id`", "&&", "--x=*", ""])

    def wait_down(self):
        """The daemon waits for an offline command that never ends."""
        os.mkfifo(self.path("down"))
        self.begin(offline=[f"echo down >{self.path('down')}", "exec sleep 1000"], timeout="5min")
        self.start(until=None)
        with open(self.path("down"), encoding="ascii") as f:
            self.assertEqual(f.read(), "down\n")

    def test_a_daemon_that_is_stopped_meanwhile_brings_the_link_up_first(self):
        self.wait_down()
        self.assertEqual(self.daemon.end(), 0)
        self.assertEqual(self.said(), ["offline", "online"])
        self.assertIn("hook name=online done", self.daemon.output())
        self.device.set("hooks", offline=self.hook("offline"))
        self.start()
        self.assertEqual(self.said(), ["offline", "online", "offline", "online"])

    def test_a_daemon_that_was_killed_meanwhile_brings_the_link_up_at_its_next_start(self):
        self.wait_down()
        self.daemon.end(signal.SIGKILL)
        self.assertEqual(self.said(), ["offline"])
        self.device.set("hooks", offline=self.hook("offline"))
        self.start()
        self.order("the link may have been left down", "hook name=online done", "old=booting")
        self.assertEqual(self.said(), ["offline", "online", "offline", "online"])
        # And that once.
        self.restart()
        self.assertNotIn("left down", self.daemon.output())


if __name__ == "__main__":
    case.main()
