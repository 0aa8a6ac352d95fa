# SPDX-License-Identifier: Apache-2.0
"""GPIO: eight lines whose levels the test sets, under the kernel's own drivers.

Debian's kernel has no GPIO simulator. But it has USB over IP, a host controller that is given a socket instead of a
cable, and a driver for a USB chip with GPIO lines, Silicon Labs' CP2112. The chip's part is played here.
"""

import errno
import re
import socket
import struct
import threading

from harness.process import LIMIT_S, Failure, finish, run
from lab.guest.case import stage

ATTACH = "/sys/devices/platform/vhci_hcd.0/attach"
PORT, DEVICE, FULL_SPEED = 0, 0x10002, 2
NETLINK_KOBJECT_UEVENT = 15

# Between the host controller and a device: what is asked, and the answers.
SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
HEADER = 48

# Control requests, as (bmRequestType, bRequest).
GET_DESCRIPTOR, GET_INTERFACE_DESCRIPTOR, GET_REPORT, SET_REPORT = (0x80, 6), (0x81, 6), (0xA1, 1), (0x21, 9)

# Feature reports of the chip.
LEVELS, VERSION = 3, 5

REPORTS = bytes.fromhex("0600ff 0901 a101 8502 0902 1500 26ff00 7508 9504 b102 c0")  # one of them will do
INTERFACE = (struct.pack("<9B", 9, 4, 0, 0, 1, 3, 0, 0, 0)
             + struct.pack("<BBHBBBH", 9, 0x21, 0x0111, 0, 1, 0x22, len(REPORTS))
             + struct.pack("<BBBBHB", 7, 5, 0x81, 3, 64, 10))
DESCRIPTORS = {
    1: struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 64, 0x10C4, 0xEA90, 0x0100, 0, 0, 0, 1),
    2: struct.pack("<BBHBBBBB", 9, 2, 9 + len(INTERFACE), 1, 1, 0, 0x80, 50) + INTERFACE,
    0x22: REPORTS,
}


class Lines:
    """The lines of the chip `name`; all low at first."""

    def __init__(self):
        run(["modprobe", "-a", "vhci-hcd", "usbhid", "hid-cp2112"])
        self._levels = 0
        self._looks = 0
        self._looked = threading.Condition()
        self._reports = {VERSION: b"\x0c\x01"}
        self._waiting = set()
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as events:
            events.bind((0, 1))
            events.settimeout(LIMIT_S)
            self._ours, kernels = socket.socketpair()
            with kernels, open(ATTACH, "w", encoding="ascii") as attach:
                attach.write(f"{PORT} {kernels.fileno()} {DEVICE} {FULL_SPEED}")
            threading.Thread(target=self._serve, daemon=True).start()
            self.name = self._wait_chip(events)
        stage(f"GPIO is up: {self.name}")

    @staticmethod
    def _wait_chip(events):
        while True:
            words = events.recv(8192).decode(errors="replace").split("\0")
            names = [word for word in words if word.startswith("DEVNAME=gpiochip")]
            if words[0].startswith("add@") and names:
                return names[0].split("=")[1]

    def said_of(self, number):
        """The words of gpioinfo(1) on a line, whose options and manner differ between libgpiod 1 and 2."""
        done = finish(["gpioinfo", "--chip", self.name])
        text = done.stdout if done.returncode == 0 else run(["gpioinfo", self.name])
        return set(re.findall(r"[\w-]+", re.search(rf"line +{number}:(.*)", text).group(1)))

    def put(self, number, level):
        with self._looked:
            self._levels = self._levels | 1 << number if level else self._levels & ~(1 << number)

    def change(self, number, level):
        """For a line that a program watches: returns a while later, when every bounce would be over."""
        self.put(number, level)
        with self._looked:
            enough = self._looks + 25  # the driver looks every 10 ms at most
            if not self._looked.wait_for(lambda: self._looks >= enough, LIMIT_S):
                raise Failure(f"nobody watches line {number}")

    def _read(self, size):
        data = b""
        while len(data) < size:
            part = self._ours.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _serve(self):
        try:
            while True:
                self._serve_one()
        except (EOFError, OSError):
            pass

    def _serve_one(self):
        header = self._read(HEADER)
        command, number, _, is_in, endpoint, word = struct.unpack(">6I", header[:24])
        if command == UNLINK:
            status = -errno.ECONNRESET if word in self._waiting else 0
            self._waiting.discard(word)
            self._ours.sendall(struct.pack(">5Ii24x", UNLINKED, number, 0, 0, 0, status))
            return
        size, = struct.unpack(">i", header[24:28])
        data = b"" if is_in else self._read(size)
        if endpoint != 0:  # asks for a report that never comes
            self._waiting.add(number)
            return
        status, answer = self._control(header[40:], data)
        answer = answer[:size] if is_in else b""
        done = len(answer) if is_in else size
        self._ours.sendall(struct.pack(">5IiiiIi8x", SUBMITTED, number, 0, 0, 0, status, done, 0, 0, 0) + answer)

    def _control(self, setup, data):
        kind, request, value, _, size = struct.unpack("<BBHHH", setup)
        if (kind, request) in (GET_DESCRIPTOR, GET_INTERFACE_DESCRIPTOR):
            answer = DESCRIPTORS.get(value >> 8)
            return (0, answer) if answer else (-errno.EPIPE, b"")
        report = value & 0xFF
        if (kind, request) == SET_REPORT:
            self._reports[report] = data[1:]
        if (kind, request) != GET_REPORT:
            return 0, b""
        if report != LEVELS:
            return 0, bytes([report]) + self._reports.get(report, b"").ljust(size - 1, b"\0")
        with self._looked:
            self._looks += 1
            self._looked.notify_all()
            return 0, bytes([LEVELS, self._levels])
