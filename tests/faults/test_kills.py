# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at each system call with which onboardd leaves a trace, from the first boot to a renewal of
its credentials: whatever it had done by then, the next start finishes the work, and what
cycle.Device checks holds. One point alone: test_kills.py --point 'cycle fdatasync 3'."""

import collections
import signal

import cycle
import points
from harness import case, strace

# The n-th of them is not made any more: the process dies on entry.
CALLS = ("write", "writev", "pwrite64", "pwritev", "ftruncate", "fallocate", "fsync", "fdatasync", "sync_file_range",
         "msync", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "fchown", "fchmod",
         "openat", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "memfd_create")
MOST = 300


class Point(collections.namedtuple("Point", "phase call n")):
    def __str__(self):
        return f"{self.phase} {self.call} {self.n}"


class Kills(case.Case):
    def test_killed_at_any_call_the_next_start_finishes_the_work(self):
        world = cycle.World(self)
        found = [Point(phase, call.name, n) for phase in cycle.PHASES
                 for call, n in cycle.reference(world, phase, CALLS)]

        def attempt(point):
            device = cycle.Device(world, str(point))
            try:
                device.bring_to(point.phase)
                inject = [f"{point.call}:signal=KILL:when={point.n}"]
                if device.start(point.phase, calls=[point.call], inject=inject).status != -signal.SIGKILL:
                    raise points.NotReached
                device.check_struck()
                device.finish(point.phase)
            finally:
                device.close()

        self.assertEqual(points.try_all("kill", found, attempt, MOST), [])


if __name__ == "__main__":
    points.main(case)
