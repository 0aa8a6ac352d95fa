# SPDX-License-Identifier: Apache-2.0
"""Where the secrets of a device are after its work: searched for in the agent's memory, in each file that it wrote or
has open, in what it logs and in each write and exec that strace sees. Each search is shown to find what is there."""

import os
import shutil
import signal
import unittest

from harness import agent, case, memory, process
from harness.agent import Agent, struck
from harness.process import Failure, program, run
from harness.service import Service
from harness.token import SoftHsm

CLOUD_TAG, IDENTITY_TAG, OTHER_TAG = 16842753, 4294967294, 17
PRIVATE_KEY = 2  # credential type of %CMNG
# session/saved.h, and the context of mbedTLS: 8 bytes of versions and flags, 4 of length, then the session: start,
# suite, compression, id, master secret.
SAVED_HEADER, MASTER_AT, MASTER_LEN = 140, 8 + 4 + 8 + 2 + 1 + 1 + 32, 48


def setUpModule():
    process.WRAPPER.clear()  # the memory of a program under valgrind is valgrind's
    # As the installed program is linked: the first call of a library's function saves all registers on the stack, among
    # them what the last memcpy() moved.
    os.environ["LD_BIND_NOW"] = "1"
    # A stack of AddressSanitizer's own, as gcc 14 has it, is not the one that the agent wipes.
    os.environ["ASAN_OPTIONS"] = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_stack_use_after_return=0"]))


