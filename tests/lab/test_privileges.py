# SPDX-License-Identifier: Apache-2.0
"""Wi-Fi with the rights that packaging/ gives onboardd, and what it says when some are missing."""

import os
import shutil

from harness.process import finish, program, run
from lab.guest import case
from lab.guest.bus import SOURCE, SystemBus
from lab.guest.device import NAME, PATH, WIFI
from lab.guest.networkmanager import NetworkManager
from lab.guest.polkit import Polkit, none_by_itself
from lab.guest.radios import Radios
from lab.guest.unprivileged import Unprivileged, allowed_to, drop, make_user
from lab.guest.wifi import PASSPHRASE, Wifi

AGENT = "org.onboardd.Agent1"
bus = radios = wifi = polkit = None
ACTIONS = "/usr/share/polkit-1/actions"
RULE = """polkit.addRule(function(action, subject) {
	if (action.id == "%s" && subject.user == "nobody")
		return polkit.Result.YES;
});
"""


def setUpModule():
    global bus, radios, wifi, polkit
    make_user()
    none_by_itself()
    bus = SystemBus()
    radios = Radios(bus)
    wifi = Wifi(bus)
    os.makedirs(ACTIONS, exist_ok=True)
    shutil.copy(os.path.join(SOURCE, "packaging/polkit/org.onboardd.policy"), ACTIONS)


