# SPDX-License-Identifier: Apache-2.0
"""A private message bus for daemons under test."""

import contextlib

from harness.process import Failure, Process, run

MARK = "org.onboardd.Test"


def monitor(which, match, name=None):
    """`busctl WHICH monitor`: a JSON line for each message that matches, beside those of the interface MARK; it listens when this
    returns."""
    busctl = ["busctl", *which]
    process = Process([*busctl, "monitor", "--json=short", "--match", match, "--match", f"type='signal',interface='{MARK}'"],
                      name=name)
    # Debian 13's does not say when it begins; a signal that comes through does.
    while process.popen.poll() is None and not any(MARK in text for text in process.texts()):
        run([*busctl, "emit", "/", MARK, "Mark"])
        with contextlib.suppress(Failure):
            process.wait_line(MARK, 0.1)
    return process


class Bus:
    """`case` ends it with the test."""

    def __init__(self, case, name="bus", policy=""):
        """policy: more of the bus's configuration, which outranks that everybody may do all."""
        self.case = case
        config = case.path(name + ".conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={case.path(name)}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  {policy}
</busconfig>
""")
        self.process = case.watch(Process(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"]))
        self.address = self.process.wait_line(r"(unix:\S+)").group(1)
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.address}

    @contextlib.contextmanager
    def watch_names(self):
        """A process that says a line `string "NAME"` for each name that comes or goes."""
        monitor = Process(["dbus-monitor", "--address", self.address,
                           "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"])
        try:
            # Its own name goes when it becomes a monitor.
            monitor.wait_line("NameLost|NameAcquired")
            yield monitor
        finally:
            monitor.end()

    def monitor(self, match):
        """A process that says what busctl(1) makes of each message that matches from now on, one JSON line each. What is of the
        interface MARK is none of them."""
        return self.case.watch(monitor([f"--address={self.address}"], match))

    def call(self, method, *arguments):
        return run(["busctl", f"--address={self.address}", "call", "org.onboardd",
                    "/org/onboardd", "org.onboardd.Agent1", method, *arguments])

    def get(self, name):
        return run(["busctl", f"--address={self.address}", "get-property", "org.onboardd",
                    "/org/onboardd", "org.onboardd.Agent1", name]).strip()
