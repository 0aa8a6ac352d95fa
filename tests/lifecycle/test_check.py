# SPDX-License-Identifier: Apache-2.0
"""onboardctl check names the cause: faults in network namespaces, with the real onboardd, service, resolver and packet
filter."""

import concurrent.futures
import os
import shutil
import sys
import time
import traceback

from harness import case
from harness.agent import struck
from harness.pki import Pki
from harness.process import Process, run
from harness.token import SoftHsm

import namespace
from doctor import FILTER, LIAR, NOBODY, PORTAL_DNS, SERVER, Patient, World, address, damage

AT_ONCE = 6
NAMED_MIN = 23
FAULTS = {}


def fault(check):
    """A function that puts a fault into a new device, and returns (device, environment of the check or None)."""
    def register(function):
        FAULTS[function.__name__] = (check, function)
        return function
    return register


# ---- link and address

@fault("link")
def no_network_interface(world, number):
    patient = Patient(world, number, plugged=False)
    patient.init()
    patient.start()
    return patient


@fault("link")
def cable_pulled_out(world, number):
    patient = Patient(world, number)
    patient.init()
    patient.network.pull_out()
    patient.start()
    return patient


@fault("link")
def interface_switched_off(world, number):
    patient = Patient(world, number)
    patient.init()
    patient.network.ip("link", "set", "eth0", "down")
    patient.start()
    return patient


@fault("address")
def no_address(world, number):
    patient = Patient(world, number, configured=False)
    patient.init()
    patient.start()
    return patient


@fault("address")
def dhcp_never_answered(world, number):
    patient = Patient(world, number, configured=False)
    patient.network.ip("address", "add", "169.254.7.7/16", "dev", "eth0")
    patient.init()
    patient.start()
    return patient


@fault("address")
def no_default_route(world, number):
    patient = Patient(world, number)
    patient.network.ip("route", "del", "default")
    patient.init()
    patient.start()
    return patient


# ---- DNS and portals

@fault("dns")
def resolver_does_not_answer(world, number):
    patient = Patient(world, number)
    patient.network.resolve_by(address(NOBODY))
    patient.init()
    return patient


@fault("dns")
def resolver_does_not_know_the_server(world, number):
    patient = Patient(world, number)
    patient.init()
    patient.agent.set("provisioning", server="nowhere.test")
    patient.start()
    return patient


@fault("dns")
def resolver_hides_the_server(world, number):
    patient = Patient(world, number)
    patient.network.resolve_by(address(FILTER))
    patient.init()
    return patient


@fault("dns")
def resolver_lies(world, number):
    patient = Patient(world, number, network={"captive-portal-url": ""})
    patient.network.resolve_by(address(LIAR))
    patient.init()
    return patient


@fault("captive-portal")
def portal_that_redirects(world, number):
    patient = Patient(world, number, network={"captive-portal-url": "http://login.test/"})
    patient.network.filter_on_the_way(f"udp dport {world.service.coap_port}")
    patient.init()
    return patient


@fault("captive-portal")
def portal_that_answers_for_everybody(world, number):
    patient = Patient(world, number)
    patient.network.resolve_by(address(PORTAL_DNS))
    patient.init()
    return patient


# ---- the path

@fault("udp-path")
def udp_is_dropped_on_the_way(world, number):
    patient = Patient(world, number)
    patient.network.filter_on_the_way(f"udp dport {world.service.coap_port}")
    patient.init()
    patient.start()
    return patient


@fault("udp-path")
def answers_are_dropped_on_the_way(world, number):
    patient = Patient(world, number)
    patient.network.filter_on_the_way(rule_down=f"udp sport {world.service.coap_port}")
    patient.init()
    return patient


@fault("udp-path")
def udp_is_forbidden_on_the_device(world, number):
    patient = Patient(world, number)
    patient.network.filter_here(f"udp dport {world.service.coap_port} reject with icmpx admin-prohibited")
    patient.init()
    return patient


@fault("udp-path")
def udp_disappears_on_the_device(world, number):
    patient = Patient(world, number)
    patient.network.filter_here(f"udp dport {world.service.coap_port} drop")
    patient.init()
    return patient


@fault("udp-path")
def nothing_listens_on_the_port(world, number):
    patient = Patient(world, number, provisioning={"port": 9})
    patient.init()
    return patient


@fault("udp-path")
def no_way_to_the_server(world, number):
    patient = Patient(world, number)
    patient.network.ip("route", "add", "unreachable", address(NOBODY))
    patient.init()
    patient.agent.set("provisioning", address=address(NOBODY))
    return patient


