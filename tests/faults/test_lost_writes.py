# SPDX-License-Identifier: Apache-2.0
"""A power cut that takes with it what was not synced: onboardd is killed as in test_kills.py, its state directory
is made anew from the recorded calls with unsynced writes and names lost in each of the ways that disk.py
knows, and the next start must finish the work from there. Results that are equal, the service having seen
the same, are tried once. One alone: test_lost_writes.py --point 'cycle fdatasync 3 all-but 1'."""

import collections
import hashlib
import os
import shutil
import signal

import cycle
import disk
import points
from harness import case, strace
from points import NotReached, Violation

MOST = 300
TEXT_MAX = 1 << 20
METHOD = "recorded system calls replayed with unsynced writes, sizes and names lost, reordered and torn"
EXIT = "exit"  # not killed: the power fails after the process ended


class Point(collections.namedtuple("Point", "phase call n variant")):
    def __str__(self):
        return f"{self.phase} {self.call} {self.n} {self.variant}"


class Recorded(cycle.Device):
    """A device whose calls are replayed into a model of its disk."""

    def __init__(self, world, name):
        super().__init__(world, name)
        self.disk = disk.Disk(self.folder, os.path.basename(self.state))

    def record(self, phase, inject=()):
        """One start, and its calls for disk.Disk.replay()."""
        outcome = self.start(phase, calls=disk.CALLS, inject=inject, text_max=TEXT_MAX)
        return outcome, self.disk.replay(strace.number(strace.read(outcome.trace)))

    def pass_through(self, phase):
        if self.disk is None:
            return super().pass_through(phase)
        outcome, replayed = self.record(phase)
        collections.deque(replayed, maxlen=0)
        self.compare()
        if outcome.status != cycle.EXPECTED[phase]:
            raise Violation(f"{phase} without a fault does not finish: {outcome.describe()}")
        self.after(phase, outcome)
        return outcome

    def compare(self):
        """The model is no model if it is not what is there."""
        real, model = disk.read(self.folder, self.disk.top), self.disk.tree()
        for name in sorted({*real, *model}):
            if real.get(name) != model.get(name) or (name in real) != (name in model):
                raise AssertionError(f"the model of the disk is wrong about {name}")

    def lose(self, variant):
        """The power fails: from here on the disk holds what this variant left."""
        if variant not in self.disk.variants():
            raise NotReached
        tree = self.disk.tree(variant)
        shutil.rmtree(self.state, ignore_errors=True)
        disk.write(self.folder, tree)
        self.disk = None


def distinct(world, phase):
    """The points of a phase whose results differ in what the disk holds or the world has seen."""
    device = Recorded(world, "recorded")
    try:
        device.bring_to(phase)
        _, replayed = device.record(phase)
        known, found = set(), []

        def look(call, n):
            for variant in device.disk.variants():
                content = hashlib.sha256(repr(sorted(device.disk.tree(variant).items())).encode()).digest()
                if (device.disk.seen, content) not in known:
                    known.add((device.disk.seen, content))
                    found.append(Point(phase, call, n, variant))

        for call, n in replayed:
            look(call.name, n)
        device.compare()
        look(EXIT, 0)
        return found
    finally:
        device.close()


class LostWrites(case.Case):
    def test_what_was_not_synced_may_be_lost_in_any_way(self):
        world = cycle.World(self)
        found = [point for phase in cycle.PHASES for point in distinct(world, phase)]
        self.assertEqual(points.try_all("lost-write", found, lambda p: self.attempt(world, p), MOST, METHOD), [])

    def attempt(self, world, point):
        device = Recorded(world, str(point))
        try:
            device.bring_to(point.phase)
            inject = [] if point.call == EXIT else [f"{point.call}:signal=KILL:when={point.n}"]
            outcome, replayed = device.record(point.phase, inject)
            collections.deque(replayed, maxlen=0)
            if outcome.status != (-signal.SIGKILL if inject else cycle.EXPECTED[point.phase]):
                raise NotReached
            device.compare()
            device.lose(point.variant)
            device.check_struck()
            device.finish(point.phase)
        finally:
            device.close()


if __name__ == "__main__":
    points.main(case)
