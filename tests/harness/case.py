# SPDX-License-Identifier: Apache-2.0
"""The test case that the system tests derive from: temporary directory, PKI, clean-up, reports."""

import os
import shutil
import sys
import tempfile
import unittest

from harness.pki import Pki
from harness.process import refuse_report, refuse_untraced


class Case(unittest.TestCase):
    _shared = None

    @classmethod
    def pki(cls):
        """One PKI for all cases of a file: making it costs four processes."""
        if Case._shared is None:
            directory = tempfile.mkdtemp(prefix="onboard-pki-")
            unittest.addModuleCleanup(shutil.rmtree, directory, ignore_errors=True)
            Case._shared = Pki(directory)
        return Case._shared

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="onboard-test-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self._processes = []

    def __str__(self):
        return self._testMethodName.removeprefix("test_").replace("_", " ")

    def shortDescription(self):
        return None

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def watch(self, process):
        """Ends the process with the test, and shows what it said when the test fails."""
        self._processes.append(process)
        self.addCleanup(self._end, process)
        return process

    def _end(self, process):
        try:
            process.end()
        finally:
            if not self._ok():
                print(process.output(), file=sys.stderr)
        said = "\n".join(process.texts("err"))
        refuse_report(process.name, process.popen.returncode, said)
        refuse_untraced(process.name, said)

    def _ok(self):
        return getattr(self._outcome, "success", True)


def main():
    unittest.main(verbosity=2)
