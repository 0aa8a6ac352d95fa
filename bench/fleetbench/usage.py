# SPDX-License-Identifier: Apache-2.0
"""What a process has used so far, as the kernel counts it."""

import os

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """Of all threads, to the nanosecond where the kernel counts so; ended threads by ticks."""
    total = 0.0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0]) / 1e9
    return total


def _ticks(pid, with_children):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return sum(int(v) for v in fields[11:15 if with_children else 13]) / TICKS


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(v) for v in f.read().split()]


def tree_cpu_s(pid):
    """Of a process, what it waited for, and its living children."""
    total = _ticks(pid, True)
    for child in _children(pid):
        try:
            total += cpu_s(child)
        except FileNotFoundError:
            pass
    return total


def memory_kb(pid, name="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


def pin(cpu):
    """For Popen's preexec_fn; None leaves the choice to the kernel."""
    def to_cpu():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
    return to_cpu