@fault("path-mtu")
def large_datagrams_disappear(world, number):
    patient = Patient(world, number)
    patient.network.filter_on_the_way("udp length > 700")
    patient.init()
    return patient


@fault("path-mtu")
def fragments_disappear(world, number):
    patient = Patient(world, number, mtu=600)
    patient.network.filter_on_the_way("ip frag-off & 0x3fff != 0")
    patient.init()
    return patient


@fault("path-mtu")
def large_answers_disappear(world, number):
    patient = Patient(world, number)
    patient.network.filter_on_the_way(rule_down=f"udp sport {world.service.coap_port} udp length > 300")
    patient.init()
    return patient


# ---- time

@fault("time")
def clock_of_1970(world, number):
    patient = Patient(world, number)
    patient.init()
    patient.start(env=struck(clock=86400))
    return patient, struck(clock=86400)


@fault("time")
def clock_of_2106(world, number):
    patient = Patient(world, number)
    patient.init()
    return patient, struck(clock=4294967296)


@fault("time")
def clock_a_year_ahead(world, number):
    patient = Patient(world, number)
    patient.init()
    return patient, struck(clock=int(time.time()) + 366 * 86400)


@fault("time")
def clock_a_year_ahead_and_no_web(world, number):
    patient = Patient(world, number, network={"captive-portal-url": ""})
    patient.init()
    return patient, struck(clock=int(time.time()) + 366 * 86400)


# ---- trust

@fault("root-ca")
def another_root_ca(world, number):
    patient = Patient(world, number)
    other = Pki(world.case.path(f"other-{number}"), SERVER)
    patient.agent.set("provisioning", root_ca=other.root)
    patient.init()
    patient.start()
    return patient


@fault("root-ca")
def root_ca_is_missing(world, number):
    patient = Patient(world, number, provisioning={"root-ca": "/nonexistent/root-ca.pem"})
    patient.init()
    patient.start(served=False)
    return patient


@fault("root-ca")
def root_ca_is_no_certificate(world, number):
    patient = Patient(world, number)
    garbage = world.case.path(f"garbage-{number}.pem")
    with open(garbage, "w", encoding="ascii") as f:
        f.write("-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n")
    patient.agent.set("provisioning", root_ca=garbage)
    patient.init()
    patient.start(served=False)
    return patient


@fault("root-ca")
def root_ca_has_expired(world, number):
    patient = Patient(world, number)
    path = world.case.path(f"expired-{number}.pem")
    env = {"LD_PRELOAD": struck()["LD_PRELOAD"], "ONBOARD_TEST_CLOCK": str(int(time.time()) - 40 * 86400)}
    run(["openssl", "req", "-x509", "-new", "-sha256", "-key", world.pki.root_key, "-days", "30", "-subj",
         "/CN=onboard test root", "-out", path, "-addext", "keyUsage=critical,keyCertSign"], env=env)
    patient.agent.set("provisioning", root_ca=path)
    patient.init()
    return patient


def serve_with(world, number, certificate, key, *options):
    """OpenSSL's own server instead of ours."""
    port = 20000 + number
    server = world.case.watch(Process(["openssl", "s_server", "-dtls1_2", "-listen", "-accept", f"{address(1)}:{port}",
                                       "-cert", certificate, "-key", key, *options], stdin=open_forever(world)))
    server.wait_line("ACCEPT")
    return port


def open_forever(world):
    """A standard input that never ends."""
    reader, writer = os.pipe()
    world.case.addCleanup(os.close, writer)
    return reader


def sign(world, number, name, days=30, env=None):
    """A certificate below the trusted root."""
    request, extensions, out = (world.case.path(f"leaf-{number}.{e}") for e in ("csr", "ext", "pem"))
    with open(extensions, "w", encoding="ascii") as f:
        f.write(f"subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n")
    run(["openssl", "req", "-new", "-sha256", "-key", world.pki.key, "-subj", f"/CN={name}", "-out", request])
    run(["openssl", "x509", "-req", "-sha256", "-in", request, "-CA", world.pki.root, "-CAkey", world.pki.root_key,
         "-set_serial", str(number), "-days", str(days), "-extfile", extensions, "-out", out], env=env)
    return out


