# SPDX-License-Identifier: Apache-2.0
"""What onboardd does with its store's sealing key and with a damaged store, from its command line."""

import os

from harness import case
from harness.agent import EXIT_STORE, EXIT_USAGE, Agent
from harness.process import finish, program, run
from harness.token import SoftHsm, SwTpm


class Sealed(case.Case):
    def make_agent(self, **sections):
        return Agent(self, 5684, self.path("none.pem"), **sections)

    def init(self, agent, env=None, expect=0):
        """The identity's row, or what went wrong."""
        done = finish([program("onboardd"), "--config", agent.config, "--init"], env)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stdout.strip() if expect == 0 else done.stderr

    def file(self, agent, name):
        return os.path.join(agent.state, name)

    def damage(self, agent):
        with open(self.file(agent, "store.db"), "r+b") as f:
            f.truncate(5000)


class TokenSealed:
    """Each holds for both tokens."""

    def sealing(self, agent):
        agent.set("sealing", key=f"{self.token.uri};object=sealing")

    def test_a_device_is_born_with_a_wrapped_key_and_opens_again(self):
        agent = self.make_agent(**self.token.config())
        self.sealing(agent)
        row = self.init(agent, self.token.env)
        self.assertIn("seal.wrapped", agent.store_files())
        self.assertNotIn("seal.key", agent.store_files())
        self.assertEqual(self.init(agent, self.token.env), row)
        usage = self.token.private_key("sealing")
        self.assertIn("never extractable", usage)

    def test_the_file_gives_way_to_the_token_and_pkcs11_tool_leads_back(self):
        self.token.generate("onboardd identity")
        agent = self.make_agent(**self.token.config())
        row = self.init(agent)
        self.assertIn("seal.key", agent.store_files())
        self.sealing(agent)
        self.assertEqual(self.init(agent, self.token.env), row)
        self.assertNotIn("seal.key", agent.store_files())
        # docs/storage.md, "Back to the file": by the id, since pkcs11-tool takes any key when it is told a label
        [number] = [o[2] for o in self.token.objects() if o[:2] == ("private", "sealing")]
        self.token.tool("--login", "--pin", "env:PIN", "--decrypt", "--mechanism", "RSA-PKCS-OAEP",
                        "--hash-algorithm", "SHA-1", "--mgf", "MGF1-SHA1", "--id", number,
                        "--input-file", self.file(agent, "seal.wrapped"),
                        "--output-file", self.file(agent, "seal.key"))
        self.assertEqual(os.path.getsize(self.file(agent, "seal.key")), 32)
        del agent.sections["sealing"]
        agent.set("daemon")
        self.assertEqual(self.init(agent), row)

    def test_without_the_token_nothing_is_changed(self):
        agent = self.make_agent(**self.token.config())
        self.sealing(agent)
        row = self.init(agent, self.token.env)
        self.token.vanish()
        self.assertIn("token", self.init(agent, self.token.env, expect=EXIT_STORE))
        self.token.come_back()
        self.token.write_pin("0")
        # Not 8: systemd would start it again, until the token is locked.
        self.assertIn("PIN", self.init(agent, self.token.env, expect=EXIT_USAGE))
        self.token.write_pin(self.token.pin)
        self.assertEqual(self.init(agent, self.token.env), row)


class TestSoftHsmSealing(TokenSealed, Sealed):
    def setUp(self):
        super().setUp()
        self.token = SoftHsm(self)


class TestTpmSealing(TokenSealed, Sealed):
    def setUp(self):
        super().setUp()
        self.token = SwTpm(self)


class TestDamagedStore(Sealed):
    def test_a_damaged_store_is_set_aside_and_every_start_says_so(self):
        agent = self.make_agent()
        self.init(agent)
        self.damage(agent)
        for _ in range(2):
            said = self.init(agent, expect=EXIT_STORE)
            self.assertIn("truncated", said)
            self.assertIn("store.set-aside", said)
            self.assertIn("backup", said)
        self.assertIn("store.db.damaged", agent.store_files())
        self.assertNotIn("store.db", agent.store_files())

    def test_start_anew_with_a_factory_identity_is_the_same_device(self):
        run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path("factory.pem")])
        agent = self.make_agent(identity={"uuid": "50374f37-4d3d-4c1f-8003-4f0c0c8dbc8c",
                                          "key-file": self.path("factory.pem")},
                                daemon={"damaged-store": "start-anew"})
        row = self.init(agent)
        self.damage(agent)
        self.assertEqual(self.init(agent), row)
        self.assertIn("store.db.damaged", agent.store_files())

    def test_start_anew_is_logged_and_shown(self):
        agent = self.make_agent(daemon={"damaged-store": "start-anew"})
        self.init(agent)
        self.damage(agent)
        done = finish([program("onboardd"), "--config", agent.config, "--init"], None)
        self.assertIn("store event=started-anew", done.stderr)
        self.assertIn("store.db.damaged", done.stderr)


class TestRecovery(Sealed):
    """The commands of docs/storage.md, "By hand"."""

    def sqlite(self, agent, *arguments, name="store.db"):
        return run(["sqlite3", self.file(agent, name), *arguments])

    def test_a_dump_saves_what_can_be_read(self):
        agent = self.make_agent()
        row = self.init(agent)
        page = int(self.sqlite(agent, "SELECT rootpage FROM sqlite_schema WHERE name = 'journal'"))
        size = int(self.sqlite(agent, "PRAGMA page_size"))
        with open(self.file(agent, "store.db"), "r+b") as f:
            f.seek((page - 1) * size)
            f.write(b"\xff")
        self.assertIn("set aside", self.init(agent, expect=EXIT_STORE))
        run(["sh", "-ec", f"""
            cd {agent.state} && mv store.db.damaged store.db
            test ! -e store.db.damaged-wal || mv store.db.damaged-wal store.db-wal
            version=$(sqlite3 store.db 'PRAGMA user_version')
            sqlite3 store.db .dump 2>/dev/null | sed 's/^ROLLBACK;.*/COMMIT;/' | sqlite3 saved.db
            sqlite3 saved.db "PRAGMA application_id = 1869505124; PRAGMA user_version = $version;
                              DELETE FROM secret WHERE name = 'store/content'"
            mkdir before && mv store.db* before && mv saved.db store.db
            chmod 600 store.db"""])
        self.assertEqual(self.init(agent), row)

    def test_a_row_is_removed(self):
        agent = self.make_agent()
        row = self.init(agent)
        self.sqlite(agent, "INSERT INTO credential VALUES (7, 3, zeroblob(32), zeroblob(40))")
        self.assertIn("tag 7, type 3", self.init(agent, expect=EXIT_STORE))
        run(["sh", "-c", f"cd {agent.state} && mv store.db.damaged store.db"])
        self.sqlite(agent, "DELETE FROM credential WHERE tag = 7 AND type = 3")
        self.assertEqual(self.init(agent), row)
        self.assertNotIn("store.set-aside", agent.store_files())

    def test_a_value_is_removed(self):
        agent = self.make_agent()
        row = self.init(agent)
        self.sqlite(agent, "INSERT INTO value VALUES ('config/x', 'y')")
        self.sqlite(agent, "DELETE FROM secret WHERE name = 'store/content'")
        self.assertEqual(self.init(agent), row)
        self.sqlite(agent, "DELETE FROM value WHERE name = 'config/x'")
        self.sqlite(agent, "DELETE FROM secret WHERE name = 'store/content'")
        self.assertEqual(self.init(agent), row)


if __name__ == "__main__":
    case.main()
