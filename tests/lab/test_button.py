# SPDX-License-Identifier: Apache-2.0
"""A button on a GPIO line of a real kernel: wifi/button.c by itself (tests/peers/button_probe.c)."""

import os
import signal
import subprocess

from harness.process import Process, finish, program
from lab.guest import case
from lab.guest.gpio import Lines

HIGH, LOW, HELD, UNTOUCHED = 0, 1, 2, 3  # lines: pressed when high, when low; held down from the start
lines = None
probes = {}


def button(number, polarity, chip=None):
    """A probe that watches until the guest ends.

    Letting a line go makes the driver of Debian's 6.1 sleep where it must not (cp2112_gpio_irq_shutdown() under a
    spinlock), which is a crash. So a probe is stopped at the end and never sees the end of its input.
    """
    probe = Process([program("button_probe"), chip or lines.name, number, polarity], stdin=subprocess.PIPE)
    probe.wait_line("^ready$")
    probes[number] = probe


def setUpModule():
    global lines
    lines = Lines()
    lines.put(LOW, 1)
    lines.put(HELD, 1)
    button(HIGH, "high")
    button(LOW, "low")
    button(HELD, "high")
    button(UNTOUCHED, "high", f"/dev/{lines.name}")


def tearDownModule():
    for probe in probes.values():
        os.kill(probe.pid, signal.SIGSTOP)


class Button(case.Case):
    def assertPresses(self, number, count):
        self.assertEqual(probes[number].texts(), ["ready"] + ["press"] * count)

    def test_each_press_is_told_once_and_letting_go_is_none(self):
        for number, pressed in ((HIGH, 1), (LOW, 0)):
            for count in (1, 2, 3):
                lines.change(number, pressed)
                self.assertPresses(number, count)
                lines.change(number, 1 - pressed)
                self.assertPresses(number, count)
        self.assertPresses(UNTOUCHED, 0)

    def test_a_button_held_down_from_the_start_is_no_press_until_it_was_let_go(self):
        self.assertPresses(HELD, 0)
        lines.change(HELD, 0)
        self.assertPresses(HELD, 0)
        lines.change(HELD, 1)
        self.assertPresses(HELD, 1)

    def test_a_line_is_kept_from_floating(self):
        self.assertLessEqual({"onboardd", "input", "pull-down"}, lines.said_of(HIGH))
        self.assertLessEqual({"onboardd", "input", "active-low", "pull-up"}, lines.said_of(LOW))
        self.assertNotIn("active-low", lines.said_of(HIGH))

    def refusal(self, chip, number):
        done = finish([program("button_probe"), chip, number, "high"])
        self.assertEqual(done.returncode, 1)
        return done.stdout

    def test_a_line_that_somebody_has_is_busy(self):
        self.assertEqual(self.refusal(lines.name, HIGH), "failed Device or resource busy\n")

    def test_what_is_no_line_is_no_device(self):
        for chip, number in ((lines.name, "8"), (lines.name, "4294967295"), ("gpiochip9", "0"), ("/dev/null", "0")):
            self.assertEqual(self.refusal(chip, number), "failed No such device\n", (chip, number))


if __name__ == "__main__":
    case.main()