@fault("certificate")
def server_certificate_has_expired(world, number):
    env = {"LD_PRELOAD": struck()["LD_PRELOAD"], "ONBOARD_TEST_CLOCK": str(int(time.time()) - 40 * 86400)}
    port = serve_with(world, number, sign(world, number, SERVER, env=env), world.pki.key)
    patient = Patient(world, number, provisioning={"port": port})
    patient.init()
    return patient


@fault("server-name")
def server_certificate_is_anothers(world, number):
    port = serve_with(world, number, sign(world, number, "somewhere.else.test"), world.pki.key)
    patient = Patient(world, number, provisioning={"port": port})
    patient.init()
    return patient


@fault("handshake")
def server_speaks_another_cipher(world, number):
    port = serve_with(world, number, world.pki.cert, world.pki.key, "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305")
    patient = Patient(world, number, provisioning={"port": port})
    patient.init()
    return patient


# ---- identity and claim

@fault("identity-key")
def key_file_is_missing(world, number):
    patient = with_key_file(world, number)
    patient.init()
    os.unlink(patient.key_file)
    patient.start(served=False)
    return patient


@fault("identity-key")
def key_file_is_for_everybody(world, number):
    patient = with_key_file(world, number)
    patient.init()
    os.chmod(patient.key_file, 0o644)
    return patient


@fault("identity-key")
def key_file_holds_another_key(world, number):
    patient = with_key_file(world, number)
    patient.init()
    make_key(patient.key_file)
    patient.start(served=False)
    return patient


def make_key(path):
    run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path])
    os.chmod(path, 0o600)


def with_key_file(world, number):
    patient = Patient(world, number)
    patient.key_file = world.case.path(f"key-{number}.pem")
    make_key(patient.key_file)
    patient.agent.set("identity", key_file=patient.key_file)
    return patient


def with_token(world, number):
    token = SoftHsm(world.case, f"token-{number}")
    patient = Patient(world, number, **token.config(), identity={"key": token.uri})
    patient.env.update(token.env)
    patient.init()
    return patient, token


@fault("identity-key")
def token_is_absent(world, number):
    patient, token = with_token(world, number)
    token.vanish()
    patient.start()
    return patient


@fault("identity-key")
def token_wants_another_pin(world, number):
    patient, token = with_token(world, number)
    token.change_pin(tell=False)
    patient.start()
    return patient


@fault("claim")
def nobody_has_claimed_it(world, number):
    patient = Patient(world, number)
    patient.init()
    patient.start()
    patient.ctl("status", "--wait", "unclaimed", "--timeout", "60")
    return patient


# ---- what keeps its memory

@fault("store")
def store_is_damaged(world, number):
    patient = Patient(world, number)
    patient.init()
    damage(patient.state_path("store.db"))
    patient.start(served=False)
    return patient


@fault("store")
def store_was_set_aside(world, number):
    patient = Patient(world, number)
    patient.init()
    damage(patient.state_path("store.db"))
    patient.start(served=False)
    patient.start(served=False)
    return patient


@fault("sealing-key")
def sealing_key_is_missing(world, number):
    patient = Patient(world, number)
    patient.init()
    os.unlink(patient.state_path("seal.key"))
    patient.start(served=False)
    return patient


@fault("sealing-key")
def sealing_key_is_another_ones(world, number):
    patient = Patient(world, number)
    patient.init()
    with open(patient.state_path("seal.key"), "wb") as f:
        f.write(os.urandom(32))
    patient.start(served=False)
    return patient


@fault("sealing-key")
def sealing_key_is_gone_while_it_runs(world, number):
    patient = Patient(world, number)
    patient.init()
    patient.start()
    patient.claim()
    os.unlink(patient.state_path("seal.key"))
    return patient


