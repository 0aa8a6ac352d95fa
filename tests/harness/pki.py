# SPDX-License-Identifier: Apache-2.0
"""A throw-away PKI: an EC P-256 root and a leaf for localhost, made by openssl(1) at each run."""

import os
import tempfile
import time

from harness.process import run


def sign_between(ca, ca_key, request, certificate, not_before, not_after, extensions=""):
    """Makes the certificate of a request, valid between two times of the wall clock; x509 of openssl 3.0 counts days from now,
    and that of 3.5 forwards only."""
    with tempfile.TemporaryDirectory(prefix="onboard-ca-") as place:
        index, config, extfile = (os.path.join(place, name) for name in ("index.txt", "ca.conf", "extensions"))
        for path, text in ((index, ""), (extfile, extensions), (config, (
                f"[ca]\ndefault_ca = d\n[d]\ndatabase = {index}\nrand_serial = yes\nnew_certs_dir = {place}\n"
                "policy = p\ndefault_md = sha256\n[p]\ncommonName = supplied\n"))):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        dates = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(t)) for t in (not_before, not_after)]
        run(["openssl", "ca", "-batch", "-notext", "-config", config, "-cert", ca, "-keyfile", ca_key, "-in", request,
             "-out", certificate, "-startdate", dates[0], "-enddate", dates[1], "-extfile", extfile])


class Pki:
    def __init__(self, directory, name="localhost", root_name="onboard test root"):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.root_key = self._path("root.key")
        self.root = self._path("root.pem")
        self.key = self._path("leaf.key")
        self.cert = self._path("leaf.pem")
        request, extensions = self._path("leaf.csr"), self._path("leaf.ext")
        self._ec_key(self.root_key)
        run(["openssl", "req", "-x509", "-new", "-sha256", "-key", self.root_key, "-days", "30",
             "-subj", f"/CN={root_name}", "-out", self.root,
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

    def client(self, not_before, not_after):
        """A client certificate (PEM) that is valid between two times of the wall clock."""
        key, request = self._path("client.key"), self._path("client.csr")
        self._ec_key(key)
        run(["openssl", "req", "-new", "-sha256", "-key", key, "-subj", "/CN=device", "-out", request])
        sign_between(self.root, self.root_key, request, self._path("client.pem"), not_before, not_after)
        with open(self._path("client.pem"), encoding="ascii") as f:
            return f.read()

    def _path(self, name):
        return os.path.join(self.directory, name)

    @staticmethod
    def _ec_key(path):
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-out", path])
        os.chmod(path, 0o600)
