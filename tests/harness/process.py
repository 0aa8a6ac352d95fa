# SPDX-License-Identifier: Apache-2.0
"""Starts programs of the build, keeps what they say, waits for lines and exits."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

# What the programs of the build run under: valgrind, when the preset says so.
WRAPPER = [word for word in os.environ.get("ONBOARD_TEST_WRAPPER", "").split(";") if word]
SLOWER = 5 if WRAPPER else 1
LIMIT_S = 60.0 * SLOWER
MEMORY_ERRORS_EXIT = 99  # valgrind's --error-exitcode
REPORT = re.compile(r"ERROR: (Address|Leak)Sanitizer|: runtime error: |(?m:^==\d+== )")

# An agent that changes its state under no trace id; who is stopped before its first cycle has none.
UNTRACED = re.compile(r"^.*\bstate old=(?!booting new=stopped)\S+ new=\S+ trace=- .*$", re.MULTILINE)

_programs = set()


class Failure(AssertionError):
    """A program did not do in time what the test waits for."""


def program(name):
    """The path of a program of the build: $NAME in capitals (ctest sets it), else searched for."""
    path = os.environ.get(name.upper().replace("-", "_")) or _search(name)
    _programs.add(path)
    return path


def _search(name):
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    build = os.environ.get("ONBOARD_BUILD_DIR", os.path.join(source, "build", "dev"))
    for folder, _, files in os.walk(build):
        if name in files and os.access(os.path.join(folder, name), os.X_OK):
            return os.path.join(folder, name)
    raise Failure(f"{name} is not built below {build}")


def command(argv):
    """The argv that runs argv, in which a program of the build goes under the wrapper."""
    words = [str(a) for a in argv]
    at = next((i for i, word in enumerate(words) if word in _programs), None)
    if at is None or not WRAPPER:
        return words
    # By its path: the launcher of harness/fdstore.py executes what stands here without a search.
    return words[:at] + [shutil.which(WRAPPER[0])] + WRAPPER[1:] + words[at:]


def refuse_report(name, status, said):
    """Fails when a sanitizer or valgrind found something."""
    if REPORT.search(said) or (WRAPPER and status == MEMORY_ERRORS_EXIT):
        raise AssertionError(f"{name} ended with a report of memory errors\n{said}")


def refuse_untraced(name, said):
    """Fails when an agent went on without telling which cycle it is in."""
    found = UNTRACED.search(said)
    if found:
        raise AssertionError(f"{name} says of no cycle: {found.group()}")


def _open_log(name):
    """Where all that programs of this name say is kept besides, for who looks when a test hangs: $ONBOARD_TEST_LOGS."""
    folder = os.environ.get("ONBOARD_TEST_LOGS")
    return open(os.path.join(folder, name + ".log") if folder else os.devnull, "a", buffering=1, encoding="utf-8")


class Process:
    """A running program; its output is read as it comes."""

    def __init__(self, argv, env=None, name=None, pass_fds=(), stdin=None):
        self.argv = [str(a) for a in argv]
        self.name = name or os.path.basename(self.argv[0])
        full_env = dict(os.environ)
        full_env.update(env or {})
        full_env = {k: str(v) for k, v in full_env.items() if v is not None}
        self.lines = []
        self._news = threading.Condition()
        self._open_streams = 2
        self.popen = subprocess.Popen(
            command(self.argv), env=full_env, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, pass_fds=pass_fds, text=True, errors="replace")
        self.pid = self.popen.pid
        for label, stream in (("out", self.popen.stdout), ("err", self.popen.stderr)):
            threading.Thread(target=self._read, args=(label, stream), daemon=True).start()

    def _read(self, label, stream):
        with _open_log(self.name) as log:
            for line in stream:
                with self._news:
                    self.lines.append((label, line.rstrip("\n")))
                    self._news.notify_all()
                log.write(line)
        stream.close()
        with self._news:
            self._open_streams -= 1
            self._news.notify_all()

    def output(self):
        with self._news:
            return "\n".join(f"{self.name} {label}: {text}" for label, text in self.lines)

    def texts(self, label="out"):
        with self._news:
            return [text for stream, text in self.lines if stream == label]

    def wait_for(self, find, what, limit_s=LIMIT_S):
        """Waits until find(lines) returns something true, and returns that."""
        deadline = time.monotonic() + limit_s
        with self._news:
            while True:
                found = find(self.lines)
                if found:
                    return found
                if self._open_streams == 0:
                    raise Failure(f"{self.name} ended before {what}\n{self._dump()}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Failure(f"{self.name}: no {what} in {limit_s} s\n{self._dump()}")
                self._news.wait(left)

    def _dump(self):
        return "\n".join(f"{self.name} {label}: {text}" for label, text in self.lines)

    def wait_line(self, pattern, limit_s=LIMIT_S, after=0):
        """The first line from number `after` on that matches."""
        regex = re.compile(pattern)

        def find(lines):
            for _, text in lines[after:]:
                match = regex.search(text)
                if match:
                    return match
            return None

        return self.wait_for(find, f"line matching {pattern!r}", limit_s)

    def json_lines(self):
        return [json.loads(t) for t in self.texts() if t.startswith("{")]

    def wait_json(self, accept, what, limit_s=LIMIT_S, after=0):
        """The first JSON line from number `after` of the JSON lines on that accept() takes."""
        def find(lines):
            objects = [json.loads(t) for s, t in lines if s == "out" and t.startswith("{")]
            for o in objects[after:]:
                if accept(o):
                    return o
            return None

        return self.wait_for(find, what, limit_s)

    def wait(self, limit_s=LIMIT_S):
        """The exit status (negative: the signal), with all output read."""
        try:
            status = self.popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end in {limit_s} s\n{self.output()}") from None
        deadline = time.monotonic() + 10
        with self._news:
            while self._open_streams and time.monotonic() < deadline:
                self._news.wait(deadline - time.monotonic())
        return status

    def wait_stopped(self, limit_s=LIMIT_S):
        """Waits until the program has stopped itself (SIGSTOP)."""
        ended = threading.Event()
        timer = threading.Timer(limit_s, lambda: (ended.set(), self.send_signal(signal.SIGKILL)))
        timer.start()
        try:
            info = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        finally:
            timer.cancel()
        if ended.is_set() or info.si_code != os.CLD_STOPPED:
            raise Failure(f"{self.name} did not stop where it should\n{self.output()}")

    def send_signal(self, number):
        if self.popen.poll() is None:
            os.kill(self.pid, number)

    def end(self, number=signal.SIGTERM, limit_s=30 * SLOWER):
        """Ends it if it still runs; its exit status."""
        self.send_signal(signal.SIGCONT)
        self.send_signal(number)
        try:
            return self.wait(limit_s)
        except Failure:
            self.send_signal(signal.SIGKILL)
            self.wait(10)
            raise


def finish(argv, env=None, limit_s=LIMIT_S, stdin_text=None):
    """Runs a short program to its end; what subprocess.run() says of it."""
    full_env = dict(os.environ)
    full_env.update(env or {})
    done = subprocess.run(command(argv), env=full_env, input=stdin_text or "",
                          capture_output=True, text=True, errors="replace", timeout=limit_s,
                          check=False)
    refuse_report(argv[0], done.returncode, done.stderr)
    return done


def run(argv, env=None, limit_s=LIMIT_S, stdin_text=None, expect=0):
    """Runs a short program to its end; its standard output."""
    done = finish(argv, env, limit_s, stdin_text)
    if expect is not None and done.returncode != expect:
        raise Failure(f"{' '.join(map(str, argv))}: exit {done.returncode}\n"
                      f"{done.stdout}\n{done.stderr}")
    return done.stdout
