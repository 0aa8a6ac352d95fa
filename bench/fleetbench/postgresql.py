# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of the bench's own: a cluster in a directory, asked over a socket in it, gone at the end."""

import glob
import os
import pwd
import shutil
import subprocess

from fleetbench import usage
from fleetbench.service import Failure, tail

USER = "postgres"
DATABASE = "onboard"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "max_connections": "50",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "logging_collector": "off",
}


def programs():
    """The folder with initdb and postgres of the newest version here."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[-2]))
    if not found:
        raise Failure("PostgreSQL's server is not installed: scripts/install-deps")
    return found[-1]


class Postgresql:
    name = "postgresql"

    def __init__(self, work, cpu=None):
        self.work, self.cpu = work, cpu
        self.bin = programs()
        self.directory = os.path.join(work, "postgresql")
        self.log = os.path.join(work, "postgresql.log")
        self.process = None

    def _run(self, *argv):
        done = subprocess.run([os.path.join(self.bin, argv[0]), *argv[1:]], user=self._user(),
                              capture_output=True, text=True, check=False, cwd="/")
        if done.returncode != 0:
            raise Failure(f"{' '.join(argv)}: {done.stderr}")

    @staticmethod
    def _user():
        """The server refuses to run as root."""
        return USER if os.geteuid() == 0 else None

    def start(self):
        os.chmod(self.work, 0o711)
        os.mkdir(self.directory, 0o700)
        if self._user():
            entry = pwd.getpwnam(USER)
            os.chown(self.directory, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", self.directory + "/data", "-U", USER, "--auth=trust",
                  "--no-sync", "--encoding=UTF8", "--no-locale")
        os.chmod(self.directory, 0o755)
        settings = [f"-c{k}={v}" for k, v in SETTINGS.items()]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.bin, "postgres"), "-D", self.directory + "/data", "-k",
                 self.directory, *settings], user=self._user(), stdout=log, stderr=log, cwd="/",
                preexec_fn=usage.pin(self.cpu))
        for _ in range(300):
            ready = subprocess.run([os.path.join(self.bin, "pg_isready"), "-q", "-t", "1", "-h",
                                    self.directory], check=False)
            if ready.returncode == 0:
                return self
            if self.process.poll() is not None:
                break
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass
        raise Failure(f"PostgreSQL did not start:\n{tail(self.log)}")

    def options(self):
        where = self.directory.replace("/", "%2F")
        return ["--store", f"postgresql://{USER}@{where}/{DATABASE}"]

    def cpu_s(self):
        return usage.tree_cpu_s(self.process.pid)

    def clear(self):
        shutil.rmtree(os.path.join(self.work, "service"), ignore_errors=True)
        self._run("psql", "-q", "-h", self.directory, "-U", USER, "-d", "postgres", "-c",
                  f'drop database if exists {DATABASE} with (force)')
        self._run("psql", "-q", "-h", self.directory, "-U", USER, "-d", "postgres", "-c",
                  f'create database {DATABASE}')

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        shutil.rmtree(self.directory, ignore_errors=True)
