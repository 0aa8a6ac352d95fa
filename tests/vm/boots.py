# SPDX-License-Identifier: Apache-2.0
"""Tests over several boots of one guest: what was written to the disk is there, what was in memory is not."""

import os
import signal
import subprocess
import sys

from lab.guest import case

NUMBER = "/run/lab/boot"  # on the host
REBOOTING = "/run/lab/rebooting"  # tests/lab/conduct looks for it


def _number():
    if not os.path.exists(NUMBER):
        return 0
    with open(NUMBER, encoding="ascii") as f:
        return int(f.read())


def _write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def _reboot():
    subprocess.run(["systemctl", "--no-block", "--job-mode=replace-irreversibly", "start", "reboot.target"], check=True)
    signal.pause()


def _cut_power():
    """What the kernel has not written yet is lost."""
    _write("/proc/sysrq-trigger", "b")
    signal.pause()


ENDS = {"reboot": _reboot, "power cut": _cut_power}


def main(*cases):
    """Runs the tests of one class a boot. How the boot ends when they have passed is the class's `end`."""
    number = _number()
    if os.path.exists(REBOOTING):
        os.unlink(REBOOTING)
    done = case.main(defaultTest=cases[number].__name__, argv=sys.argv[:1], exit=False, failfast=True).result
    if not done.wasSuccessful() or number + 1 == len(cases):
        sys.exit(not done.wasSuccessful())
    _write(NUMBER, str(number + 1))
    _write(REBOOTING, "")
    case.stage(cases[number].end)
    ENDS[cases[number].end]()
