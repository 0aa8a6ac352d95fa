# SPDX-License-Identifier: Apache-2.0
"""A throw-away PKI: an EC P-256 root and a leaf for localhost, made by openssl(1) at each run."""

import os

from harness.process import run


class Pki:
    def __init__(self, directory, name="localhost"):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.root_key = self._path("root.key")
        self.root = self._path("root.pem")
        self.key = self._path("leaf.key")
        self.cert = self._path("leaf.pem")
        request, extensions = self._path("leaf.csr"), self._path("leaf.ext")
        self._ec_key(self.root_key)
        run(["openssl", "req", "-x509", "-new", "-sha256", "-key", self.root_key, "-days", "30",
             "-subj", "/CN=onboard test root", "-out", self.root,
             "-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign"])
        self._ec_key(self.key)
        run(["openssl", "req", "-new", "-sha256", "-key", self.key, "-subj", f"/CN={name}",
             "-out", request])
        with open(extensions, "w", encoding="ascii") as f:
            f.write(f"subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n"
                    "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
        run(["openssl", "x509", "-req", "-sha256", "-in", request, "-CA", self.root,
             "-CAkey", self.root_key, "-set_serial", "1001", "-days", "30",
             "-extfile", extensions, "-out", self.cert])

    def _path(self, name):
        return os.path.join(self.directory, name)

    @staticmethod
    def _ec_key(path):
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-out", path])
        os.chmod(path, 0o600)
