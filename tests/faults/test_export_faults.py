# SPDX-License-Identifier: Apache-2.0
"""SIGKILL, and each of some errors, at every system call with which an export leaves a trace: the
directory holds the old set or the new one, whole, and the next run finishes, hook included."""

import collections
import os
import shutil
import signal
import tempfile
import unittest

import points
from harness import case, strace
from harness.pki import Pki
from harness.process import finish, program, run

CALLS = ("write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink", "unlinkat",
         "mkdirat", "openat", "fchmod", "fchown")
ERRORS = ("EIO", "ENOSPC", "EROFS")
FILES = ("ca.pem", "cert.pem", "key.pem")
PHASES = ("first", "change", "restore")
# ptrace leaves no room for LeakSanitizer.
QUIET = {"ASAN_OPTIONS": "detect_leaks=0"}

# Nothing here needs a real disk.
if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK):
    tempfile.tempdir = "/dev/shm"


class Point(collections.namedtuple("Point", "phase call n fault")):
    def __str__(self):
        return f"{self.phase} {self.call} {self.n} {self.fault}"


class Device:
    """A directory with a store, an export and the notes of its hook, copied from a template."""

    def __init__(self, directory, template=None):
        self.directory = directory
        if template:
            shutil.copytree(template, directory, symlinks=True)
        else:
            os.makedirs(os.path.join(directory, "out"))
        self.exported = os.path.join(directory, "out", "app")
        self.hooks = os.path.join(directory, "hooks")
        self.hook = os.path.join(directory, "hook")
        with open(self.hook, "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\necho x >>{self.hooks}\n")
        os.chmod(self.hook, 0o755)
        self.config = os.path.join(directory, "onboardd.conf")
        with open(self.config, "w", encoding="ascii") as f:
            f.write(f"[daemon]\nstate-directory = {directory}/state\n[export \"app\"]\n"
                    f"directory = {self.exported}\nhook-command = {self.hook}\n")

    def put(self, pki):
        run([program("export-once"), self.config, pki.root, pki.cert, pki.key])

    def export(self, calls=(), inject=()):
        argv = [program("export-once"), self.config]
        trace = os.path.join(self.directory, "trace")
        if calls:
            argv = strace.command(trace, argv, calls, inject, QUIET)
        done = finish(argv)
        return done, strace.read(trace) if calls else []

    def shown(self):
        """The contents, None when there is no directory."""
        if not os.path.isdir(self.exported):
            return None
        texts = []
        for name in FILES:
            try:
                with open(os.path.join(self.exported, name), encoding="ascii") as f:
                    texts.append(f.read())
            except FileNotFoundError:
                texts.append(None)
        return tuple(texts)

    def hook_runs(self):
        if not os.path.exists(self.hooks):
            return 0
        with open(self.hooks, encoding="ascii") as f:
            return len(f.readlines())


class Faults(case.Case):
    def setUp(self):
        super().setUp()
        old, new = Pki(self.path("old-pki")), Pki(self.path("new-pki"))
        self.templates, self.before, self.after = {}, {}, {}
        first = Device(self.path("first"))
        first.put(old)
        change = Device(self.path("change"), first.directory)
        change.export()
        restore = Device(self.path("restore"), change.directory)
        os.unlink(os.path.join(restore.exported, "cert.pem"))
        self.before = {"first": None, "change": change.shown(), "restore": restore.shown()}
        change.put(new)
        for phase, device in zip(PHASES, (first, change, restore)):
            self.templates[phase] = device.directory
            done = Device(self.path(phase + "-done"), device.directory)
            done.export()
            self.after[phase] = done.shown()
        self.assertNotIn(None, [self.after[p] for p in PHASES])
        self.assertNotEqual(self.before["change"], self.after["change"])

    def reference(self, phase):
        device = Device(self.path("reference-" + phase), self.templates[phase])
        _, calls = device.export(CALLS)
        # The hook is a process of its own: threads and children come with other numbers.
        return [(call.name, n) for call, n in strace.number(calls) if call.pid == calls[0].pid]

    def check(self, point):
        device = Device(self.path(str(point).replace(" ", "-")), self.templates[point.phase])
        before = device.hook_runs()
        inject = "signal=KILL" if point.fault == "KILL" else f"error={point.fault}"
        done, _ = device.export([point.call], [f"{point.call}:{inject}:when={point.n}"])
        if point.fault == "KILL" and done.returncode != -signal.SIGKILL:
            raise points.NotReached
        if point.fault != "KILL" and done.returncode < 0:
            raise points.Violation(f"ended by signal {-done.returncode}: {done.stderr[-400:]}")
        if device.shown() not in (self.before[point.phase], self.after[point.phase]):
            raise points.Violation("neither the old set nor the new one")
        again, _ = device.export()
        if "app exported" not in again.stdout:
            raise points.Violation(f"the next run did not finish: {again.stdout}{again.stderr[-400:]}")
        if device.shown() != self.after[point.phase]:
            raise points.Violation("the next run did not bring the new set")
        if os.listdir(os.path.join(device.directory, "out")) != ["app"]:
            raise points.Violation(f"left over: {os.listdir(os.path.join(device.directory, 'out'))}")
        runs = device.hook_runs() - before
        if not 1 <= runs <= 2:
            raise points.Violation(f"the hook ran {runs} times")
        device.export()
        if device.hook_runs() - before != runs:
            raise points.Violation("the hook ran for nothing")
        shutil.rmtree(device.directory)

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files to any group")
    def test_a_file_is_opened_to_a_group_after_it_was_given_to_it(self):
        device = Device(self.path("group"), self.templates["first"])
        with open(device.config, "a", encoding="ascii") as f:
            f.write("group = 4242\n")
        _, calls = device.export(("fchown", "fchmod"))
        names = [call.name for call in calls if "onboardd-new" in call.args]
        self.assertEqual(names, ["fchown", "fchmod"] * (len(FILES) + 2), "each file, the marker and the directory")

    def enumerate(self, kind, faults):
        found = [Point(phase, call, n, fault) for phase in PHASES for call, n in self.reference(phase)
                 for fault in faults]
        self.assertGreater(len(found), 100)
        self.assertEqual(points.try_all(kind, found, self.check, 400), [])

    def test_killed_at_any_call_a_whole_set_is_there_and_the_next_run_finishes(self):
        self.enumerate("export-kill", ["KILL"])

    def test_an_error_of_any_call_leaves_a_whole_set_and_the_next_run_finishes(self):
        self.enumerate("export-error", ERRORS)


if __name__ == "__main__":
    points.main(case)
