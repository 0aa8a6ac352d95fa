# SPDX-License-Identifier: Apache-2.0
"""polkit with rules that the test names, and no others."""

import os

from harness.process import Process, run

POLKIT = "org.freedesktop.PolicyKit1"
RULES = ("/usr/share/polkit-1/rules.d", "/etc/polkit-1/rules.d")


def none_by_itself():
    """Before the bus starts: it would start polkit for whoever asks."""
    service = "/usr/share/dbus-1/system-services/" + POLKIT + ".service"
    if os.path.exists(service):
        os.unlink(service)


class Polkit:
    def __init__(self, bus):
        self.bus = bus
        self.process = None
        for folder in RULES:
            os.makedirs(folder, exist_ok=True)
            run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", folder])
        self.use(None)

    def use(self, rules):
        """With this text as the only rules."""
        if self.process:
            self.process.end()
            self.bus.wait_name(POLKIT, False)
        path = os.path.join(RULES[0], "onboardd.rules")
        if rules is None:
            if os.path.exists(path):
                os.unlink(path)
        else:
            with open(path, "w", encoding="utf-8") as f:
                f.write(rules)
            os.chmod(path, 0o644)
        self.process = Process(["/usr/lib/polkit-1/polkitd"], name="polkitd")
        self.bus.wait_name(POLKIT)
