# SPDX-License-Identifier: Apache-2.0
"""A device that can be imported and claimed, and does nothing else."""

import base64
import os
import subprocess
import uuid


def _b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _raw_signature(der):
    r_len = der[3]
    r = int.from_bytes(der[4:4 + r_len], "big")
    s = int.from_bytes(der[6 + r_len:6 + r_len + der[5 + r_len]], "big")
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Device:
    def __init__(self, directory):
        self.uuid = uuid.uuid4()
        self.key = os.path.join(directory, f"{self.uuid}.key")
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        self.spki = self._openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")

    @staticmethod
    def _openssl(*arguments, stdin=None):
        return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout

    def row(self):
        return f"{self.uuid},nRF9160,{base64.b64encode(self.spki).decode()}"

    def claim_token(self):
        """docs/protocol.md §2.3."""
        message = (b"\xd9\xd9\xf7\x85\x01\x50" + self.uuid.bytes + b"\x03\x50" + bytes(16) + b"\x50" + os.urandom(16))
        signed = b"\x84\x6aSignature1\x43\xa1\x01\x26\x40\x58\x39" + message
        der = self._openssl("dgst", "-sha256", "-sign", self.key, stdin=signed)
        cose = b"\xd2\x84\x43\xa1\x01\x26\xa1\x04\x41\x21\xf6\x58\x40" + _raw_signature(der)
        return _b64url(message) + "." + _b64url(cose)
