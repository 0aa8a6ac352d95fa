# SPDX-License-Identifier: Apache-2.0
"""wifi/ble/ alone, with a real bluetoothd and kernel: peripheral_probe is the device on hci0, central_probe and
gatttool are the configurators on hci1 and hci2."""

import contextlib
import os
import re

from harness.process import Process, finish, program
from lab.guest import case
from lab.guest.btmon import ADVERTISEMENT, SCAN_RESPONSE, structures
from lab.guest.bus import SystemBus
from lab.guest.radios import BLUEZ, SERVICE_UUID, Radios

DEVICE = "org.bluez.Device1"
GET_STATUS, START_SCAN, BUSY = "0801", "0802", "0809"
UNCONFIGURED = "advertise fast 0 0 -128"
SCAN_RESPONSES = (5, 80)  # BlueZ since then lets a program say what goes there
FLAGS, UUIDS, NAME, SERVICE_DATA = 0x01, 0x07, 0x09, 0x21
SERVICE = bytes(reversed(bytes.fromhex(SERVICE_UUID.replace("-", ""))))

radios = None


def setUpModule():
    global radios
    radios = Radios(SystemBus(), controllers=3, repairing="never", experimental=True)


class Commanded(Process):
    """A probe: commands go in, lines come out. wait_next() looks at the lines since the last command or answer."""

    def __init__(self, argv):
        commands, stdin = os.pipe()
        self.commands = open(stdin, "w", encoding="ascii", buffering=1)
        self.seen = 0
        super().__init__(argv, stdin=commands)
        os.close(commands)

    def tell(self, command):
        self.seen = len(self.lines)
        self.commands.write(command + "\n")

    def wait_next(self, pattern):
        """The first line after the one that was waited for last."""
        def find(lines):
            for at, (_, text) in enumerate(lines[self.seen:], self.seen):
                match = re.search(pattern, text)
                if match:
                    self.seen = at + 1
                    return match
            return None
        return self.wait_for(find, f"line matching {pattern!r}")


class Central(Commanded):
    def __init__(self, number, *arguments):
        super().__init__([program("central_probe"), f"hci{number}", *arguments])
        self.wait_next("^ok ready")
        self.device = None

    def ask(self, command):
        self.tell(command)
        return self.wait_next("^(ok|error).*").group(0)

    def do(self, command):
        answer = self.ask(command)
        if not answer.startswith("ok"):
            raise AssertionError(f"{command}: {answer}")
        return answer[3:]

    def discover(self):
        found = self.do("discover")
        self.device = found.split()[0]
        return found

    def connect(self):
        self.do(f"connect {self.device}")

    def session(self, request=GET_STATUS):
        """One request of a central that is connected."""
        self.do("pair")
        self.do("subscribe")
        self.do(f"request {request}")
        return self.do("next")


class Ble(case.Case):
    def setUp(self):
        super().setUp()
        radios.forget_devices()

    def device(self, *arguments, advertise=UNCONFIGURED):
        """The device; on the air when this returns."""
        probe = self.watch(Commanded([program("peripheral_probe"), "hci0", *arguments]))
        self.addCleanup(probe.commands.close)
        probe.tell(advertise)
        probe.wait_next("advertising on")
        return probe

    @contextlib.contextmanager
    def central(self, *arguments, number=1):
        c = Central(number, *arguments)
        try:
            yield c
        finally:
            # Disconnects, and waits for it.
            c.commands.close()
            c.wait()

    def gatttool(self, *arguments):
        return finish(["timeout", "20", "gatttool", "-i", "hci1", "-b", radios.address(0), *arguments])

    def handles(self):
        """{last digits of the UUID: (properties, handle of the value)}."""
        text = self.gatttool("--characteristics").stdout
        found = re.findall(r"properties = 0x(..), char value handle = (0x....), uuid = 143878(..)-", text)
        return {uuid: (int(properties, 16), handle) for properties, handle, uuid in found}

    def bond(self, probe, forget=False):
        """A session that leaves a bond behind, perhaps only on the device's side."""
        with self.central() as c:
            c.discover()
            c.connect()
            self.assertEqual(c.session(), "response 08011000")
            if forget:
                c.do("unpair")
        probe.wait_next("^peer .* gone")
        probe.wait_next("advertising on")

    def slow_down(self, trace, probe):
        """It advertises as often as docs/ble.md says, and then as seldom."""
        trace.wait_line(r"Min advertising interval: 100\.000 msec")
        trace.wait_line(r"Max advertising interval: 150\.000 msec")
        probe.tell("advertise slow 1 1 -59")
        trace.wait_line(r"Min advertising interval: 1000\.000 msec")
        trace.wait_line(r"Max advertising interval: 1200\.000 msec")


