# SPDX-License-Identifier: Apache-2.0
"""Wi-Fi: one simulated radio for the device, one for access points in a network namespace of their own.

wlan0 is the device's, run by wpa_supplicant (or what the test starts instead) and dhcpcd, which stands for the system's
DHCP client. Packets to 192.168.77.1 go through the air.
"""

import contextlib
import ctypes
import os
import signal

from harness.process import Process, run
from lab.guest.case import stage

INTERFACE = "wlan0"
NAMESPACE = "ap"
GATEWAY = "192.168.77.1"  # in the namespace, over the air
PASSPHRASE = "correct horse"
WPA_SUPPLICANT = "fi.w1.wpa_supplicant1"
CLONE_NEWNET = 0x40000000

PSK = f"wpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase={PASSPHRASE}\n"
SAE = f"wpa=2\nwpa_key_mgmt=SAE\nrsn_pairwise=CCMP\nieee80211w=2\nsae_password={PASSPHRASE}\n"
MIXED = (f"wpa=2\nwpa_key_mgmt=WPA-PSK SAE\nrsn_pairwise=CCMP\nieee80211w=1\n"
         f"wpa_passphrase={PASSPHRASE}\nsae_password={PASSPHRASE}\n")
BRIDGED = "bridge=br0\n"

# What stands where, as `ssid` (text or hex) and the rest of hostapd's lines.
NETWORKS = (
    ("ssid=lab-wpa2", PSK + BRIDGED),
    ("ssid=lab-wpa3", SAE + BRIDGED),
    ("ssid=lab-mixed", MIXED + BRIDGED),
    ("ssid=lab-open", BRIDGED),
    ("ssid2=6c61622dff00fe", BRIDGED),  # "lab-" and three bytes that are no UTF-8
    ("ssid=lab-hidden", "ignore_broadcast_ssid=1\n" + PSK + BRIDGED),
    ("ssid=lab-nodhcp", PSK),
)


def inside(*argv):
    """The argv that runs argv where the access points are."""
    return ["ip", "netns", "exec", NAMESPACE, *argv]


@contextlib.contextmanager
def namespace():
    """This thread is where the access points are; a socket that it opens stays there."""
    with open("/proc/thread-self/ns/net", encoding="ascii") as home, \
            open(f"/run/netns/{NAMESPACE}", encoding="ascii") as there:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(there.fileno(), CLONE_NEWNET) < 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


class AccessPoints:
    """hostapd with all NETWORKS on channel 1."""

    def __init__(self):
        self.config = "/run/hostapd.conf"
        with open(self.config, "w", encoding="ascii") as f:
            f.write("interface=wlan1\ndriver=nl80211\nhw_mode=g\nchannel=1\nieee80211n=1\n")
            for number, (ssid, lines) in enumerate(NETWORKS):
                if number > 0:
                    f.write(f"bss=wlan1_{number}\n")
                f.write(f"{ssid}\n{lines}")
        self.process = None

    def start(self):
        self.process = Process(inside("hostapd", "-t", self.config), name="hostapd")
        self.process.wait_line("AP-ENABLED")

    def stop(self, goodbye=True):
        """Without a goodbye the stations only miss the beacons."""
        self.process.end(signal.SIGTERM if goodbye else signal.SIGKILL)


class Wifi:
    def __init__(self, bus, supplicant=True, dhcp=True):
        self.bus = bus
        run(["modprobe", "mac80211_hwsim", "radios=2"])
        with open("/sys/class/net/wlan1/phy80211/name", encoding="ascii") as f:
            phy = f.read().strip()
        run(["ip", "netns", "add", NAMESPACE])
        run(["iw", "phy", phy, "set", "netns", "name", NAMESPACE])
        self._wire()
        self.access_points = AccessPoints()
        self.access_points.start()
        self.dhcp_server = Process(inside(
            "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=br0", "--bind-interfaces",
            "--dhcp-range=192.168.77.50,192.168.77.99,1h", f"--dhcp-option=3,{GATEWAY}", "--dhcp-option=6", "--no-ping",
            "--log-dhcp", "--dhcp-leasefile=/run/leases", "--pid-file=/run/dnsmasq.pid"), name="dnsmasq")
        self.dhcp_server.wait_line("IP range")
        self.supplicant = self.dhcp_client = None
        if supplicant:
            self.start_supplicant()
        if dhcp:
            self.start_dhcp()
        stage("Wi-Fi is up")

    @staticmethod
    def _wire():
        for argv in (
                ["-n", NAMESPACE, "link", "set", "lo", "up"],
                ["-n", NAMESPACE, "link", "add", "br0", "type", "bridge", "forward_delay", "0"],
                # Without a broadcast address libcoap 4.3.4 takes the address itself for one (service/coap_deaf.c).
                ["-n", NAMESPACE, "addr", "add", f"{GATEWAY}/24", "brd", "+", "dev", "br0"],
                ["-n", NAMESPACE, "link", "set", "br0", "up"]):
            run(["ip", *argv])

    def start_supplicant(self):
        os.makedirs("/run/wpa_supplicant", exist_ok=True)
        self.supplicant = Process(["wpa_supplicant", "-u", "-t"])
        self.bus.wait_name(WPA_SUPPLICANT)

    def stop_supplicant(self, number=signal.SIGTERM):
        self.supplicant.end(number)
        self.bus.wait_name(WPA_SUPPLICANT, False)

    def start_dhcp(self):
        """It watches the carrier by itself, as it does on a device. No probing for a conflict, no 169.254/16."""
        self.dhcp_client = Process(["dhcpcd", "-B", "-4", "-A", "-L", "-f", "/dev/null", INTERFACE])

    def address(self):
        """wlan0's IPv4 address, or None."""
        for line in run(["ip", "-4", "-o", "addr", "show", "dev", INTERFACE]).splitlines():
            return line.split()[3].split("/")[0]
        return None

    @staticmethod
    def bssid(number):
        """Of NETWORKS[number]."""
        name = "wlan1" if number == 0 else f"wlan1_{number}"
        return run(inside("cat", f"/sys/class/net/{name}/address")).strip()
