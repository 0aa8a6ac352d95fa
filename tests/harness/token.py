# SPDX-License-Identifier: Apache-2.0
"""PKCS#11 tokens for a test, each in the case's scratch directory: SoftHSM, and a TPM 2.0 (swtpm with tpm2-pkcs11). What
they hold is read and made by OpenSC's pkcs11-tool, which knows nothing of us."""

import os
import re
import secrets
import socket
import struct
import threading

from harness.bus import Bus
from harness.process import LIMIT_S, Failure, Process, finish, program, run

LABEL = "onboard"
SO_PIN = "87654321"
LIBRARIES = ("/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")


def find_library(name):
    for folder in LIBRARIES:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    raise Failure(f"{name} is not installed")


def new_pin():
    return f"{secrets.randbelow(10 ** 8):08}"


class Token:
    """One token. module, label, pin, pin_file and env say how to reach it; `env` goes to whatever loads the module."""

    library = None
    label = LABEL

    def __init__(self, case, name):
        self.case = case
        self.name = name
        self.directory = case.path(name)
        os.mkdir(self.directory, 0o700)
        self.module = find_library(self.library)
        self.env = {}
        self.pin = new_pin()
        self.pin_file = os.path.join(self.directory, "pin")
        self.write_pin(self.pin)

    @property
    def uri(self):
        """Names the token, as `home` of keys."""
        return f"pkcs11:token={self.label}"

    def uri_of(self, label):
        """Names one key."""
        return f"{self.uri};object={label.replace(' ', '%20')}"

    def config(self):
        """Sections for harness.agent.Agent: Agent(case, ..., **token.config())."""
        return {"token": {"module": self.module, "pin-file": self.pin_file}}

    # The PIN, as the programs see it

    def write_pin(self, pin):
        """What the PIN file holds from now on; None: there is none."""
        if pin is None:
            os.unlink(self.pin_file)
            return
        with open(os.open(self.pin_file + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="ascii") as f:
            f.write(pin + "\n")
        os.rename(self.pin_file + ".new", self.pin_file)

    def change_pin(self, tell=True):
        """The token takes another PIN from now on; the PIN file follows when tell."""
        pin = new_pin()
        self.tool("--login", "--pin", "env:PIN", "--change-pin", "--new-pin", pin)
        self.pin = pin
        if tell:
            self.write_pin(pin)

    # What an independent program sees and does

    def tool(self, *options, expect=0, pin=None):
        """Runs pkcs11-tool on the token; what it says. With expect None: its exit status and all it says."""
        argv = ["pkcs11-tool", "--module", self.module, "--token-label", self.label, *options]
        env = {**self.env, "PIN": pin or self.pin}
        if expect is None:
            done = finish(argv, env)
            return done.returncode, done.stdout + done.stderr
        return run(argv, env, expect=expect)

    def objects(self):
        """(class, label, id in hex) of each object, class "private", "public" or another word of pkcs11-tool's."""
        found, one = [], None
        for line in self.tool("--login", "--pin", "env:PIN", "--list-objects").splitlines():
            if line and not line.startswith(" "):
                one = [line.split()[0].lower(), "", ""]
                found.append(one)
            elif one and (match := re.match(r"  (label|ID): +(.*)", line)):
                one[1 if match[1] == "label" else 2] = match[2]
        return sorted(tuple(o) for o in found)

    def labels(self):
        """Labels of the private keys, one for each."""
        return [label for kind, label, _ in self.objects() if kind == "private"]

    def private_key(self, label):
        """What pkcs11-tool says of the private key: usage and access."""
        said = self.tool("--login", "--pin", "env:PIN", "--list-objects", "--type", "privkey")
        for part in re.split(r"(?m)^(?=\S)", said):
            if re.search(rf"(?m)^  label: +{re.escape(label)}$", part):
                return part
        raise Failure(f"{self.name}: no private key {label!r} in\n{said}")

    def public_key(self, label):
        """SubjectPublicKeyInfo (DER) of the key with this label, as the token tells it to pkcs11-tool."""
        ids = [o[2] for o in self.objects() if o[:2] == ("private", label)]
        if len(ids) != 1:
            raise Failure(f"{self.name}: {len(ids)} private keys {label!r}")
        path = os.path.join(self.directory, "public.der")
        self.tool("--login", "--pin", "env:PIN", "--read-object", "--type", "pubkey", "--id", ids[0],
                  "--output-file", path)
        with open(path, "rb") as f:
            return f.read()

    def public_keys(self):
        """{label: SubjectPublicKeyInfo} of all keys whose label is theirs alone."""
        labels = self.labels()
        return {label: self.public_key(label) for label in labels if labels.count(label) == 1}

    def generate(self, label):
        """Makes a P-256 key as a factory would; its SubjectPublicKeyInfo."""
        self.tool("--login", "--pin", "env:PIN", "--keypairgen", "--key-type", "EC:prime256v1",
                  "--label", label, "--id", secrets.token_hex(8))
        return self.public_key(label)

    def delete(self, label):
        """Destroys the key with this label, both halves."""
        for kind, name, number in self.objects():
            if name == label:
                self.tool("--login", "--pin", "env:PIN", "--delete-object", "--type",
                          {"private": "privkey", "public": "pubkey"}[kind], "--id", number)


class SoftHsm(Token):
    library = "softhsm/libsofthsm2.so"

    def __init__(self, case, name="softhsm"):
        super().__init__(case, name)
        self.tokens = os.path.join(self.directory, "tokens")
        os.mkdir(self.tokens)
        config = os.path.join(self.directory, "softhsm2.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.env = {"SOFTHSM2_CONF": config}
        run(["softhsm2-util", "--init-token", "--free", "--label", self.label, "--so-pin", SO_PIN, "--pin", self.pin],
            self.env)

    def vanish(self):
        """The token is not there for a program that loads the module from now on. A program that has loaded it already
        keeps what it read: use the shim (harness.token.Shim) to pull a token out under it."""
        os.rename(self.tokens, self.tokens + ".away")
        os.mkdir(self.tokens)

    def come_back(self):
        os.rmdir(self.tokens)
        os.rename(self.tokens + ".away", self.tokens)


class SwTpm(Token):
    """swtpm behind tpm2-abrmd, which lets several programs use it and forgets what a killed one left loaded, as the
    kernel does for a real TPM."""

    library = "pkcs11/libtpm2_pkcs11.so"
    broker = "com.intel.tss2.Tabrmd"

    def __init__(self, case, name="swtpm"):
        super().__init__(case, name)
        self.state = os.path.join(self.directory, "state")
        self.store = os.path.join(self.directory, "store")
        self.socket = os.path.join(self.directory, "sock")
        os.mkdir(self.state)
        os.mkdir(self.store)
        self._bus = Bus(case, name + "-bus")
        tcti = "tabrmd:bus_type=session"
        # tpm2-pkcs11 1.9 leaks the points of public keys, and is unloaded before LeakSanitizer could tell that it was it.
        asan = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))
        self.env = {"DBUS_SESSION_BUS_ADDRESS": self._bus.address, "TPM2_PKCS11_STORE": self.store,
                    "TPM2_PKCS11_TCTI": tcti, "TPM2TOOLS_TCTI": tcti, "TSS2_LOG": "all+NONE",
                    "TPM2_PKCS11_LOG_LEVEL": "0", "ASAN_OPTIONS": asan}
        self._processes = []
        self.come_back()
        # C_InitToken makes the primary key and the store too.
        module = ["pkcs11-tool", "--module", self.module, "--slot-index", "0"]
        run([*module, "--init-token", "--label", self.label, "--so-pin", SO_PIN], self.env)
        run([*module, "--login", "--login-type", "so", "--so-pin", SO_PIN, "--init-pin", "--pin", self.pin], self.env)

    def come_back(self):
        """Starts the TPM on the state that it had."""
        control = self.socket + ".ctrl"
        for path in (self.socket, control):
            if os.path.exists(path):
                os.unlink(path)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(control)
            listening.listen()
            tpm = self.case.watch(Process(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}",
                 "--server", f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,fd={listening.fileno()}",
                 "--flags", "not-need-init,startup-clear"], name=self.name, pass_fds=(listening.fileno(),)))
        # It answers once everything is set up. The command is CMD_GET_CAPABILITY of swtpm_ioctls(3).
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(LIMIT_S)
            asking.connect(control)
            asking.sendall(struct.pack(">I", 1))
            if not asking.recv(64):
                raise Failure(f"{self.name}: swtpm did not start\n{tpm.output()}")
        with self._bus.watch_names() as names:
            broker = self.case.watch(Process(
                ["tpm2-abrmd", "--session", "--allow-root", "--flush-all", f"--tcti=swtpm:path={self.socket}"],
                env=self.env, name=self.name + "-broker"))
            names.wait_line(rf'string "{self.broker}"')
        self._processes = [broker, tpm]

    def vanish(self):
        """Ends the TPM; who is connected loses it."""
        for process in self._processes:
            process.end()

    def lock_pin(self):
        """Wrong PINs until the TPM takes none at all."""
        for _ in range(8):
            _, said = self.tool("--login", "--pin", "env:PIN", "--list-objects", expect=None, pin="wrong")
            if "CKR_PIN_LOCKED" in said:
                return
        raise Failure(f"{self.name}: the TPM still takes PINs\n{said}")

    def unlock_pin(self):
        """What the TPM's owner does."""
        run(["tpm2_dictionarylockout", "--clear-lockout"], self.env)