class JustWorks(Ble):
    def test_a_session_reads_pairs_subscribes_and_hears_everything_in_order(self):
        probe = self.device()
        with self.central() as c:
            self.assertIn("PV0A0B0C version=1 provisioned=0 connected=0 wifi=-128", c.discover())
            c.connect()
            probe.wait_next("^advertising off: a configurator is connected")
            self.assertEqual(c.do("info"), "1")
            self.assertEqual(c.session(START_SCAN), "response 08021000")
            self.assertEqual([c.do("next") for _ in range(5)], [f"result 0a20{32 * f'{i:02x}'}" for i in range(5)])
            # In one piece, however long.
            c.do("request 0804" + 123 * "5a")
            self.assertEqual(c.do("next"), "response 08041000")
            probe.wait_line("len=125")
            self.assertTrue(c.ask(f"request {BUSY}").startswith("error"))
        probe.wait_next("^peer .* gone")
        probe.wait_next("advertising on")

    def test_the_bytes_and_the_interval_are_those_of_the_page(self):
        trace = radios.trace(self)
        probe = self.device()
        self.slow_down(trace, probe)
        trace.wait_line(r"Scan response length: 22")
        with self.central() as c:
            self.assertIn("PV0A0B0C version=1 provisioned=1 connected=1 wifi=-59", c.discover())
        said = "\n".join(trace.texts())
        self.assertIn("Advertising data length: 31", said)
        self.assertIn("Name (complete): PV0A0B0C", said)
        # Only packets that every phone looks for.
        self.assertEqual(set(re.findall(r"Properties: (0x\d{4})", said)), {"0x0013"})

    def test_the_table_is_that_of_the_page_and_says_why_it_refuses(self):
        trace = radios.trace(self)
        probe = self.device()
        handles = self.handles()
        self.assertEqual({uuid: properties for uuid, (properties, _) in handles.items()},
                         {"01": 0x02, "02": 0x28, "03": 0x10})
        probe.wait_next("advertising on")
        probe.tell("pairing no")
        self.gatttool("--char-write-req", "-a", handles["02"][1], "-n", GET_STATUS)
        trace.wait_line(r"Insufficient Encryption \(0x0f\)")
        probe.wait_next("^may-pair .* no")
        probe.wait_next("advertising on")
        self.assertNotIn("write ", probe.output())

    def test_a_request_whose_answer_would_be_cut_is_refused(self):
        probe = self.device()
        self.bond(probe)
        handles = self.handles()
        probe.wait_next("advertising on")
        # gatttool leaves the MTU at 23.
        done = self.gatttool("-l", "medium", "--char-write-req", "-a", handles["02"][1], "-n", GET_STATUS)
        self.assertIn("Attribute value length is invalid", done.stdout + done.stderr)
        probe.wait_next("^write .* limit=18 ")

    def test_a_long_read_of_the_claim_gets_all_of_it_in_small_packets(self):
        probe = self.device()
        self.bond(probe)
        text = self.gatttool("--characteristics").stdout
        claim = re.search(r"properties = 0x02, char value handle = (0x....), uuid = 9152bd01-", text).group(1)
        probe.wait_next("advertising on")
        done = self.gatttool("-l", "medium", "--char-read", "-a", claim)
        value = re.search("value/descriptor: ([0-9a-f ]+)", done.stdout)
        self.assertTrue(value, done.stdout + done.stderr)
        self.assertEqual(bytes.fromhex(value.group(1)), bytes((i ^ i >> 8) & 0xFF for i in range(512)))
        offsets = [int(n) for n in re.findall(r"read-claim offset=(\d+)", probe.output())]
        self.assertEqual(offsets, list(range(0, 512, 22)))

    def test_a_bonded_central_comes_back_without_pairing(self):
        probe = self.device()
        self.bond(probe)
        asked = len([t for t in probe.texts() if t.startswith("may-pair")])
        with self.central() as c:
            c.discover()
            c.connect()
            self.assertEqual(c.session(), "response 08011000")
        self.assertEqual(len([t for t in probe.texts() if t.startswith("may-pair")]), asked)

    def test_a_bond_that_the_central_forgot_is_forgotten_here_and_the_next_try_pairs(self):
        probe = self.device()
        self.bond(probe, forget=True)
        with self.central() as c:
            c.discover()
            c.ask(f"connect {c.device}")
            probe.wait_next("it has forgotten its bond")
            probe.wait_next("advertising on")
        with self.central() as c:
            c.discover()
            c.connect()
            self.assertEqual(c.session(), "response 08011000")

    def test_without_a_yes_nobody_pairs(self):
        probe = self.device()
        probe.tell("pairing no")
        with self.central() as c:
            c.discover()
            c.connect()
            self.assertEqual(c.do("info"), "1")
            self.assertTrue(c.ask("pair").startswith("error"))
        probe.wait_next("^may-pair .* no")
        self.assertNotIn("write ", probe.output())

    def test_a_device_that_hci0_connected_to_is_no_central(self):
        probe = self.device()
        finish(["btmgmt", "--index", "2", "add-adv", "-c", "-g", "1"])
        self.addCleanup(finish, ["btmgmt", "--index", "2", "rm-adv", "1"])
        path = radios.bus.call(BLUEZ, radios.path(0), "org.bluez.Adapter1", "ConnectDevice", "a{sv}", "2", "Address", "s",
                               radios.address(2), "AddressType", "s", "public")[0]
        self.assertTrue(radios.bus.get(BLUEZ, path, DEVICE, "Connected"))
        # An emulated controller mixes up two connections at a time.
        radios.bus.call(BLUEZ, path, DEVICE, "Disconnect")
        radios.bus.until(lambda: not radios.bus.get(BLUEZ, path, DEVICE, "Connected"), "hci2 is disconnected")
        self.bond(probe)
        self.assertNotIn(path, probe.output())


