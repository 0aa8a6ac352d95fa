# SPDX-License-Identifier: Apache-2.0
"""systemd's file descriptor store (sd_pid_notify_with_fds(3), FileDescriptorStoreMax=), emulated:
takes FDSTORE=1 messages, keeps the descriptors, and hands them to the next start of the program."""

import array
import contextlib
import os
import socket
import sys
import threading
import time

from harness.process import LIMIT_S, Failure

# Runs between the test and the program: only the process itself knows the pid LISTEN_PID must name.
_LAUNCHER = """
import fcntl, os, sys
n = int(sys.argv[1])
fds = [int(a) for a in sys.argv[2:2 + n]]
spare = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in fds]
for fd in fds:
    os.close(fd)
for at, fd in enumerate(spare):
    os.dup2(fd, 3 + at, inheritable=True)
    os.close(fd)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(n)
os.execv(sys.argv[2 + n], sys.argv[2 + n:])
"""


class FdStore:
    def __init__(self, directory):
        self.path = os.path.join(directory, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(0.2)
        self.stored = []  # (name, fd)
        self.messages = []  # each a dict
        self._news = threading.Condition()
        self._ending = False
        self._settled = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def env(self):
        return {"NOTIFY_SOCKET": self.path}

    def _run(self):
        while not self._ending:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(64 * 4))
            except socket.timeout:
                continue
            except OSError:
                return
            fds = array.array("i")
            for level, kind, payload in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds.frombytes(payload[:len(payload) - len(payload) % fds.itemsize])
            message = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
            with self._news:
                if message.get("X_SETTLED"):
                    self._settled += 1
                    self._news.notify_all()
                    continue
                self._apply(message, list(fds))
                self.messages.append(message)
                self._news.notify_all()

    def _apply(self, message, fds):
        name = message.get("FDNAME", "stored")
        if message.get("FDSTOREREMOVE") == "1":
            gone = [fd for n, fd in self.stored if n == name]
            self.stored = [(n, fd) for n, fd in self.stored if n != name]
            fds += gone
        elif message.get("FDSTORE") == "1":
            for fd in fds:
                # systemd keeps one copy of what it holds already.
                if not any(os.path.samestat(os.fstat(fd), os.fstat(kept))
                           for _, kept in self.stored):
                    self.stored.append((name, fd))
                else:
                    os.close(fd)
            fds = []
        for fd in fds:
            os.close(fd)

    def settle(self):
        """Returns when all that was sent before has been taken in: of a program that ended, all."""
        with self._news:
            already = self._settled
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"X_SETTLED=1", self.path)
        with self._news:
            if not self._news.wait_for(lambda: self._settled > already, LIMIT_S):
                raise Failure("the fd store does not take its messages")

    def wait(self, accept, what, limit_s=LIMIT_S):
        """Waits until accept(messages so far) holds."""
        deadline = time.monotonic() + limit_s
        with self._news:
            while not accept(self.messages):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Failure(f"no {what} in {limit_s} s; messages: {self.messages}")
                self._news.wait(left)

    def wait_names(self, names, limit_s=LIMIT_S):
        """Waits until exactly these names are stored."""
        self.wait(lambda _: sorted(n for n, _ in self.stored) == sorted(names),
                  f"store of {names}", limit_s)

    def names(self):
        with self._news:
            return sorted(name for name, _ in self.stored)

    def launch(self):
        """(argv prefix, environment, pass_fds) of a start that gets what is stored, as systemd's
        restart of a unit: the store keeps its own copies."""
        with self._news:
            names = [n for n, _ in self.stored]
            fds = [fd for _, fd in self.stored]
        env = dict(self.env)
        if not fds:
            return [], env, ()
        env["LISTEN_FDNAMES"] = ":".join(names)
        prefix = [sys.executable, "-c", _LAUNCHER, str(len(fds)), *map(str, fds)]
        return prefix, env, tuple(fds)

    def close(self):
        self._ending = True
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"X_SETTLED=1", self.path)
        self._thread.join(5)
        self._socket.close()
        for _, fd in self.stored:
            os.close(fd)
        self.stored = []
