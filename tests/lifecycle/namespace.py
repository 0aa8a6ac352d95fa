# SPDX-License-Identifier: Apache-2.0
"""Network namespaces for tests that nobody else's network may notice: enter() moves the test itself into a network, mount and
user namespace of its own; inside, a Device has a network namespace of its own and a cable to the bridge of the test's."""

import os
import subprocess
import sys

from harness.process import Process, run

ENTERED = "ONBOARD_TEST_NAMESPACE"
BRIDGE = "br0"
PREFIX = "10.99"


def enter():
    """Does not return when this is not such a namespace yet: starts the program again in one."""
    if os.environ.get(ENTERED):
        return
    os.environ[ENTERED] = "yes"
    user = ["--map-root-user"]
    # The kernel gives no user namespace to a chroot; root does without.
    if os.geteuid() == 0 and subprocess.run(["unshare", *user, "true"], capture_output=True, check=False).returncode != 0:
        user = []
    os.execvp("unshare", ["unshare", *user, "--net", "--mount", sys.executable, *sys.argv])


def build_bridge(case, *hosts):
    """The network that everybody shares, and the addresses in it of who serves: host numbers of 10.99.0.0/16. `case` ends it."""
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    case.addCleanup(run, ["ip", "link", "delete", BRIDGE])
    for host in hosts:
        run(["ip", "address", "add", f"{PREFIX}.0.{host}/16", "brd", "+", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])
    run(["nft", "-f", "-"], stdin_text="""
table inet faults {
    # Before fragments are put together.
    chain in { type filter hook prerouting priority -450; }
    chain out { type filter hook postrouting priority 450; }
}
""")
    case.addCleanup(run, ["nft", "delete", "table", "inet", "faults"])


class Device:
    """What a device has of the network: `eth0`, an address, a default route, a resolver. Number 1 to 250."""

    def __init__(self, case, number):
        self.case = case
        self.number = number
        self.address = f"{PREFIX}.1.{number}"
        self.resolver = case.path(f"resolv-{number}.conf")
        self.holder = case.watch(Process(["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"]))
        self.holder.wait_line("ready")
        self.ip("link", "set", "lo", "up")
        self.resolve_by(f"{PREFIX}.0.1")

    def plug_in(self, mtu=1500):
        end = f"w{self.number}"
        run(["ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid)])
        run(["ip", "link", "set", end, "master", BRIDGE, "up"])
        self.ip("link", "set", "eth0", "mtu", str(mtu), "up")

    def pull_out(self):
        run(["ip", "link", "set", f"w{self.number}", "down"])

    def configure(self):
        self.ip("address", "add", f"{self.address}/16", "dev", "eth0")
        self.ip("route", "add", "default", "via", f"{PREFIX}.0.1")

    def resolve_by(self, address):
        with open(self.resolver, "w", encoding="ascii") as f:
            f.write(f"nameserver {address}\noptions timeout:2 attempts:1\n")

    def ip(self, *words):
        run(["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "ip", *words])

    def filter_here(self, rule):
        """A rule of the device itself for what it sends."""
        run(["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "nft", "-f", "-"], stdin_text=f"""
table inet own {{
    chain out {{
        type filter hook output priority 0;
        {rule}
    }}
}}
""")

    def filter_on_the_way(self, rule_up=None, rule_down=None):
        """Of the network between it and the rest: what is matched of its datagrams, or of those to it, disappears."""
        if rule_up:
            run(["nft", "add", "rule", "inet", "faults", "in", "ip", "saddr", self.address, *rule_up.split(), "drop"])
        if rule_down:
            run(["nft", "add", "rule", "inet", "faults", "out", "ip", "daddr", self.address, *rule_down.split(), "drop"])

    def argv_prefix(self):
        """Runs a program inside, with the device's own resolver."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "unshare", "--mount", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.resolver]
