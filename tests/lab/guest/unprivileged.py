# SPDX-License-Identifier: Apache-2.0
"""onboardd as its unit and the drop-in for Wi-Fi run it: as a user with a group, one capability, and little else."""

import os
import shutil

from harness.process import program, run
from lab.guest.bus import SOURCE
from lab.guest.device import Device

USER = "onboardd"
# The tree may be where that user cannot look.
HERE = "/run/onboardd-test"
UNIT = "packaging/systemd/onboardd.service.in"
DROP_IN = "packaging/systemd/onboardd-wifi.conf"


def make_user():
    """Before the bus starts: it looks the names of its policies up once."""
    run(["systemd-sysusers", os.path.join(SOURCE, "packaging/systemd/onboardd.sysusers")])
    os.makedirs(HERE)
    for path in (program("onboardd"), os.path.join(os.path.dirname(__file__), "sandbox.py"),
                 os.path.join(SOURCE, UNIT), os.path.join(SOURCE, DROP_IN)):
        shutil.copy(path, HERE)


def directive(name):
    """The value of the drop-in."""
    with open(os.path.join(SOURCE, DROP_IN), encoding="utf-8") as f:
        return next(line.strip().partition("=")[2] for line in f if line.startswith(name + "="))


def drop(user, groups, capability=None):
    """The argv that runs argv with no other rights than these."""
    capabilities = "-all" + (f",+{capability.lower().removeprefix('cap_')}" if capability else "")
    return ["setpriv", "--reuid", user, "--regid", user if user == USER else "nogroup",
            *(["--groups", groups] if groups else ["--clear-groups"]),
            f"--bounding-set={capabilities}", f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}",
            "--no-new-privs"]


class Unprivileged(Device):
    def __init__(self, case, bus, with_drop_in=True, groups=None, capability=None, **options):
        """As with the drop-in, or without it; groups and capability: instead of what that gives."""
        super().__init__(case, bus, **options)
        self.with_drop_in = with_drop_in
        self.groups = groups if groups is not None else directive("SupplementaryGroups")
        self.capability = capability if capability is not None else directive("AmbientCapabilities")

    def start(self):
        # What StateDirectory= does with a directory of another owner: onboardd --init was root's.
        run(["chown", "-R", f"{USER}:{USER}", self.case.directory])
        os.chmod(self.case.directory, 0o700)
        os.chmod(os.path.dirname(self.case.pki().root), 0o755)
        os.chmod(self.case.pki().root, 0o644)
        units = [os.path.join(HERE, "onboardd.service.in")]
        if self.with_drop_in:
            units.append(os.path.join(HERE, "onboardd-wifi.conf"))
        self.agent.binary = os.path.join(HERE, "onboardd")
        # The check for leaks needs ptrace(), which the unit forbids.
        self.process = self.agent.start_daemon(
            env={"ASAN_OPTIONS": ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))},
            argv_prefix=[*drop(USER, self.groups, self.capability), "/usr/bin/python3",
                         os.path.join(HERE, "sandbox.py"), *units, "--"])
        self.bus.wait_name("org.onboardd")
        return self


# Of methods that have some: sd-bus looks at their types before anybody is asked.
ARGUMENTS = {"Connect": 'ayaysayb 1 97 0 "" 0 false', "OpenWindow": "t 0", "SetInterval": "t 59", "RollBackCredentials": "u 1", "Reset": "as 1 x"}


def allowed_to(user, destination, path, interface, methods):
    """{method: whether that user, who is in no group, is let in}: by the bus, by onboardd and by polkit."""
    calls = [f"{method} {ARGUMENTS.get(method, '')}" for method in methods]
    script = 'for call; do eval "busctl call $0 %s %s $call" 2>&1 | tr "\\n" " "; echo; done' % (path, interface)
    said = run([*drop(user, None), "sh", "-c", script, destination, *calls]).splitlines()
    return {method: "access denied" not in line.lower() for method, line in zip(methods, said, strict=True)}