@unittest.skipUnless(os.geteuid() == 0, "reading another process's memory needs root")
class Memory(case.Case):
    def setUp(self):
        super().setUp()
        self.service = Service(self, self.pki()).start()
        self.factory_key = self.make_key("factory.pem")
        self.identity = memory.private_key_of_pem("identity key", self.factory_key)
        self.agent = Agent(self, self.service.coap_port, self.pki().root, identity={"key-file": self.factory_key})
        self.service.import_identity(self.agent.init())
        with open(os.path.join(self.agent.state, "seal.key"), "rb") as f:
            self.sealing = memory.Secret("sealing key").add("key", f.read())

    def make_key(self, name):
        path = self.path(name)
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path])
        os.chmod(path, 0o600)
        return path

    def claim(self):
        self.claim_with(agent.token_of(self.agent.once(expect=agent.EXIT_UNCLAIMED)))

    def claim_with(self, token):
        self.service.rest.add_rule("one key", "one-key", [
            {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}, {"finished": {}}])
        self.service.rest.claim(token, ["one-key"])

    def stored(self, tag):
        copy = self.path("copy")
        shutil.copytree(self.agent.state, copy)
        try:
            return bytes.fromhex(run([program("unseal"), copy, tag, PRIVATE_KEY]).strip())
        finally:
            shutil.rmtree(copy)

    def cloud_key(self):
        return memory.private_key("cloud key", self.stored(CLOUD_TAG))

    def own_name(self):
        return memory.Secret("UUID").add_text("text", self.agent.uuid)

    def idle_daemon(self):
        daemon = self.agent.start_daemon()
        daemon.wait_line(r"state old=\S+ new=idle")
        return daemon

    def master_secret(self, pid):
        for name, content in memory.open_files(pid).items():
            if "onboard-session" in name and any(content[SAVED_HEADER:]):
                at = SAVED_HEADER + MASTER_AT
                return memory.Secret("master secret").add("secret", content[at:at + MASTER_LEN])
        raise Failure("no suspended session")

    def test_the_search_finds_the_identity_key_while_it_is_held(self):
        device = self.agent.start_once(env=struck("key", signal.SIGSTOP))
        device.wait_stopped()
        self.assertNotEqual(memory.Memory(device.pid).find(self.identity), [])
        device.end(signal.SIGKILL)

    def test_the_search_finds_the_cloud_key_while_it_is_made(self):
        self.claim()
        device = self.agent.start_once(env=struck("generated", signal.SIGSTOP))
        device.wait_stopped()
        held = memory.Memory(device.pid)
        device.send_signal(signal.SIGCONT)
        self.assertEqual(device.wait(), agent.EXIT_DONE, device.output())
        self.assertNotEqual(held.find(self.cloud_key()), [])

    def test_an_idle_agent_holds_no_private_key_and_the_sealing_key_in_locked_memory_alone(self):
        self.claim()
        daemon = self.idle_daemon()
        held, cloud = memory.Memory(daemon.pid), self.cloud_key()
        self.assertNotEqual(held.find(self.own_name()), [], "the search finds nothing")
        self.assertEqual(held.find(self.identity) + held.find(cloud), [])
        self.assertNotEqual(held.find(self.sealing, locked=True), [])
        self.assertEqual(held.find(self.sealing, locked=False), [])
        print(f"    searched {held.size() >> 10} KiB of memory in {len(held.mappings)} mappings", flush=True)

    def test_an_identity_key_that_the_device_made_is_not_held_either(self):
        self.agent = Agent(self, self.service.coap_port, self.pki().root, name="self-made")
        self.service.import_identity(self.agent.init())
        self.claim()
        daemon = self.idle_daemon()
        held = memory.Memory(daemon.pid)
        self.assertNotEqual(held.find(self.own_name()), [], "the search finds nothing")
        self.assertEqual(held.find(memory.private_key("identity key", self.stored(IDENTITY_TAG))), [])

    def test_a_private_key_that_the_owner_sent_is_sealed_and_gone(self):
        path = self.make_key("sent.pem")
        sent = memory.private_key_of_pem("sent key", path)
        self.service.rest.claim(agent.token_of(self.agent.once(expect=agent.EXIT_UNCLAIMED)))
        with open(path, encoding="ascii") as f:
            text = f.read()
        for request in ({"clientPrivateKey": {"secTag": OTHER_TAG, "content": text}},
                        {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}}, {"finished": {}}):
            self.service.rest.add_command(self.agent.uuid, request)
        daemon = self.idle_daemon()
        held = memory.Memory(daemon.pid)
        files = {**memory.open_files(daemon.pid), **memory.files_below(self.agent.state)}
        self.assertNotEqual(sent.found_in(self.stored(OTHER_TAG)), [])
        self.assertEqual(held.find(sent) + memory.find_in_files(files, sent), [])
        self.assertEqual(sent.found_in(daemon.output().encode()), [])

    def test_a_key_that_was_exported_is_in_its_file_alone(self):
        directory = self.path("exported")
        self.agent.set('export "app"', directory=directory, ca="", certificate="", tag=CLOUD_TAG)
        self.claim()
        daemon = self.agent.start_daemon()
        daemon.wait_line(r"state old=\S+ new=idle")
        cloud = self.cloud_key()
        self.assertEqual({os.path.basename(line.split(" in ")[-1])
                          for line in memory.find_in_files(memory.files_below(directory), cloud)}, {"key.pem"})
        held, files = memory.Memory(daemon.pid), memory.open_files(daemon.pid)
        self.assertEqual(held.find(cloud) + memory.find_in_files(files, cloud), [])

    def test_the_pin_of_a_token_is_not_kept_and_in_nothing_that_is_said(self):
        token = SoftHsm(self)
        token.generate("factory")
        self.agent = Agent(self, self.service.coap_port, self.pki().root, name="token",
                           identity={"key": token.uri_of("factory")}, **token.config())
        self.service.import_identity(self.agent.init(env=token.env))
        daemon = self.agent.start_daemon(env=token.env)
        daemon.wait_line(r"state old=\S+ new=unclaimed")
        pin = memory.Secret("PIN").add_text("text", token.pin)
        held = memory.Memory(daemon.pid)
        files = {**memory.open_files(daemon.pid), **memory.files_below(self.agent.state)}
        with open(f"/proc/{daemon.pid}/environ", "rb") as f:
            files["the environment"] = f.read()
        with open(f"/proc/{daemon.pid}/cmdline", "rb") as f:
            files["the arguments"] = f.read()
        files["the log"] = daemon.output().encode()
        self.assertNotEqual(held.find(self.own_name()), [], "the search finds nothing")
        self.assertEqual(held.find(pin) + memory.find_in_files(files, pin), [])

    def test_no_key_is_in_a_file_that_the_agent_wrote_or_has_open(self):
        self.claim()
        daemon = self.idle_daemon()
        files = {**memory.open_files(daemon.pid), **memory.files_below(self.agent.state)}
        self.assertNotEqual(memory.find_in_files(files, self.own_name()), [], "the search finds nothing")
        self.assertEqual(memory.find_in_files(files, self.identity) + memory.find_in_files(files, self.cloud_key()), [])
        self.assertEqual([line for line in memory.find_in_files(files, self.sealing)
                          if not line.endswith("/seal.key")], [])
        print(f"    searched {sum(map(len, files.values())) >> 10} KiB in {len(files)} files", flush=True)

    def test_a_suspended_session_is_in_its_memfd_and_in_locked_memory_alone(self):
        daemon = self.agent.start_daemon()
        daemon.wait_line(r"state old=\S+ new=unclaimed")
        while_open = memory.Memory(daemon.pid)
        token = daemon.wait_line(r"^([A-Za-z0-9_-]{76}\.[A-Za-z0-9_-]{103})$").group(1)
        self.claim_with(token)
        daemon.wait_line(r"state old=\S+ new=idle")
        master = self.master_secret(daemon.pid)
        self.assertNotEqual(while_open.find(master), [], "this is not the master secret")
        self.assertEqual(memory.Memory(daemon.pid).find(master, locked=False), [])

    def test_no_secret_is_in_the_log_in_an_argument_or_in_anything_that_is_written(self):
        self.claim()
        trace = self.path("trace")
        # Strings whole and in hex; the leak search of the sanitizer cannot run beneath a tracer.
        device = self.agent.start_once(
            argv_prefix=["strace", "-f", "-xx", "-s", "100000", "-o", trace, "-e",
                         "trace=execve,write,writev,pwrite64,pwritev,rename,sendmsg"],
            env={"ASAN_OPTIONS": ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))})
        self.assertEqual(device.wait(), agent.EXIT_DONE, device.output())
        with open(trace, "rb") as f:
            written = bytes.fromhex("".join(part for part in f.read().decode().split('"')
                                            if part.startswith("\\x")).replace("\\x", ""))
        said = {"the log": device.output().encode(), "writes and arguments": written}
        for where, text in said.items():
            self.assertNotEqual(memory.find_in_files({where: text}, self.own_name()), [], "the search finds nothing")
        for secret in (self.identity, self.cloud_key(), self.sealing):
            self.assertEqual(memory.find_in_files(said, secret), [])
        self.assertNotIn("PRIVATE KEY", device.output())


if __name__ == "__main__":
    case.main()