class Shim:
    """tests/peers/pkcs11_shim.c in front of a token's module: what real tokens do at their worst. Give its env and config()
    to the agent in place of the token's."""

    def __init__(self, case, token):
        self.token = token
        self.module = program("pkcs11-shim" if os.environ.get("PKCS11_SHIM") else "pkcs11-shim.so")
        self._control = os.path.join(token.directory, "orders")
        log = os.path.join(token.directory, "calls")
        os.mkfifo(log)
        self._calls = []
        self._news = threading.Condition()
        # Its own writing end keeps the FIFO open between programs.
        self._log = os.open(log, os.O_RDWR)
        threading.Thread(target=self._read, daemon=True).start()
        case.addCleanup(os.write, self._log, b"end\n")
        self.env = {**token.env, "ONBOARD_TEST_SHIM_MODULE": token.module, "ONBOARD_TEST_SHIM_CONTROL": self._control,
                    "ONBOARD_TEST_SHIM_LOG": log}
        self.order()

    def _read(self):
        with os.fdopen(self._log, "r", encoding="ascii") as log:
            for line in log:
                if line == "end\n":
                    return
                with self._news:
                    self._calls.append(line.rstrip("\n"))
                    self._news.notify_all()

    def config(self):
        config = self.token.config()
        config["token"]["module"] = self.module
        return config

    def order(self, *lines):
        """What it does from the next call on, in the shim's words: "delay C_Sign 5000", "absent", "fail C_Login 0 0xa0"
        (PIN incorrect), "fail C_Login 0 0xa4" (PIN locked), "fail C_Sign 2 0x32" (device removed). Without any: nothing."""
        with open(self._control + ".new", "w", encoding="ascii") as f:
            f.write("".join(line + "\n" for line in lines))
        os.rename(self._control + ".new", self._control)

    def calls(self, name):
        """How often the function was called; with an answer ("C_Login 0xa0"), how often it answered that."""
        with self._news:
            return self._calls.count(name)

    def wait_call_after(self, name, first, limit_s=LIMIT_S):
        """Waits until the function `name` is called after the latest call of `first`, which there is."""
        def came():
            return name in self._calls[len(self._calls) - self._calls[::-1].index(first):]
        with self._news:
            if not self._news.wait_for(came, limit_s):
                raise Failure(f"{self.token.name}: {name} was not called after {first}")

    def wait_call(self, name, n=1, limit_s=LIMIT_S):
        """Waits until calls(name) is n or more."""
        with self._news:
            if not self._news.wait_for(lambda: self._calls.count(name) >= n, limit_s):
                raise Failure(f"{self.token.name}: {name} was not called {n} times but {self._calls.count(name)}")
