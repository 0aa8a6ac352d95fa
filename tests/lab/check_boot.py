# SPDX-License-Identifier: Apache-2.0
"""boot.py on the host: what a guest does wrong is told, and nothing of it passes."""

import os
import shutil
import sys
import unittest

from harness import case
from harness.process import Process

BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot.py")


@unittest.skipUnless(shutil.which("qemu-system-x86_64"), "no QEMU; scripts/install-deps lab")
class Boot(case.Case):
    def boot(self, script, limit_s=120):
        """(exit status, output) of a guest that runs script."""
        path = self.path("guest.py")
        with open(path, "w", encoding="utf-8") as f:
            f.write(script)
        process = Process([sys.executable, BOOT, "--name", "check_boot", path],
                          env={"ONBOARD_LAB_LIMIT_S": limit_s})
        status = process.wait()
        return status, "\n".join(process.texts())

    def test_what_the_guest_prints_is_here_and_a_good_end_is_good(self):
        status, said = self.boot("print('from inside', open('/proc/1/comm').read())")
        self.assertEqual(status, 0, said)
        self.assertIn("from inside", said)

    def test_a_test_that_fails_is_a_failure(self):
        status, said = self.boot("raise SystemExit(3)")
        self.assertEqual(status, 1)
        self.assertIn("the test failed", said)

    def test_a_guest_that_ends_without_a_word_is_a_failure(self):
        status, said = self.boot("open('/proc/sysrq-trigger', 'w').write('o')\nimport time\ntime.sleep(60)")
        self.assertEqual(status, 1)
        self.assertIn("without a result", said)

    def test_a_crash_of_the_kernel_is_a_failure_and_shown(self):
        status, said = self.boot("open('/proc/sysrq-trigger', 'w').write('c')")
        self.assertEqual(status, 1)
        self.assertIn("the guest's kernel crashed: ", said)
        self.assertIn("Call Trace", said)

    def test_a_crash_that_somebody_hid_from_the_test_is_a_failure(self):
        status, said = self.boot("open('/dev/kmsg', 'w').write('<2>kernel BUG at lib/list_debug.c:56!\\n')")
        self.assertEqual(status, 1)
        self.assertIn("the guest's kernel crashed: ", said)

    def test_a_sanitizers_report_in_any_log_is_a_failure(self):
        status, said = self.boot("open('/run/lab/daemon.log', 'w').write("
                                 "'==7==ERROR: AddressSanitizer: heap-use-after-free on\\n')")
        self.assertEqual(status, 1)
        self.assertIn("daemon.log has a sanitizer's report", said)

    def test_a_guest_that_hangs_is_killed_in_time(self):
        status, said = self.boot("import signal\nprint('hanging', flush=True)\nsignal.pause()", limit_s=15)
        self.assertEqual(status, 1)
        self.assertIn("did not end in 15 s", said)


if __name__ == "__main__":
    case.main()
