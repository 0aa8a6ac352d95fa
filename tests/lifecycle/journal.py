# SPDX-License-Identifier: Apache-2.0
"""A systemd-journald of the test's own, in the namespace of namespace.enter()."""

import json
import os
import subprocess

from harness.process import Process, run

JOURNALD = "/lib/systemd/systemd-journald"


def prepare():
    """Once a program: a /run of its own."""
    run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    os.makedirs("/run/log/journal")
    os.makedirs("/run/systemd/journal")


class Journal:
    """`case` ends it."""

    # Before a program's argv: what it writes to stderr goes to the journal, and it is told so, as systemd does.
    argv_prefix = ("systemd-cat", "-t", "onboardd", "sh", "-c",
                   'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"', "sh")

    def __init__(self, case):
        self.process = case.watch(Process([JOURNALD]))
        with subprocess.Popen(["sh", "-c", "until systemd-cat -t test true; do :; done"],
                              stderr=subprocess.DEVNULL) as waiting:
            try:
                case.assertEqual(waiting.wait(60), 0)
            finally:
                waiting.kill()  # it would ask for ever where journald has ended

    def text(self):
        run(["journalctl", "--sync"])
        return run(["journalctl", "-o", "cat", "--no-pager"])

    def entries(self, *matches):
        run(["journalctl", "--sync"])
        return [json.loads(line) for line in run(["journalctl", "-o", "json", "--no-pager", *matches]).splitlines()]
