# SPDX-License-Identifier: Apache-2.0
"""The guest's system bus, with Debian's policies and ours."""

import json
import os
import shutil
import time

from harness.bus import monitor
from harness.process import LIMIT_S, Failure, Process, finish, run

SOURCE = os.environ["ONBOARD_SOURCE_DIR"]


class SystemBus:
    def __init__(self):
        os.makedirs("/run/dbus", exist_ok=True)
        shutil.copy(os.path.join(SOURCE, "packaging/dbus/org.onboardd.conf"), "/etc/dbus-1/system.d/")
        self.daemon = Process(["dbus-daemon", "--system", "--nofork", "--nopidfile", "--print-address"])
        self.daemon.wait_line("unix:")
        self.signals = monitor(["--system"], "type='signal'", name="signals")

    def until(self, check, what, limit_s=LIMIT_S):
        """What check() returns once that is true; it is asked again after every signal on the bus."""
        deadline = time.monotonic() + limit_s
        while True:
            seen = len(self.signals.lines)
            found = check()
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure(f"{what}: not in {limit_s} s")
            self.signals.wait_for(lambda lines: len(lines) > seen, what, left)

    def has(self, name):
        """Whether somebody owns the name; starts nobody."""
        return "true" in run(["busctl", "--system", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus",
                              "NameHasOwner", "s", name])

    def wait_name(self, name, is_there=True):
        self.until(lambda: self.has(name) == is_there, f"{name} {'comes' if is_there else 'goes'}")

    def call(self, destination, path, interface, method, *arguments):
        """What the method returned, decoded."""
        text = run(["busctl", "--system", "--json=short", "call", destination, path, interface, method, *arguments])
        return json.loads(text)["data"] if text.strip() else None

    def get(self, destination, path, interface, name):
        """The property's value; None when there is no such object or property."""
        done = finish(["busctl", "--system", "--json=short", "get-property", destination, path, interface, name])
        return json.loads(done.stdout)["data"] if done.returncode == 0 else None

    def set(self, destination, path, interface, name, signature, *value):
        run(["busctl", "--system", "set-property", destination, path, interface, name, signature, *value])

    def objects(self, destination, path="/"):
        """{path: {interface: {property: value}}} of an object manager."""
        answer = self.call(destination, path, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")[0]
        return {path: {interface: {name: value["data"] for name, value in properties.items()}
                       for interface, properties in interfaces.items()}
                for path, interfaces in answer.items()}
