# SPDX-License-Identifier: Apache-2.0
"""A private message bus for daemons under test."""

import contextlib

from harness.process import Process, run


class Bus:
    """`case` ends it with the test."""

    def __init__(self, case, name="bus", policy=""):
        """policy: more of the bus's configuration, which outranks that everybody may do all."""
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

    def call(self, method, *arguments):
        return run(["busctl", f"--address={self.address}", "call", "org.onboardd",
                    "/org/onboardd", "org.onboardd.Agent1", method, *arguments])

    def get(self, name):
        return run(["busctl", f"--address={self.address}", "get-property", "org.onboardd",
                    "/org/onboardd", "org.onboardd.Agent1", name]).strip()
