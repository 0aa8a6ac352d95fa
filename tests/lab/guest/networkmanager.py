# SPDX-License-Identifier: Apache-2.0
"""NetworkManager without systemd and udev, and the station on it."""

import os
import re
import signal

from harness.process import Process, finish, program
from lab.guest.wifi import INTERFACE

NETWORKMANAGER = "org.freedesktop.NetworkManager"
# Its other files are where they always are, so that what it leaves there can be looked at.
CONFIG = """
[main]
plugins=keyfile
auth-polkit={polkit}
no-auto-default=*
dhcp=internal
dns=none
[device-others]
match-device=*,except:interface-name:wlan0
managed=0
[connectivity]
enabled=false
[logging]
level=INFO
"""
RUNNING_PROFILES = "/run/NetworkManager/system-connections"
KEPT_PROFILES = "/etc/NetworkManager/system-connections"

AUTHENTICATION, OBTAINING_IP = 1, 3  # progress
AUTH_ERROR, NETWORK_NOT_FOUND = 0, 1  # failed
OPEN, WPA2, WPA3, UNKNOWN = 0, 3, 6, 255


class NetworkManager:
    def __init__(self, bus, polkit=False):
        """polkit: who is not root needs its permission."""
        self.bus = bus
        os.makedirs("/run/nm")
        os.makedirs(KEPT_PROFILES, exist_ok=True)
        with open("/run/nm/NetworkManager.conf", "w", encoding="ascii") as f:
            f.write(CONFIG.format(polkit=str(polkit).lower()))
        self.process = None
        self.start()

    def start(self):
        # Where /sys is read-only it does not wait for udev to have seen an interface.
        self.process = Process(
            ["unshare", "-m", "sh", "-c", 'mount -o remount,bind,ro /sys && exec NetworkManager "$@"', "-", "--debug",
             "--config=/run/nm/NetworkManager.conf", "--config-dir=/run/nm/none", "--system-config-dir=/run/nm/none"],
            name="NetworkManager")
        self.bus.wait_name(NETWORKMANAGER)

    def kill(self):
        self.process.end(signal.SIGKILL)
        self.bus.wait_name(NETWORKMANAGER, False)


def files_with(text, *folders):
    return finish(["grep", "-r", "-l", "-F", text, *folders]).stdout.splitlines()


class Station:
    """station_probe, which says one line for each event."""

    def __init__(self, test):
        stdin, self.commands = os.pipe()
        self.process = test.watch(Process([program("station_probe"), INTERFACE], name="station_probe", stdin=stdin))
        os.close(stdin)
        test.addCleanup(os.close, self.commands)
        self.seen = 0
        self.wait("available 1 .*backend=NetworkManager")

    def wait(self, pattern, limit_s=60):
        """The next line that matches; those before it are done with."""
        regex = re.compile(r"^\d+\.\d+ " + pattern)

        def find(lines):
            for number in range(self.seen, len(lines)):
                match = regex.match(lines[number][1])
                if match:
                    return number, match
            return None

        number, match = self.process.wait_for(find, f"line matching {pattern!r}", limit_s)
        self.passed = [text.split(" ", 1)[1] for _, text in self.process.lines[self.seen:number]]
        self.seen = number + 1
        return match

    def tell(self, *words):
        line = " ".join(str(word) for word in words)
        os.write(self.commands, line.encode() + b"\n")
        self.wait(f"did {words[0]} 0")

    def connect(self, ssid, auth, passphrase=None, *more):
        self.tell("connect", ssid.encode().hex(), auth, passphrase.encode().hex() if passphrase else "-", *more)

    def found(self):
        """The names of what the scan that just ended has found."""
        lines = (re.match(r'found ssid="(.+?)" ', text) for text in self.passed)
        return {line[1] for line in lines if line}

    def end(self):
        """How the connection ends: "linked" or the reason."""
        match = self.wait(r"(?:progress 3|failed (\d))")
        return "linked" if match[1] is None else int(match[1])

    def join(self, ssid, auth, passphrase=None, *more):
        self.connect(ssid, auth, passphrase, *more)
        how = self.end()
        if how != "linked":
            raise AssertionError(f"{ssid}: failed with reason {how}")
        return self.wait(r"network (.*)")[1]

    def wait_address(self):
        return self.wait(r"address 1 (192\.168\.77\.\d+)")[1]
