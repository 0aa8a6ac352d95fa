# SPDX-License-Identifier: Apache-2.0
"""System calls of onboardd that fail, once or from then on, and writes that are cut short, at each place
from the first boot to a renewal of its credentials: it may go on or give up, but it says so, does not
crash, loses nothing, and the next start finishes the work. One point alone:
test_errors.py --point 'cycle pwrite64 ENOSPC 3'."""

import collections

import cycle
import points
from harness import agent, case, strace
from points import NotReached, Violation

DISK = ("ENOSPC", "EIO", "EROFS")
TABLE = ("EMFILE", "ENOMEM")
# "+": not only this time, but from then on.
ERRORS = {
    "write": ("ENOSPC", "EIO"), "writev": ("ENOSPC", "EIO"),
    "pwrite64": ("ENOSPC", "EIO", "ENOSPC+"),
    "ftruncate": ("ENOSPC", "EIO"), "fallocate": ("ENOSPC", "EIO"),
    "fsync": ("ENOSPC", "EIO"), "fdatasync": ("ENOSPC", "EIO", "EIO+"),
    "rename": DISK, "renameat": DISK, "renameat2": DISK, "link": DISK, "linkat": DISK, "unlink": DISK,
    "unlinkat": DISK, "mkdir": DISK, "fchown": ("EIO", "EROFS"), "fchmod": ("EIO", "EROFS"),
    "openat": (*TABLE, "EIO", "EROFS", "ENOSPC", "EMFILE+"),
    "read": ("EIO",), "pread64": ("EIO", "EIO+"), "newfstatat": ("EIO", "ENOMEM"), "flock": ("EIO", "ENOMEM"),
    "fcntl": ("EIO",),
    "mmap": ("ENOMEM", "ENOMEM+"), "mlock2": ("ENOMEM",), "mlock": ("ENOMEM",),
    "clone3": ("ENOMEM", "EAGAIN"),
    "socket": TABLE, "epoll_create1": TABLE, "epoll_ctl": ("ENOMEM",), "timerfd_create": TABLE,
    "signalfd4": TABLE, "eventfd2": TABLE, "pipe2": TABLE, "memfd_create": TABLE, "dup3": TABLE,
    "connect": ("ENOMEM",), "sendto": ("ENOMEM", "EIO", "EIO+"), "recvfrom": ("ENOMEM", "EIO", "EIO+"),
    "sendmsg": ("ENOMEM", "EIO"), "recvmsg": ("ENOMEM", "EIO"),
}
SHORT = ("write", "pwrite64")  # what tests/faults/preload.c can halve
STATUSES = range(agent.EXIT_DONE, agent.EXIT_STORE + 1)
MOST = 300


class Point(collections.namedtuple("Point", "phase call error n")):
    def __str__(self):
        return f"{self.phase} {self.call} {self.error} {self.n}"

    @property
    def injection(self):
        return f"{self.call}:error={self.error.rstrip('+')}:when={self.n}{'+' if self.error.endswith('+') else ''}"


def is_file(call, device_folder="/state"):
    """Of a call that takes a descriptor: whether that is of a file."""
    where = call.args.split(",")[0]
    return device_folder in where or "memfd:" in where


def is_possible(call, error):
    """Whether Linux may answer so."""
    if call.name == "epoll_ctl":
        return "EPOLL_CTL_ADD" in call.args
    return call.name != "openat" or error not in ("EROFS", "ENOSPC") or "O_CREAT" in call.args


def enumerate_points(world):
    found = []
    for phase in cycle.PHASES:
        n_short = 0
        for call, n in cycle.reference(world, phase, ERRORS):
            found += [Point(phase, call.name, error, n) for error in ERRORS[call.name] if is_possible(call, error)]
            if call.name in SHORT and is_file(call):
                n_short += 1
                found.append(Point(phase, "any-write", "short", n_short))
    return found


def refuse_silence(phase, outcome):
    """It ended on its own, and said why when that was not with success."""
    if outcome.status not in STATUSES:
        raise Violation(f"crashed: {outcome.describe()}")
    if phase == "boot" and outcome.status == agent.EXIT_DONE and not outcome.out.strip():
        raise Violation("no row for the factory, and no error")
    if outcome.status == cycle.EXPECTED[phase]:
        return
    told = [line for line in outcome.err.splitlines() if line and not line.startswith(("state ", "step "))]
    if not told and outcome.result.get("outcome") in (None, "ok"):
        raise Violation(f"failed in silence: {outcome.describe()}")


class Errors(case.Case):
    def test_a_call_that_fails_loses_nothing(self):
        world = cycle.World(self)

        def attempt(point):
            device = cycle.Device(world, str(point))
            try:
                device.bring_to(point.phase)
                refuse_silence(point.phase, self.start(device, point))
                device.check_struck()
                device.finish(point.phase)
            finally:
                device.close()

        self.assertEqual(points.try_all("error", enumerate_points(world), attempt, MOST), [])

    def start(self, device, point):
        if point.error == "short":
            outcome = device.start(point.phase, timeout_s=2, env={"ONBOARD_TEST_SHORT": str(point.n)})
            if "short\n" not in device.told():
                raise NotReached
            return outcome
        outcome = device.start(point.phase, calls=[point.call], inject=[point.injection], timeout_s=2)
        with open(outcome.trace, encoding="utf-8", errors="replace") as f:
            if "(INJECTED)" not in f.read():
                raise NotReached
        return outcome


if __name__ == "__main__":
    points.main(case)
