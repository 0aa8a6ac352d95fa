# SPDX-License-Identifier: Apache-2.0
"""A central that is not BlueZ's: the Attribute Protocol by hand on a socket of the kernel, which never pairs by itself."""

import contextlib
import ctypes
import os
import socket
import struct

ATT_CID = 4
LE_PUBLIC = 1
ERROR, READ_BY_TYPE, READ, READ_BLOB, WRITE = 0x01, 0x08, 0x0A, 0x0C, 0x12
CHARACTERISTIC = 0x2803
NOT_FOUND, NOT_SUPPORTED = 0x0A, 0x06
WRITE_NOT_PERMITTED, NOT_AUTHENTICATED, NOT_ENCRYPTED = 0x03, 0x05, 0x0F
REQUESTS = {0x02, 0x04, 0x06, 0x08, 0x0A, 0x0C, 0x0E, 0x10, 0x12, 0x16, 0x18}


def _address(text):
    """struct sockaddr_l2, which Python's own addresses have no channel in."""
    return struct.pack("<HH6sHBx", socket.AF_BLUETOOTH, 0, bytes.fromhex(text.replace(":", ""))[::-1], ATT_CID, LE_PUBLIC)


class Refused(Exception):
    """The other side's error response; args[0] is its code."""


class Att:
    def __init__(self, own, peer, limit_s=30):
        self.socket = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_SEQPACKET, socket.BTPROTO_L2CAP)
        self.socket.settimeout(None)
        # Linux counts a connect() by the timeout for sending.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", limit_s, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", limit_s, 0))
        libc = ctypes.CDLL(None, use_errno=True)
        for call, address in ((libc.bind, _address(own)), (libc.connect, _address(peer))):
            if call(self.socket.fileno(), address, len(address)) < 0:
                number = ctypes.get_errno()
                self.socket.close()
                raise OSError(number, os.strerror(number))

    def ask(self, pdu):
        """The answer to a request. What the other side asks meanwhile is told to be unknown here."""
        self.socket.send(pdu)
        while True:
            answer = self.socket.recv(1024)
            if not answer:
                raise ConnectionResetError("the device has disconnected")
            if answer[0] in REQUESTS:
                self.socket.send(struct.pack("<BBHB", ERROR, answer[0], 0, NOT_SUPPORTED))
            elif answer[0] == ERROR and answer[1] == pdu[0]:
                raise Refused(answer[4])
            elif answer[0] == pdu[0] + 1:
                return answer[1:]

    def characteristics(self):
        """{UUID, of 16 bytes in hex: handle of the value}."""
        found = {}
        start = 1
        while True:
            try:
                answer = self.ask(struct.pack("<BHHH", READ_BY_TYPE, start, 0xFFFF, CHARACTERISTIC))
            except Refused as e:
                if e.args[0] == NOT_FOUND:
                    return found
                raise
            for at in range(1, len(answer), answer[0]):
                entry = answer[at:at + answer[0]]
                start, value = struct.unpack_from("<HxH", entry)
                found[entry[5:][::-1].hex()] = value
            start += 1

    def read(self, handle):
        return self.ask(struct.pack("<BH", READ, handle))

    def read_blob(self, handle, offset):
        return self.ask(struct.pack("<BHH", READ_BLOB, handle, offset))

    def write(self, handle, data):
        self.ask(struct.pack("<BH", WRITE, handle) + data)

    def refusal(self, call, *arguments):
        """The error code that it is answered with; 0 when it is not."""
        try:
            call(*arguments)
        except Refused as e:
            return e.args[0]
        return 0

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