def on_small_disk(world, number, options):
    patient = Patient(world, number)
    os.mkdir(patient.agent.state)
    run(["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "tmpfs", patient.agent.state])
    world.case.addCleanup(run, ["umount", "--lazy", patient.agent.state])
    return patient


@fault("space")
def disk_is_full(world, number):
    patient = on_small_disk(world, number, "size=1m")
    patient.init()
    fill(patient)
    return patient


def fill(patient):
    with open(patient.state_path("filling"), "wb", buffering=0) as f:
        try:
            while f.write(bytes(4096)):
                pass
        except OSError:
            pass


@fault("space")
def disk_is_full_before_the_first_start(world, number):
    patient = on_small_disk(world, number, "size=1m")
    fill(patient)
    patient.start(served=False)
    return patient


@fault("space")
def disk_takes_no_more_files(world, number):
    patient = on_small_disk(world, number, "size=16m,nr_inodes=24")
    patient.init()
    try:
        for n in range(100):
            os.mkdir(patient.state_path(f"filling-{n}"))
    except OSError:
        pass
    return patient


# ---- services

@fault("wifi-services")
def no_wifi_and_no_bluetooth_service(world, number):
    patient = Patient(world, number, wifi={"enable": "yes"})
    patient.init()
    return patient


@fault("wifi-services")
def no_bluetooth_service(world, number):
    patient = Patient(world, number, wifi={"enable": "yes"})
    patient.init()
    supplicant = world.case.watch(Process(["wpa_supplicant", "-u"], env=patient.bus.env))
    supplicant.wait_line("Successfully initialized")
    with patient.bus.watch_names() as names:
        run(["busctl", f"--address={patient.bus.address}", "call", "fi.w1.wpa_supplicant1", "/fi/w1/wpa_supplicant1",
             "org.freedesktop.DBus.Peer", "Ping"])
    del names
    return patient


@fault("configuration")
def configuration_has_a_slip(world, number):
    patient = Patient(world, number)
    patient.init()
    patient.agent.set("provisioning", prot=5684)
    patient.start(served=False)
    return patient


@fault("daemon")
def daemon_was_never_started(world, number):
    patient = Patient(world, number)
    patient.init()
    return patient


@fault("daemon")
def no_message_bus(world, number):
    patient = Patient(world, number)
    patient.init()
    patient.bus.process.end()
    return patient


class Check(case.Case):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("wpa_supplicant"):
            del FAULTS["no_bluetooth_service"]

    def examine(self, world, number, name):
        """How the fault was named: ("", what was found instead) when it was."""
        expected, inject = FAULTS[name]
        got = inject(world, number)
        patient, env = got if isinstance(got, tuple) else (got, None)
        for tries in (1, 2, 3, 4):  # a machine under load may keep answers for longer than a check waits
            begin = time.monotonic()
            exit_code, report = patient.check(env)
            seconds = time.monotonic() - begin
            cause = report["cause"] or {"check": "none", "detail": ""}
            if cause["check"] == expected:
                break
            print(f"    {name.replace('_', ' ')}: try {tries}: {cause['check']}: {cause['detail']}", flush=True)
        if cause["check"] != expected or exit_code == 0 or not cause.get("remedy") or not cause.get("means"):
            found = "\n".join(f"      {c['status']:8} {c['check']:15} {c['detail']}" for c in report["checks"])
            return seconds, f"{cause['check']} (exit {exit_code}) instead of {expected}\n{found}"
        print(f"    {name.replace('_', ' ')}: {cause['check']}: {cause['detail']} ({seconds:.1f} s)", flush=True)
        return seconds, ""

    def guarded(self, world, number, name):
        try:
            return self.examine(world, number, name)
        except Exception:  # told with the fault's name, and counted
            return 0.0, traceback.format_exc()

    def test_faults_are_named(self):
        world = World(self)
        chosen = [n for n in FAULTS if not os.environ.get("ONBOARD_TEST_FAULT") or os.environ["ONBOARD_TEST_FAULT"] in n]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(lambda p: self.guarded(world, *p), enumerate(chosen, 1)))
        wrong = {n: r[1] for n, r in zip(chosen, results) if r[1]}
        for name, found in wrong.items():
            print(f"  {name}: {found}", file=sys.stderr)
        print(f"  slowest check: {max(r[0] for r in results):.1f} s")
        print(f"check: named={len(chosen) - len(wrong)} of={len(chosen)}", flush=True)
        if len(chosen) == len(FAULTS):
            self.assertGreaterEqual(len(chosen) - len(wrong), NAMED_MIN)
        self.assertEqual(sorted(wrong), [])

    def test_a_device_that_is_well_has_no_cause(self):
        world = World(self)
        patient = Patient(world, 1)
        patient.init()
        patient.start()
        patient.claim()
        exit_code, report = patient.check()
        self.assertEqual(exit_code, 0, report)
        self.assertEqual({c["check"] for c in report["checks"] if c["status"] == "failed"}, set(), report)
        skipped = {c["check"] for c in report["checks"] if c["status"] == "skipped"}
        self.assertEqual(skipped, {"wifi-services", "wifi-interface"})
        text = patient.ctl("check", "--config", patient.agent.config)
        self.assertTrue(all(len(line) < 80 for line in text.splitlines()), text)


if __name__ == "__main__":
    namespace.enter()
    case.main()
