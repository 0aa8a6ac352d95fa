# SPDX-License-Identifier: Apache-2.0
"""The test case and the runner of the lab: both say how far they are."""

import sys
import time
import unittest

from harness import case


def stage(text):
    """A line that a person sees at once, with the guest's own time."""
    print(f"-- {time.monotonic():5.1f} s  {text}", flush=True)


class Case(case.Case):
    """As in harness/case.py."""


class _Result(unittest.TextTestResult):
    def startTest(self, test):
        super().startTest(test)
        stage(str(test))

    def _ended(self, how, test):
        stage(f"... {how}: {test}")

    def addSuccess(self, test):
        super().addSuccess(test)
        self._ended("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._ended("FAIL", test)

    def addError(self, test, err):
        super().addError(test, err)
        self._ended("ERROR", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._ended("skipped", test)


def main(failfast=False, **options):
    """Further options are unittest.main()'s."""
    return unittest.main(verbosity=0, testRunner=unittest.TextTestRunner(
        stream=sys.stdout, verbosity=0, resultclass=_Result, failfast=failfast), **options)
