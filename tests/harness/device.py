# SPDX-License-Identifier: Apache-2.0
"""A device that is imported, claimed and logged in by a test, and does nothing else."""

import base64
import json
import os
import subprocess
import time
import uuid

HW = "nRF9160"


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True,
                          check=True).stdout


def raw_signature(der):
    """r || s of an ECDSA-Sig-Value: a sequence of two integers, all shorter than 128 bytes."""
    r_len = der[3]
    r = int.from_bytes(der[4:4 + r_len], "big")
    s = int.from_bytes(der[6 + r_len:6 + r_len + der[5 + r_len]], "big")
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Device:
    """An identity as a factory makes it, its claim token and its tokens of authentication."""

    def __init__(self, directory):
        self.uuid = uuid.uuid4()
        self.key = os.path.join(directory, f"{self.uuid}.key")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        self.spki = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")

    def row(self):
        return f"{self.uuid},{HW},{base64.b64encode(self.spki).decode()}"

    def sign(self, data):
        return raw_signature(openssl("dgst", "-sha256", "-sign", self.key, stdin=data))

    def jwt(self, lifetime_s=300):
        now = int(time.time())
        header = {"alg": "ES256", "typ": "JWT"}
        claims = {"iss": f"{HW}.{self.uuid}", "jti": f"{HW}.{uuid.uuid4()}.{uuid.uuid4().hex}",
                  "iat": now, "exp": now + lifetime_s}
        text = ".".join(b64url(json.dumps(o, separators=(",", ":")).encode())
                        for o in (header, claims))
        return text + "." + b64url(self.sign(text.encode()))

    def claim_token(self):
        """docs/protocol.md §2.3."""
        message = (b"\xd9\xd9\xf7\x85\x01\x50" + self.uuid.bytes + b"\x03\x50" + bytes(16) +
                   b"\x50" + os.urandom(16))
        signed = b"\x84\x6aSignature1\x43\xa1\x01\x26\x40\x58\x39" + message
        cose = b"\xd2\x84\x43\xa1\x01\x26\xa1\x04\x41\x21\xf6\x58\x40" + self.sign(signed)
        return b64url(message) + "." + b64url(cose)
