# SPDX-License-Identifier: Apache-2.0
"""The machines that tests/package/run has made: chroots, in which nothing runs but what a test runs."""

import glob
import os
import shutil
import subprocess
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLONE = "/root/onboardd"
PACKAGES = CLONE + "/build/packages"
ENVIRONMENT = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
               "TERM": "dumb", "DEBIAN_FRONTEND": "noninteractive"}


class Machine:
    def __init__(self, name):
        self.root = os.path.join(os.environ["ONBOARD_MACHINES"], name)

    def path(self, name):
        """Of a file of the machine, outside of it."""
        return self.root + name

    def argv(self, command, directory="/root", **settings):
        words = [f"{name}={value}" for name, value in {**ENVIRONMENT, **settings}.items()]
        return ["chroot", self.root, "/usr/bin/env", "-i", *words, "bash", "-c", f"cd {directory} && {command}"]

    def run(self, command, directory="/root", stdin="", **settings):
        """What the command printed. Exit codes other than 0 are failures of the test, with all that it said."""
        done = self.attempt(command, directory, stdin, **settings)
        if done.returncode != 0:
            raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def attempt(self, command, directory="/root", stdin="", **settings):
        return subprocess.run(self.argv(command, directory, **settings), input=stdin, text=True, capture_output=True, check=False)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def has(self, name):
        return os.path.lexists(self.path(name))

    def owner(self, name):
        return self.run(f"stat -c '%U:%G %a' {name}").strip()

    def copy_to(self, other, name, place):
        """As with scp."""
        for path in glob.glob(self.path(name)):
            shutil.copy(path, other.path(place))

    def clone(self):
        """A clean clone of what is committed."""
        subprocess.run(["git", "bundle", "create", "--quiet", self.path("/root/onboardd.bundle"), "HEAD"], cwd=SOURCE, check=True)
        self.run(f"git clone --quiet /root/onboardd.bundle {CLONE}")


_built = []


def built():
    """The machine that the packages were built on, by the README's command; once for all tests of a run."""
    if not _built:
        # Here and not above: readme.py has nothing to do with machines.
        from readme import blocks  # pylint: disable=import-outside-toplevel
        machine = Machine("build")
        machine.clone()
        for block in blocks("Install it", "Packages"):
            for command in block.commands():
                machine.run(command, CLONE)
        _built.append(machine)
    return _built[0]


def packages():
    """Paths of the packages, outside of the machine, without those of debugging symbols."""
    return sorted(p for p in glob.glob(built().path(PACKAGES + "/*.deb")) if "-dbgsym_" not in p)


_fresh = {}


def fresh(name, *names):
    """A machine that had nothing, with these packages beside root, none of which is installed yet. Once for all tests of a run."""
    if name not in _fresh:
        machine = Machine(name)
        # The layer below may be some weeks old, and what Debian had then is not on its mirrors any more.
        machine.run("apt-get -qq update")
        for package in names:
            built().copy_to(machine, f"{PACKAGES}/{package}_*.deb", "/root/")
        _fresh[name] = machine
    return _fresh[name]


class Case(unittest.TestCase):
    maxDiff = None

    def __str__(self):
        return self._testMethodName.removeprefix("test_").replace("_", " ")

    def shortDescription(self):
        return None
