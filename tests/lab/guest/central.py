# SPDX-License-Identifier: Apache-2.0
"""A configurator that sends whatever bytes the test has: tests/peers/central_probe.c. And such bytes."""

import os
import re

from harness.process import Process, program

GET_STATUS, START_SCAN, STOP_SCAN, SET_CONFIG, FORGET_CONFIG = range(1, 6)
OPEN, WPA2, WPA3 = 0, 3, 6
SUCCESS, INVALID_ARGUMENT, INVALID_PROTO, INTERNAL_ERROR = range(4)


# ---- protobuf, as much of it as the messages need ----

def number(field, value):
    return bytes([field << 3]) + _varint(value)


def text(field, data):
    """A field of bytes, or a message within a message."""
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def request(op):
    return number(1, op)


def set_config(ssid, passphrase=None, auth=WPA2, bssid=bytes(6), volatile=None, label_code=None):
    """auth None: not said."""
    network = text(1, ssid.encode()) + text(2, bssid) + number(4, 1)
    network += b"" if auth is None else number(5, auth)
    config = text(1, network)
    config += b"" if passphrase is None else text(2, passphrase.encode())
    config += b"" if volatile is None else number(3, volatile)
    return number(1, SET_CONFIG) + text(11, config) + (b"" if label_code is None else text(100, label_code.encode()))


def answer(status, op=None):
    """The response without more in it, in hex."""
    return ((b"" if op is None else number(1, op)) + number(2, status)).hex()


def state(value, reason=None):
    """The result that tells a state, in hex."""
    return (number(2, value) + (b"" if reason is None else number(3, reason))).hex()


# ---- the program ----

class Central(Process):
    """Disconnects and ends with `with`."""

    def __init__(self, adapter=1, *arguments):
        commands, stdin = os.pipe()
        self.commands = open(stdin, "w", encoding="ascii", buffering=1)
        super().__init__([program("central_probe"), f"hci{adapter}", *arguments], name=f"central-hci{adapter}",
                         stdin=commands)
        os.close(commands)
        self.wait_line("^ok ready")
        self.device = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.commands.close()
        # It disconnects first.
        self.wait()

    def ask(self, command):
        """The line that it answers with: "ok ..." or "error NAME: ..."."""
        seen = len(self.lines)
        self.commands.write(command + "\n")
        return self.wait_line("^(ok|error).*", after=seen).group(0)

    def do(self, command):
        said = self.ask(command)
        if not said.startswith("ok"):
            raise AssertionError(f"{command}: {said}")
        return said[3:]

    def discover(self):
        self.device = self.do("discover").split()[0]

    def connect(self):
        self.do(f"connect {self.device}")

    def open(self):
        """Ready for requests, with a pairing if there is none."""
        self.discover()
        self.connect()
        self.do("pair")
        self.do("subscribe")

    def next(self):
        """("response" or "result", in hex)."""
        return tuple(self.do("next").split(" "))

    def say(self, data):
        """The response to the request, in hex; the results before it are left out."""
        self.do(f"request {data.hex()}")
        while True:
            kind, message = self.next()
            if kind == "response":
                return message

    def results_until(self, pattern):
        """The results up to the first that matches, in hex."""
        out = []
        while not out or not re.search(pattern, out[-1]):
            out.append(self.next()[1])
        return out
