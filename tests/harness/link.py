# SPDX-License-Identifier: Apache-2.0
"""A bad network between two network namespaces, a device's and a server's: tests/harness/link_emulator/ carries every IP packet
between them, late, twice, in another order or not at all. The server's end is the namespace that the test is in
(lifecycle.namespace.enter()), so that one service may have many links, unless it is to be apart."""

import ctypes
import os
import socket
import subprocess
import threading

from harness.process import Process, program, run

CLONE_NEWNET = 0x40000000

INTERFACE = "eth0"  # of the device


class End:
    """A network namespace with an address of either family; holder None: the one that the test is in."""

    def __init__(self, holder, interface, v4, v6):
        self.holder = holder
        self.interface = interface
        self.v4, self.v6 = v4, v6

    @property
    def netns(self):
        return f"/proc/{self.holder.pid if self.holder else os.getpid()}/ns/net"

    def argv_prefix(self):
        """Runs a program there."""
        return ["nsenter", f"--net={self.netns}"] if self.holder else []

    def run(self, *argv):
        return run([*self.argv_prefix(), *argv])

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_DGRAM):
        """A socket of that namespace for this process."""
        made = []

        def enter_and_open():
            with open(self.netns, "rb") as ns:
                if ctypes.CDLL(None, use_errno=True).setns(ns.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket(family, kind))

        # Namespaces are those of a thread.
        thread = threading.Thread(target=enter_and_open)
        thread.start()
        thread.join()
        return made[0]

    def configure(self, mtu, *addresses):
        """IPv6 does not exist on a link below 1280 bytes (RFC 8200 §5)."""
        self.run("ip", "link", "set", self.interface, "mtu", mtu, "up")
        for address in addresses:
            if mtu >= 1280 or ":" not in address:
                self.run("ip", "address", "add", address, "dev", self.interface, *(["nodad"] if ":" in address else ["brd", "+"]))


class Link:
    """Number 1 to 1000, of its own among the links of a server. Settings are those of link-emulator (`late_by` for late-by);
    nat=True puts the device behind NAT; the interfaces have MTUs of their own, which the programs may know."""

    def __init__(self, case, number=1, device_mtu=1500, server_mtu=1500, server_apart=False, nat=False, **settings):
        v4, v6 = f"10.{96 + (number >> 8)}.{number & 255}", f"fd98:{number:x}:"
        self.device = End(_hold(case), INTERFACE, f"{v4}.2", f"{v6}:2")
        self.server = End(_hold(case) if server_apart else None, f"link{number}", f"{v4}.1", f"{v6}:1")
        if nat:
            settings.update(nat4=f"{v4}.3", nat6=f"{v6}:3")
        self.process = Process(
            [program("link-emulator"), self.device.netns, self.device.interface, self.server.netns, self.server.interface,
             *(_setting(k, v) for k, v in settings.items())], name="link", stdin=subprocess.PIPE)
        case.addCleanup(self.process.popen.stdin.close)
        case.watch(self.process)
        self.process.wait_line("ready")
        for end, mtu in ((self.device, device_mtu), (self.server, server_mtu)):
            end.configure(mtu, f"{end.v4}/24", f"{end.v6}/64")
        self.device.run("ip", "route", "add", "default", "via", self.server.v4)

    def _command(self, text):
        """What was counted when it was obeyed."""
        before = len(self.process.json_lines())
        self.process.popen.stdin.write(text + "\n")
        self.process.popen.stdin.flush()
        return self.process.wait_json(lambda _: True, f"answer to {text!r}", after=before)

    def set(self, **settings):
        for key, value in settings.items():
            self._command("set " + _setting(key, value))

    def rebind(self):
        """Every flow of the device comes from another port from now on, and what goes to the old ones is dropped."""
        return self._command("rebind")

    def stats(self):
        """Of the directions "up", from the device, and "down": packets, bytes, udp, fragments and largest as they were sent,
        and what became of them: lost, duplicated, late, too_big, unmapped, delivered."""
        return self._command("stats")

    def close(self):
        """The counters at the end."""
        self.process.end()
        for end in (self.device, self.server):
            if end.holder:
                end.holder.end()
        return self.process.json_lines()[-1]


def _setting(key, value):
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return f"{key.replace('_', '-')}={value}"


def _hold(case):
    holder = case.watch(Process(["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"], name="namespace"))
    holder.wait_line("ready")
    run(["nsenter", f"--net=/proc/{holder.pid}/ns/net", "ip", "link", "set", "lo", "up"])
    return holder
