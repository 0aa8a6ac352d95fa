# SPDX-License-Identifier: Apache-2.0
"""What controllers heard, byte by byte, of the capture that btmon writes: what it prints differs between versions."""

import struct

from harness.process import Process

# Legacy, connectable, scannable: ADV_IND, and the SCAN_RSP to it. Whatever else is heard, phones do not look for.
ADVERTISEMENT, SCAN_RESPONSE = 0x13, 0x1B

HEADER = 16
RECORD = struct.Struct(">IIHHIQ")  # two lengths, controller, kind, drops, time
EVENT, LE_META, EXTENDED_REPORT = 3, 0x3E, 0x0D
REPORT = struct.Struct("<HB6sBBBbbHB6sB")  # event type, address, PHYs and so on, length of what follows


def _events(path):
    """(controller, bytes) of each HCI event."""
    with open(path, "rb") as f:
        data = f.read()
    at = HEADER
    while at + RECORD.size <= len(data):
        _, size, controller, kind, _, _ = RECORD.unpack_from(data, at)
        at += RECORD.size
        if kind == EVENT and at + size <= len(data):
            yield controller, data[at:at + size]
        at += size


def _reports(event):
    """(event type, address, data) of each advertisement in an event."""
    if event[:1] != bytes([LE_META]) or event[2] != EXTENDED_REPORT:
        return
    at = 4
    for _ in range(event[3]):
        kind, _, address, *_, size = REPORT.unpack_from(event, at)
        at += REPORT.size
        yield kind, ":".join(f"{byte:02X}" for byte in reversed(address)), event[at:at + size]
        at += size


def structures(data):
    """{type: value} of an advertisement's data."""
    found = {}
    while data:
        found[data[1]] = data[2:1 + data[0]]
        data = data[1 + data[0]:]
    return found


class Trace(Process):
    """btmon: its lines, and what was heard. Everything on the air goes through it: of all controllers, both ways."""

    def __init__(self, capture):
        self._capture = capture
        super().__init__(["stdbuf", "-oL", "btmon", "-T", "-C", "160", "-w", capture], name="btmon")
        self.wait_line("Index Info|New Index")

    def heard(self, controller, address):
        """{(event type, data)}: what a controller has heard so far of an address."""
        return {(kind, data) for number, event in _events(self._capture) if number == controller
                for kind, whose, data in _reports(event) if whose == address}

    def wait_heard(self, controller, address, count):
        """As heard(), once that many different ones were."""
        return self.wait_for(lambda _: (found := self.heard(controller, address)) and len(found) >= count and found,
                             f"{count} advertisements at hci{controller}")
