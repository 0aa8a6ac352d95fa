# SPDX-License-Identifier: Apache-2.0
"""A program that talks with a person: it has a terminal, and the test types."""

import json
import os
import pty
import re
import subprocess
import threading
import time

from harness.process import LIMIT_S, Failure, refuse_report


class Terminal:
    """`case` ends it with the test."""

    def __init__(self, case, argv):
        self.name = os.path.basename(argv[0])
        self.text = ""
        self._read_to = 0
        self._news = threading.Condition()
        self._open = True
        self._master, slave = pty.openpty()
        self.popen = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        threading.Thread(target=self._read, daemon=True).start()
        case.addCleanup(self._end)

    def _read(self):
        with open(os.path.join(os.environ["ONBOARD_TEST_LOGS"], f"{self.name}-terminal.log"), "ab", buffering=0) as log:
            while True:
                try:
                    data = os.read(self._master, 4096)
                except OSError:  # nobody has the other side any more
                    data = b""
                log.write(data)
                with self._news:
                    self.text += data.decode(errors="replace")
                    self._open = bool(data)
                    self._news.notify_all()
                if not data:
                    return

    def wait_text(self, pattern, limit_s=LIMIT_S):
        """The next match, behind the one before."""
        deadline = time.monotonic() + limit_s
        with self._news:
            while True:
                match = re.compile(pattern).search(self.text, self._read_to)
                if match:
                    self._read_to = match.end()
                    return match
                left = deadline - time.monotonic()
                if not self._open or left <= 0:
                    raise Failure(f"{self.name}: no {pattern!r}\n{self.text}")
                self._news.wait(left)

    def type(self, line):
        os.write(self._master, line.encode() + b"\n")

    def events(self):
        """The JSON lines so far."""
        with self._news:
            return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]

    def wait(self, limit_s=LIMIT_S):
        """The exit status, with all output read."""
        status = self.popen.wait(limit_s)
        with self._news:
            self._news.wait_for(lambda: not self._open, 10)
        return status

    def _end(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.wait()
        refuse_report(self.name, self.popen.returncode, self.text)
