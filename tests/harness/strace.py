# SPDX-License-Identifier: Apache-2.0
"""strace(1) around a program: what it called, and faults injected into its calls."""

import collections
import re

_LINE = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)", re.S)
_RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)", re.S)
_UNFINISHED = " <unfinished ...>"

# name; args as strace wrote them; result as text, "?" when it never came back; pid is the thread.
Call = collections.namedtuple("Call", "pid name args result")


def command(output, program, calls=(), inject=(), env=(), text_max=None):
    """The argv that runs program (a list) under strace, which writes to the file `output`: of `calls`
    only (names), with the `inject` expressions of strace(1), `env` for the program alone, and texts
    in hexadecimal up to text_max bytes when that is given. (--seccomp-bpf would lose signals.)"""
    argv = ["strace", "-f", "-y", "-e", "signal=none", "-o", output]
    if calls:
        argv += ["-e", "trace=" + ",".join(calls)]
    for expression in inject:
        argv += ["-e", "inject=" + expression]
    if text_max is not None:
        argv += ["-xx", "-s", str(text_max)]
    for name, value in dict(env).items():
        argv += ["-E", f"{name}={value}"]
    return argv + [str(word) for word in program]


def read(path):
    """The calls of a trace in the order in which they were entered."""
    calls, open_calls = [], {}
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            line = line.rstrip("\n")
            resumed = _RESUMED.match(line)
            if resumed:
                at, begun = open_calls.pop((resumed["pid"], resumed["name"]), (None, None))
                if at is not None:
                    calls[at] = _split(resumed["pid"], resumed["name"], begun + resumed["rest"])
                continue
            match = _LINE.match(line)
            if not match:
                continue
            pid, name, rest = match["pid"], match["name"], match["rest"]
            if rest.endswith(_UNFINISHED):
                rest = rest.removesuffix(_UNFINISHED)
                open_calls[pid, name] = len(calls), rest
                calls.append(Call(pid, name, rest, "?"))
            else:
                calls.append(_split(pid, name, rest))
    return calls


def _split(pid, name, rest):
    args, _, result = rest.rpartition(" = ")
    return Call(pid, name, args.rstrip().removesuffix(")"), result or "?")


def number(calls):
    """[(call, n)]: n counts the calls of one name of one thread from 1, as when= of strace does."""
    counted = collections.Counter()
    found = []
    for call in calls:
        counted[call.pid, call.name] += 1
        found.append((call, counted[call.pid, call.name]))
    return found
