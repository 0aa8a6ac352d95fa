# SPDX-License-Identifier: Apache-2.0
"""What the kernel itself saw on an interface (AF_PACKET), as a second witness beside the relay. Needs CAP_NET_RAW."""

import os
import socket
import struct
import threading
from typing import NamedTuple

ETH_P_ALL = 3
PACKET_OUTGOING = 4


def available():
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)).close()
        return True
    except (OSError, AttributeError):
        return False


class Packet(NamedTuple):
    source: tuple  # address and port
    target: tuple
    data: bytes  # UDP payload


class KernelCapture:
    """Collects the UDP payloads over IPv4 from or to one port."""

    def __init__(self, port, interface="lo"):
        self.port = port
        self.packets = []
        self._is_loopback = interface == "lo"
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind((interface, ETH_P_ALL))
        self._socket.settimeout(0.2)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        idle_after_end = False
        while not idle_after_end:
            try:
                frame, address = self._socket.recvfrom(65536)
            except socket.timeout:
                idle_after_end = self._ending.is_set()
                continue
            if len(frame) < 42 or (self._is_loopback and address[2] == PACKET_OUTGOING):
                continue  # each packet shows up twice on lo
            if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_UDP:
                continue
            header = 14 + (frame[14] & 15) * 4
            source, target, length = struct.unpack_from(">HHH", frame, header)
            if self.port in (source, target):
                self.packets.append(Packet((socket.inet_ntoa(frame[26:30]), source), (socket.inet_ntoa(frame[30:34]), target),
                                           frame[header + 8:header + length]))

    def close(self):
        """Ends when nothing more is queued."""
        self._ending.set()
        self._thread.join(10)
        self._socket.close()
        return self.packets


def root():
    return os.geteuid() == 0