class Passkey(Ble):
    def test_the_digits_that_are_shown_let_a_central_in(self):
        probe = self.device("--passkey")
        # Whoever opens it first waits for the other.
        path = self.path("passkey")
        os.mkfifo(path)
        with self.central(path) as c:
            c.discover()
            c.tell(f"connect-paired {c.device}")
            digits = probe.wait_next(r"^passkey (\d{6}) shown").group(1)
            with open(path, "w", encoding="ascii") as f:
                f.write(digits)
            self.assertEqual(c.wait_next("^(ok|error).*").group(0), "ok")
            probe.wait_next("^passkey .* over")
            self.assertEqual(c.session(), "response 08011000")

    def test_a_central_without_a_keyboard_is_refused(self):
        probe = self.device("--passkey")
        with self.central() as c:
            c.discover()
            self.assertTrue(c.ask(f"connect-paired {c.device}").startswith("error"))
        probe.wait_next("^peer .* gone")
        self.assertIn("it cannot take a passkey", probe.output())
        self.assertNotIn("write ", probe.output())


class Survival(Ble):
    def test_bluetoothd_may_be_killed_at_any_time(self):
        probe = self.device()
        with self.central() as c:
            c.discover()
            c.connect()
            self.assertEqual(c.session(), "response 08011000")
            probe.seen = len(probe.lines)
            radios.stop()
            probe.wait_next("^peer .* gone")
            probe.wait_next("bluetoothd is not running")
        radios.start()
        # In whatever order.
        probe.wait_line("service is registered", after=probe.seen)
        probe.wait_line("advertising on", after=probe.seen)
        probe.seen = len(probe.lines)
        self.bond(probe)

    def test_an_adapter_that_goes_off_and_on_advertises_again(self):
        probe = self.device()
        for off, on in ((["hciconfig", "hci0", "down"], ["hciconfig", "hci0", "up"]),
                        (["btmgmt", "--index", "0", "power", "off"], ["btmgmt", "--index", "0", "power", "on"])):
            probe.seen = len(probe.lines)
            finish(off)
            probe.wait_next("switched off")
            finish(on)
            probe.wait_next("advertising on")
        with self.central() as c:
            c.discover()

    def test_what_a_killed_process_left_on_the_air_is_taken_off(self):
        trace = radios.trace(self)
        self.device().end(9)
        before = len(trace.lines)
        probe = self.watch(Commanded([program("peripheral_probe"), "hci0"]))
        self.addCleanup(probe.commands.close)
        trace.wait_line("HCI Command: LE Remove Advertising Set", after=before)
        probe.tell("advertise slow 1 0 -128")
        probe.wait_next("advertising on")
        with self.central() as c:
            self.assertIn("provisioned=1", c.discover())

    def unprivileged(self):
        """The device without CAP_NET_ADMIN: bluetoothd advertises for it, and nobody else on hci0."""
        finish(["btmgmt", "--index", "0", "clr-adv"])
        without = ["setpriv", "--inh-caps=-net_admin", "--bounding-set=-net_admin"]
        probe = self.watch(Commanded([*without, program("peripheral_probe"), "hci0"]))
        self.addCleanup(probe.commands.close)
        probe.tell(UNCONFIGURED)
        probe.wait_next("CAP_NET_ADMIN is missing")
        probe.wait_next("advertising on")
        return probe

    def heard(self, trace):
        """{structure: value} of the advertisement and of the scan response, which are legacy and within 31 bytes."""
        packets = dict(trace.wait_heard(1, radios.address(0), 2))
        self.assertEqual(set(packets), {ADVERTISEMENT, SCAN_RESPONSE})
        for data in packets.values():
            self.assertLessEqual(len(data), 31)
        return structures(packets[ADVERTISEMENT]), structures(packets[SCAN_RESPONSE])

    def test_without_the_capability_bluez_advertises_as_much_as_it_can(self):
        trace = radios.trace(self)
        self.unprivileged()
        with self.central() as c:
            found = c.discover()
        advertisement, answer = self.heard(trace)
        if radios.version() < SCAN_RESPONSES:
            self.assertIn("PV0A0B0C", found)
            self.assertEqual(advertisement, {FLAGS: b"\x06", UUIDS: SERVICE})
            self.assertEqual(answer, {NAME: b"PV0A0B0C"})
        else:
            self.assertIn("PV0A0B0C version=1 provisioned=0 connected=0 wifi=-128", found)
            self.assertEqual(advertisement, {FLAGS: b"\x06", SERVICE_DATA: SERVICE + b"\x01\x00\x00\x80"})
            self.assertEqual(answer, {UUIDS: SERVICE, NAME: b"PV0A0B0C"})

    def test_bluez_advertises_what_changes_as_often_as_the_page_says(self):
        trace = radios.trace(self)
        probe = self.unprivileged()
        self.slow_down(trace, probe)
        with self.central() as c:
            found = c.discover()
            c.connect()
            self.assertEqual(c.session(), "response 08011000")
        if radios.version() >= SCAN_RESPONSES:
            self.assertIn("PV0A0B0C version=1 provisioned=1 connected=1 wifi=-59", found)
            self.assertEqual(self.heard(trace)[0][SERVICE_DATA], SERVICE + b"\x01\x03\x00\xc5")


if __name__ == "__main__":
    case.main()
