# SPDX-License-Identifier: Apache-2.0
"""A LAN of network namespaces: a laptop, which is where the test runs, and hosts that are plugged into its bridge. Each
has a message bus and an avahi-daemon of its own."""

import itertools
import os
import subprocess
import sys

from harness.bus import Bus
from harness.process import Process, finish, run

NETWORK = "10.77.0"
LAPTOP = f"{NETWORK}.1"
AVAHI = """[server]
host-name={name}
allow-interfaces={interface}
use-ipv4={ipv4}
use-ipv6={ipv6}
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
"""


def isolate():
    """Runs this program again where the network and /run are its own. All of it is gone with its last process."""
    if os.environ.get("ONBOARD_TEST_LAN"):
        return
    alone = ["unshare", "--net", "--mount"]
    # avahi-daemon gives its directory to a user of its own, so one who is mapped to root is not enough.
    if os.geteuid() != 0 or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        print(f"{sys.argv[0]} ... skipped: network namespaces need root")
        sys.exit(0)
    os.environ["ONBOARD_TEST_LAN"] = "1"
    prepare = ('mount -t tmpfs tmpfs /run && mkdir -p /run/netns /run/avahi-daemon && ip link set lo up && '
               'exec "$@"')
    os.execvp(alone[0], [*alone, "sh", "-c", prepare, "sh", sys.executable, *sys.argv])


def set_ipv6(interface, enable, prefix=()):
    """Addresses are good at once: nobody else is there who could have them."""
    here = f"/proc/sys/net/ipv6/conf/{interface}"
    run([*prefix, "sh", "-c", f"echo 0 >{here}/accept_dad; echo {0 if enable else 1} >{here}/disable_ipv6"])


class Machine:
    """One that has a bus and may run Avahi. `prefix` runs a program on it, `env` names its bus."""

    def __init__(self, case, name, interface, address, prefix=()):
        self.case = case
        self.name = name
        self.interface = interface
        self.address = address
        self.prefix = list(prefix)
        self.bus = Bus(case, name + ".bus")
        # Without the bus's id, which another one in its place would not have.
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.bus.address.split(",")[0]}
        self.avahi = None

    def start_avahi(self, ipv6=False):
        """Until it has made sure of its name; on one of the two protocols."""
        config = self.case.path(self.name + ".avahi")
        with open(config, "w", encoding="ascii") as f:
            f.write(AVAHI.format(name=self.name, interface=self.interface, ipv4="no" if ipv6 else "yes",
                                 ipv6="yes" if ipv6 else "no"))
        # Its directory in /run is for one of it on a machine.
        alone = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run/avahi-daemon && exec "$@"', "sh"]
        self.avahi = self.case.watch(Process(
            [*self.prefix, *alone, "avahi-daemon", "--debug", "--no-drop-root", "--no-chroot", "--no-rlimits",
             "--file", config], env=self.env, name=self.name + "-avahi"))
        self.avahi.wait_line("Server startup complete")
        return self.avahi

    def run(self, argv, **options):
        return run([*self.prefix, *argv], env=self.env, **options)

    def finish(self, argv, **options):
        return finish([*self.prefix, *argv], env=self.env, **options)


class Lan:
    def __init__(self, case):
        self.case = case
        self.ipv6 = False
        self.numbers = itertools.count(10)
        run(["ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0"])
        case.addCleanup(finish, ["ip", "link", "del", "br0"])
        set_ipv6("br0", False)
        run(["ip", "address", "add", f"{LAPTOP}/24", "brd", "+", "dev", "br0"])
        run(["ip", "link", "set", "br0", "up"])
        run(["ip", "route", "add", "224.0.0.0/4", "dev", "br0"])
        self.laptop = Machine(case, "laptop", "br0", LAPTOP)

    def allow_ipv6(self):
        """Link-local addresses, for the laptop and who is plugged from now on."""
        self.ipv6 = True
        set_ipv6("br0", True)

    def plug(self, name):
        """A machine with a cable to the bridge."""
        number = next(self.numbers)
        here = f"v{number}"
        run(["ip", "netns", "add", name])
        self.case.addCleanup(finish, ["ip", "netns", "del", name])
        run(["ip", "link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", name])
        run(["ip", "link", "set", here, "master", "br0", "up"])
        inside = ["ip", "-n", name]
        set_ipv6("eth0", self.ipv6, ["ip", "netns", "exec", name])
        address = f"{NETWORK}.{number}"
        run([*inside, "link", "set", "lo", "up"])
        run([*inside, "address", "add", f"{address}/24", "dev", "eth0"])
        run([*inside, "link", "set", "eth0", "up"])
        run([*inside, "route", "add", "224.0.0.0/4", "dev", "eth0"])
        return Machine(self.case, name, "eth0", address, ["ip", "netns", "exec", name])