def rights(process):
    """What the kernel says that a process has."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f)


class AsItsUser(case.Case):
    def setUp(self):
        super().setUp()
        radios.forget_devices()

    def test_with_the_drop_in_it_advertises_by_the_kernel_is_configured_over_ble_and_connects(self):
        trace = radios.trace(self)
        device = Unprivileged(self, bus).start()
        has = rights(device.process)
        self.assertNotIn("0", has["Uid"].split())
        net_admin = f"{1 << 12:016x}"
        self.assertEqual([has[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")], [net_admin] * 4)
        self.assertEqual((has["NoNewPrivs"], has["Seccomp"]), ("1", "2"))

        device.wait_advertising()
        trace.wait_line(r"MGMT Open: onboardd \(privileged\)")
        trace.wait_line(r"MGMT Command: Add Extended Advertising Data \(0x0055\)")

        # bluetoothd calls objects of ours, pairing included.
        events, _ = device.configure("--ssid", "lab-wpa2", "--passphrase-file", device.passphrase_file(PASSPHRASE))
        self.assertEqual([e for e in events if e["event"] == "result"][-1]["state"], "connected")
        device.ctl("wifi", "forget")
        device.stop()

    def test_root_connects_it_and_others_may_look_and_call_nothing(self):
        device = Unprivileged(self, bus).start()
        device.wait_stage("unconfigured")
        device.connect("lab-wpa2", PASSPHRASE)
        status = device.wait_stage("connected")
        self.assertEqual(status["address"], wifi.address())

        self.assertEqual(run([*drop("nobody", None), "busctl", "get-property", NAME, PATH, WIFI, "Stage"]).strip(),
                         's "connected"')
        methods = [line.split()[0].lstrip(".") for line in
                   run(["busctl", "--system", "--no-legend", "--no-pager", "introspect", NAME, PATH, WIFI]).splitlines()
                   if line.split()[1] == "method"]
        self.assertIn("Connect", methods)
        self.assertIn("Status", methods)
        self.assertEqual(allowed_to("nobody", NAME, PATH, WIFI, methods), {method: False for method in methods})
        # And that is no fault of the question: these take no arguments.
        self.assertEqual(allowed_to("root", NAME, PATH, WIFI, ["Status", "Scan"]), {"Status": True, "Scan": True})
        self.assertEqual(device.status()["stage"], "connected")
        device.ctl("wifi", "forget")
        device.stop()

    def test_without_the_capability_bluez_advertises_and_the_log_says_why(self):
        trace = radios.trace(self)
        device = Unprivileged(self, bus, capability="").start()
        self.assertEqual(rights(device.process)["CapEff"], "0" * 16)
        device.wait_advertising()
        device.process.wait_line("advertising by the kernel: .*CAP_NET_ADMIN.*by BlueZ instead")
        trace.wait_line("MGMT Open: onboardd version")
        device.configure("--ssid", "lab-wpa2", "--passphrase-file", device.passphrase_file(PASSPHRASE))
        device.wait_stage("connected")
        device.ctl("wifi", "forget")
        device.stop()

    def test_without_the_drop_in_it_says_what_is_missing(self):
        device = Unprivileged(self, bus, with_drop_in=False, groups="", capability="").start()
        device.wait_advertising()
        device.process.wait_line("advertising by the kernel: .*by BlueZ instead")
        device.process.wait_line("wpa_supplicant: .*netdev")
        device.stop()


class Actions(case.Case):
    """Whoever is neither root nor of the group: polkit decides."""

    def letting(self, *actions):
        polkit.use("".join(RULE % action for action in actions))
        agent = allowed_to("nobody", NAME, PATH, AGENT, ["Provision", "SetInterval", "RollBackCredentials", "ClaimToken"])
        reset = allowed_to("nobody", NAME, PATH, "org.onboardd.Reset1", ["Reset", "Receipt"])
        link = allowed_to("nobody", NAME, PATH, WIFI, ["Scan", "Forget", "OpenWindow", "Status"])
        return {method for which in (agent, reset, link) for method, is_allowed in which.items() if is_allowed}

    def test_each_action_opens_its_methods_to_whom_a_rule_names_and_no_others(self):
        global polkit
        device = Unprivileged(self, bus).start()
        device.wait_stage("unconfigured")
        self.assertEqual(self.denied_without_polkit(), set())
        polkit = Polkit(bus)
        self.assertEqual(self.letting(), set())
        self.assertEqual(self.letting("org.onboardd.provision"), {"Provision", "SetInterval"})
        self.assertEqual(self.letting("org.onboardd.credentials"), {"RollBackCredentials"})
        self.assertEqual(self.letting("org.onboardd.wifi"), {"Scan", "Forget", "OpenWindow"})
        self.assertEqual(self.letting("org.onboardd.reset"), {"Reset"})
        device.stop()

    def denied_without_polkit(self):
        methods = ["Provision", "SetInterval", "RollBackCredentials"]
        return {m for m, is_allowed in allowed_to("nobody", NAME, PATH, AGENT, methods).items() if is_allowed}


class WithPolkit(case.Case):
    """Last of the file: NetworkManager keeps the interface."""

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(SOURCE, "packaging/polkit/onboardd.rules"), encoding="utf-8") as f:
            cls.rules = f.read()
        wifi.dhcp_client.end()
        cls.polkit = polkit or Polkit(bus)
        NetworkManager(bus, polkit=True)

    def without(self, action):
        """The shipped rules but for one action."""
        lines = [line for line in self.rules.splitlines() if f"NetworkManager.{action}\"" not in line]
        self.assertEqual(len(lines), len(self.rules.splitlines()) - 1)
        return "\n".join(lines)

    def test_networkmanager_takes_it_with_the_shipped_rules_and_each_of_them_is_needed(self):
        self.polkit.use(self.rules)
        device = Unprivileged(self, bus).start()
        device.wait_stage("unconfigured")
        device.connect("lab-wpa2", PASSPHRASE)
        self.assertEqual(device.wait_stage("connected")["address"], wifi.address())
        device.ctl("wifi", "forget")
        device.wait_stage("unconfigured")

        for action in ("network-control", "settings.modify.system", None):
            case.stage(f"without {action or 'any rule'}")
            seen = len(device.process.lines)
            self.polkit.use(self.without(action) if action else None)
            done = finish([program("onboardctl"), "wifi", "connect", "lab-wpa2"], stdin_text=PASSPHRASE + "\n")
            self.assertNotEqual(done.returncode, 0)
            device.process.wait_line("refused to connect with wlan0: .*polkit's rules", after=seen)
            device.ctl("wifi", "forget")

        case.stage("without wifi.scan")
        self.polkit.use(self.without("wifi.scan"))
        seen = len(device.process.lines)
        finish([program("onboardctl"), "wifi", "scan"], limit_s=120)
        device.process.wait_line("refused to scan with wlan0: .*polkit's rules", after=seen)
        device.connect("lab-wpa2", PASSPHRASE)
        device.stop()


if __name__ == "__main__":
    case.main()
