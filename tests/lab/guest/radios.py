# SPDX-License-Identifier: Apache-2.0
"""Bluetooth: emulated LE controllers in earshot of each other, under one real bluetoothd.

hci0 is the device's by custom, hci1 the configurator's, hci2 a second configurator's.
"""

import contextlib
import os
import re
import signal
import socket

from harness.process import Process, run
from lab.guest.btmon import Trace
from lab.guest.case import stage

BLUEZ = "org.bluez"
SERVICE_UUID = "14387800-130c-49e7-b877-2881c89cb258"


def open_cipher(kind, name):
    """A socket that keeps one of the kernel's ciphers at hand."""
    cipher = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
    cipher.bind((kind, name))
    return cipher


class Radios:
    def __init__(self, bus, controllers=2, repairing="confirm", experimental=False, **gatt):
        """gatt: keys of [GATT] in main.conf, as ExchangeMTU."""
        self.bus = bus
        self.controllers = controllers
        self.experimental = experimental
        self.config = "/run/bluetooth-main.conf"
        # LE only: with BR/EDR as well, Debian's 6.1.192 crashes when a link drops. One channel: no EATT, as most phones.
        gatt = {"Channels": "1", "Cache": "no", **gatt}
        with open(self.config, "w", encoding="ascii") as f:
            f.write(f"[General]\nControllerMode = le\nJustWorksRepairing = {repairing}\n[GATT]\n")
            f.writelines(f"{key} = {value}\n" for key, value in gatt.items())
        run(["modprobe", "hci_vhci"])
        # It makes a controller first and then asks the kernel for ciphers; when those have to be loaded meanwhile, the
        # kernel's first command to that controller is lost. And it takes the first packet from the kernel for the answer
        # to its own request: were it preempted before the kernel has put that in, it would be that command.
        self._ciphers = [open_cipher("skcipher", "ecb(aes)"), open_cipher("hash", "cmac(aes)")]
        self.emulator = Process(["chrt", "--fifo", "1", "btvirt", f"-l{controllers}"], name="btvirt")
        self.bluetoothd = None
        self.start()
        os.sched_setscheduler(self.emulator.pid, os.SCHED_OTHER, os.sched_param(0))
        stage(f"Bluetooth is up: {controllers} controllers")

    def path(self, number):
        return f"/org/bluez/hci{number}"

    def adapter(self, number, name):
        """A property of Adapter1, None while the adapter is not there."""
        return self.bus.get(BLUEZ, self.path(number), "org.bluez.Adapter1", name)

    def version(self):
        """Of BlueZ, as (5, 66)."""
        digits = re.search("d([0-9A-F]{2})([0-9A-F]{2})$", self.adapter(0, "Modalias"))
        return tuple(int(two, 16) for two in digits.groups())

    def address(self, number):
        return self.adapter(number, "Address")

    def start(self):
        """Starts bluetoothd; all adapters are there and powered when it returns."""
        options = ["-E"] if self.experimental else []
        self.bluetoothd = Process(["/usr/libexec/bluetooth/bluetoothd", "-n", "-f", self.config, *options])
        self.bus.wait_name(BLUEZ)
        for number in range(self.controllers):
            self.bus.until(lambda n=number: self.address(n), f"hci{number} appears")
            if not self.adapter(number, "Powered"):
                self.bus.set(BLUEZ, self.path(number), "org.bluez.Adapter1", "Powered", "b", "true")

    def stop(self, number=signal.SIGKILL):
        self.bluetoothd.end(number)
        self.bus.wait_name(BLUEZ, False)

    def restart(self):
        self.stop()
        self.start()

    def devices(self, number=1):
        """{path: properties} of what an adapter knows."""
        return {path: interfaces["org.bluez.Device1"] for path, interfaces in self.bus.objects(BLUEZ).items()
                if path.startswith(self.path(number) + "/") and "org.bluez.Device1" in interfaces}

    def forget_devices(self):
        """Removes everything that the adapters know of each other: bonds, caches."""
        for number in range(self.controllers):
            for path, device in self.devices(number).items():
                if device["Connected"]:
                    # Removing a connected device never returns in BlueZ 5.66.
                    self.bus.call(BLUEZ, path, "org.bluez.Device1", "Disconnect")
                    self.bus.until(lambda p=path: not self.bus.get(BLUEZ, p, "org.bluez.Device1", "Connected"),
                                   f"{path} disconnects")
                self.bus.call(BLUEZ, self.path(number), "org.bluez.Adapter1", "RemoveDevice", "o", path)

    @contextlib.contextmanager
    def discovery(self, number=1):
        """The adapter looks for devices as long as this lasts: radios.devices(), radios.bus.until(). An emulated
        controller hears an advertisement once a scan, and again when it changes."""
        commands, stdin = os.pipe()
        process = Process(["bluetoothctl"], name="bluetoothctl", stdin=commands)
        os.close(commands)
        with open(stdin, "w", encoding="ascii") as ctl:
            address = self.address(number)
            process.wait_line("Agent registered")
            # Pairing is none of its business.
            ctl.write(f"agent off\nselect {address}\nscan le\n")
            ctl.flush()
            self.bus.until(lambda: self.adapter(number, "Discovering"), f"hci{number} discovers")
            yield process
        process.end()

    def trace(self, case):
        """What goes over the air, until the test ends."""
        return case.watch(Trace(case.path("air.btsnoop")))
