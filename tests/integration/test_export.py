# SPDX-License-Identifier: Apache-2.0
"""Credentials as other programs use them: onboarded against the real service, exported, and shown to
a mosquitto broker that takes clients of the service's CA only."""

import os
import shutil
import socket
import stat
import threading
import unittest

from harness import agent, case, memory, process
from harness.agent import Agent
from harness.bus import Bus
from harness.pki import Pki
from harness.process import LIMIT_S, Process, finish, program, run
from harness.service import Service
from harness.token import SoftHsm

CLOUD_TAG = 16842753
SECTION = 'export "broker"'
FILES = ("ca.pem", "cert.pem", "key.pem")
TOPIC = "devices/state"


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


class Broker:
    """mosquitto, which lets in who has a certificate of the service's CA, and calls them by their CN."""

    def __init__(self, test, service, pki):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        config = test.path("mosquitto.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"user root\nlistener {self.port} 127.0.0.1\ncafile {service.state}/ca.pem\n"
                    f"certfile {pki.cert}\nkeyfile {pki.key}\n"
                    "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n"
                    "log_dest stderr\nlog_type all\n")
        self.process = test.watch(Process(["mosquitto", "-c", config]))
        self.process.wait_line(r"mosquitto version \S+ running")


class Reader(threading.Thread):
    """Opens the directory once, then the files in it, over and over: what it saw of each time."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.directory = directory
        self.seen, self.n_whole, self.n_gone = set(), 0, 0
        self.over, self.turned = threading.Event(), threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self.seen.add(tuple(self.file(directory, name) for name in FILES))
                self.n_whole += 1
            except FileNotFoundError:
                self.n_gone += 1  # the old one, on its way out
            finally:
                os.close(directory)
                self.turned.set()

    @staticmethod
    def file(directory, name):
        with open(os.open(name, os.O_RDONLY, dir_fd=directory), encoding="ascii") as f:
            return f.read()

    def end(self):
        """After a look at what is there now."""
        for _ in range(2):  # the one under way may have begun before
            self.turned.clear()
            self.turned.wait(LIMIT_S)
        self.over.set()
        self.join()


class Export(case.Case):
    def setUp(self):
        super().setUp()
        self.service = Service(self, self.pki()).start()
        self.rest = self.service.rest
        self.exported = self.path("exported", "broker")
        os.mkdir(self.path("exported"))
        self.hooks = self.path("hooks")
        self.agent = Agent(self, self.service.coap_port, self.pki().root)
        self.env = {}
        self.agent.set(SECTION, directory=self.exported, hook_command=self.hook())
        self.service.import_identity(self.agent.init())
        self.rest.claim(agent.token_of(self.agent.once(expect=agent.EXIT_UNCLAIMED)))

    def hook(self):
        path = self.path("hook")
        with open(path, "w", encoding="ascii") as f:
            f.write(f'#!/bin/sh\necho "$ONBOARD_EXPORT $ONBOARD_EXPORT_DIRECTORY" >>{self.hooks}\n')
        os.chmod(path, 0o755)
        return path

    def hook_lines(self):
        return read(self.hooks).splitlines() if os.path.exists(self.hooks) else []

    def files(self):
        return tuple(read(os.path.join(self.exported, name)) for name in FILES)

    def request_certificate(self, ca):
        """A new key, and the CA to trust: half of a rotation."""
        command = self.rest.add_command(self.agent.uuid, {"certificateSigningRequest": {
            "secTag": CLOUD_TAG, "attributes": "O=x,CN=y", "keyUsage": "101010000"}})
        self.rest.add_command(self.agent.uuid, {"serverCertificate": {"secTag": CLOUD_TAG, "content": ca}})
        self.rest.add_command(self.agent.uuid, {"finished": {}})
        first = self.agent.once(expect=agent.EXIT_DONE, env=self.env)
        response = self.rest.command(self.agent.uuid, command)["response"]
        return first, response["certificateSigningRequest"]["certificate"]

    def install_certificate(self, certificate):
        """The other half."""
        self.rest.add_command(self.agent.uuid, {"clientCertificate": {
            "secTag": CLOUD_TAG, "content": certificate}})
        self.rest.add_command(self.agent.uuid, {"finished": {}})
        return self.agent.once(expect=agent.EXIT_DONE, env=self.env)

    def onboard(self):
        _, certificate = self.request_certificate(read(self.pki().root))
        return self.install_certificate(certificate)

    def mosquitto(self, name, broker, *options):
        ca, certificate, key = (os.path.join(self.exported, f) for f in FILES)
        return [name, "-h", "localhost", "-p", str(broker.port), "--cafile", ca, "--cert", certificate,
                "--key", key, "-V", "mqttv5", "-q", "1", "-t", TOPIC, *options]

    def publish(self, broker, text):
        """From one client with the exported set to another."""
        subscriber = self.watch(Process(self.mosquitto("mosquitto_sub", broker, "-C", "1", "-i", text)))
        broker.process.wait_line(f"Sending SUBACK to {text}$")
        run(self.mosquitto("mosquitto_pub", broker, "-m", text))
        self.assertEqual(subscriber.wait(), 0)
        self.assertEqual(subscriber.texts(), [text])

    def test_a_hook_that_fails_is_not_shown_as_a_success(self):
        self.agent.set(SECTION, directory=self.exported, hook_command="/bin/false")
        self.onboard()
        argv = [program("onboardd"), "--config", self.agent.config, "--once", "--timeout", "45"]
        said = run(argv, {"LC_ALL": "C.UTF-8"})
        self.assertRegex(said, r"(?m)^✗ export failed  broker: hook: /bin/false: exit status 1$")

    def test_a_broker_takes_the_exported_credentials_before_and_after_a_rotation(self):
        done = self.onboard()
        broker = Broker(self, self.service, self.pki())
        self.assertEqual(done.status["cloud"], "validated")
        self.assertEqual([(e["name"], e["state"], e["error"]) for e in done.status["exports"]],
                         [("broker", "exported", "")])
        old = self.files()
        self.assertEqual(self.hook_lines(), [f"broker {self.exported}"])
        self.publish(broker, "first")
        broker.process.wait_line(f"u'{self.agent.uuid}'")

        reader = Reader(self.exported)
        self.addCleanup(reader.over.set)
        other = Pki(self.path("other-pki"))
        half, certificate = self.request_certificate(read(self.pki().root) + read(other.root))
        self.assertEqual(half.status["exports"][0]["state"], "waiting")
        self.assertIn("is not of its private key", half.status["exports"][0]["error"])
        self.assertEqual(self.files(), old)
        self.publish(broker, "in-between")
        self.install_certificate(certificate)
        new = self.files()
        reader.end()
        for n, name in enumerate(FILES):
            self.assertNotEqual(old[n], new[n], name)
        self.assertEqual(reader.seen, {old, new}, "a mixed set was seen")
        print(f"    {reader.n_whole} sets read, {reader.n_gone} on their way out", flush=True)
        self.assertEqual(len(self.hook_lines()), 2)
        self.publish(broker, "second")

    def test_a_client_without_the_exported_credentials_is_not_let_in(self):
        self.onboard()
        broker = Broker(self, self.service, self.pki())
        other = Pki(self.path("other-pki"))
        argv = self.mosquitto("mosquitto_pub", broker, "-m", "x")
        argv[argv.index("--cert") + 1], argv[argv.index("--key") + 1] = other.cert, other.key
        self.assertNotEqual(finish(argv).returncode, 0)

    def serve(self):
        """The port of a web server that wants a certificate of the service's CA, and shows it."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        server = self.watch(Process(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-Verify", "2",
             "-verify_return_error", "-CAfile", f"{self.service.state}/ca.pem",
             "-cert", self.pki().cert, "-key", self.pki().key]))
        server.wait_line("ACCEPT")
        return port

    def test_curl_reaches_a_server_with_the_exported_set(self):
        self.onboard()
        port = self.serve()
        ca, certificate, key = (os.path.join(self.exported, f) for f in FILES)
        page = run(["curl", "-sS", "--cacert", ca, "--cert", certificate, "--key", key,
                    f"https://localhost:{port}/"])
        self.assertRegex(page, f"Subject: CN ?= ?{self.agent.uuid}")

    def test_what_is_exported_is_for_owner_and_group_only(self):
        self.onboard()
        modes = {name: stat.S_IMODE(os.stat(os.path.join(self.exported, name)).st_mode) for name in FILES}
        self.assertEqual(modes, dict.fromkeys(FILES, 0o640))
        self.assertEqual(stat.S_IMODE(os.stat(self.exported).st_mode), 0o750)
        run(["openssl", "pkey", "-in", os.path.join(self.exported, "key.pem"), "-noout"])
        self.assertEqual(os.listdir(self.path("exported")), ["broker"])

    def test_a_key_in_a_token_is_exported_as_a_uri_that_tls_works_with(self):
        token = SoftHsm(self, "token")
        self.env = token.env
        self.agent.set("token", **token.config()["token"])
        self.agent.set("cloud", key=token.uri)
        self.onboard()
        self.assertEqual(sorted(os.listdir(self.exported)), [".onboardd", "ca.pem", "cert.pem", "pkcs11.env"])
        env = os.path.join(self.exported, "pkcs11.env")
        uri = run(["sh", "-c", f'. {env} && printf %s "$ONBOARD_KEY_URI"'])
        self.assertRegex(uri, r"^pkcs11:")
        self.assertNotIn("pin-", uri)
        self.assertNotIn(token.pin, read(env))
        port = self.serve()
        said = run(["gnutls-cli", "--provider", token.module, "--x509cafile", os.path.join(self.exported, "ca.pem"),
                    "--x509certfile", os.path.join(self.exported, "cert.pem"), "--x509keyfile", uri,
                    "--port", str(port), "localhost"], env={**token.env, "GNUTLS_PIN": token.pin},
                   stdin_text="GET / HTTP/1.0\r\n\r\n")
        self.assertRegex(said, f"Subject: CN ?= ?{self.agent.uuid}")
        self.assertEqual(len(self.hook_lines()), 1)

    def test_a_key_in_a_token_stays_there_while_it_is_exported(self):
        token = SoftHsm(self, "token")
        self.env = token.env
        self.agent.set("token", **token.config()["token"])
        self.agent.set("cloud", key=token.uri)
        self.onboard()
        env = os.path.join(self.exported, "pkcs11.env")
        old = read(env)
        _, certificate = self.request_certificate(read(self.pki().root))
        self.agent.once(expect=agent.EXIT_DONE, env=self.env)
        self.assertEqual(read(env), old)
        self.assertEqual(len(token.labels()), 2, "the key that the programs use is gone")
        self.install_certificate(certificate)
        self.assertNotEqual(read(env), old)
        self.agent.once(expect=agent.EXIT_DONE, env=self.env)
        self.assertEqual(len(token.labels()), 1, "nobody uses the old key any more")

    def test_a_start_without_network_restores_what_is_gone_and_tells_the_hook(self):
        self.onboard()
        old = self.files()
        self.service.stop()
        for name in os.listdir(self.exported):
            os.unlink(os.path.join(self.exported, name))
        os.rmdir(self.exported)  # as /run after a boot
        self.agent.once("--timeout", "1", expect=agent.EXIT_NETWORK)
        self.assertEqual(self.files(), old)
        self.assertEqual(len(self.hook_lines()), 2)

    @unittest.skipUnless(os.geteuid() == 0 and not process.WRAPPER, "reading another process's memory needs root")
    def test_an_exported_key_is_in_its_file_and_in_the_memory_of_nobody(self):
        self.onboard()
        shutil.rmtree(self.exported)
        bus = Bus(self)
        daemon = self.agent.start_daemon(env=bus.env)
        daemon.wait_line(r"state old=\S+ new=idle")
        run([program("onboardctl"), "status"], env=bus.env)  # answered after all that belongs to the cycle's end
        key = memory.private_key_of_pem("exported key", os.path.join(self.exported, "key.pem"))
        held = memory.Memory(daemon.pid)
        self.assertNotEqual(held.find(memory.Secret("UUID").add_text("text", self.agent.uuid)), [],
                            "the search finds nothing")
        self.assertEqual(held.find(key), [])

    def test_status_over_the_bus_tells_what_became_of_it(self):
        self.onboard()
        bus = Bus(self)
        os.symlink("/etc", self.path("exported", "elsewhere"))
        self.agent.set('export "blocked"', directory=self.path("exported", "elsewhere"))
        daemon = self.agent.start_daemon(env=bus.env)
        daemon.wait_line("state old=booting")  # it has its name on the bus since
        run([program("onboardctl"), "status", "--wait", "idle", "--timeout", "30"], env=bus.env)
        shown = run([program("onboardctl"), "status"], env=bus.env)
        self.assertRegex(shown, r"Export: +broker: exported; ")
        self.assertRegex(" ".join(shown.split()), r"Export: blocked: failed, \S+/exported/elsewhere is no directory")
        daemon.wait_line("export name=blocked failed: ")
        self.assertEqual(len(self.hook_lines()), 1)


if __name__ == "__main__":
    case.main()
