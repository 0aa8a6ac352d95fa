# SPDX-License-Identifier: Apache-2.0
"""The portal's files as they are served, and the users who may sign in to it."""

import json
import os
import pty
import re
import signal
import stat
import subprocess

from harness import case
from harness.process import LIMIT_S, command, program
from harness.service import Service

from visitor import PASSWORD, Visitor, make_user, user_verb

POLICY = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data: blob:",
          "connect-src": "'self'", "font-src": "'self'", "form-action": "'self'", "base-uri": "'none'",
          "frame-ancestors": "'none'", "media-src": "'self' blob:", "manifest-src": "'self'"}


def policy(answer):
    return dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))


class TestPages(case.Case):
    def setUp(self):
        super().setUp()
        self.service = Service(self, self.pki()).start()
        self.visitor = Visitor(self.service.rest_port)

    def source(self, *parts):
        return os.path.join(os.environ["ONBOARD_SOURCE_DIR"], "service", "portal", "web", *parts)

    def files(self):
        for folder, _, names in os.walk(self.source()):
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), self.source())

    def test_all_files_are_served_as_they_are(self):
        types = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
                 ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png"}
        for path in self.files():
            answer = self.visitor.ask("GET", "/portal/" + path)
            with open(self.source(path), "rb") as file:
                self.assertEqual((answer.status, answer.body), (200, file.read()), path)
            self.assertEqual(answer.headers["Content-Type"], types[os.path.splitext(path)[1]])
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(answer.headers["Cache-Control"], "no-cache")
            self.assertEqual(answer.headers["Cross-Origin-Resource-Policy"], "same-origin")
            self.assertTrue(answer.headers["Permissions-Policy"].startswith("camera=(self), microphone=()"))
            self.assertEqual(policy(answer), POLICY)
        page = self.visitor.ask("GET", "/portal/")
        self.assertEqual(page.body, self.visitor.ask("GET", "/portal/index.html").body)

    def test_nothing_in_them_needs_a_laxer_policy(self):
        for path in self.files():
            with open(self.source(path), encoding="utf-8", errors="replace") as file:
                text = file.read()
            if path.endswith((".html", ".svg")):
                self.assertNotRegex(text, r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:|<style", path)
            self.assertNotRegex(text, r"\b(eval|Function)\(|\.(inner|outer)HTML\b|document\.write", path)
            self.assertNotRegex(re.sub(r"http://www\.w3\.org/\S+", "", text), r"(src|href)=[\"']?(https?:)?//", path)

    def test_what_was_fetched_before_is_not_sent_again(self):
        first = self.visitor.ask("GET", "/portal/")
        tag = first.headers["ETag"]
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            again = self.visitor.ask("GET", "/portal/", headers={"If-None-Match": known})
            self.assertEqual((again.status, again.body), (304, b""))
            self.assertEqual(again.headers["ETag"], tag)
        self.assertEqual(self.visitor.ask("GET", "/portal/", headers={"If-None-Match": '"x"'}).status, 200)

    def test_the_way_to_it(self):
        for path in ("/", "/portal"):
            answer = self.visitor.ask("GET", path)
            self.assertEqual((answer.status, answer.headers["Location"]), (302, "/portal/"))
        # A link on another site leads there.
        answer = self.visitor.ask("GET", "/portal/", headers={"Sec-Fetch-Site": "cross-site"})
        self.assertEqual(answer.status, 200)

    def test_nothing_else_is_there(self):
        for path in ("/portal/nothing", "/portal/../etc/passwd", "/portal/..%2f..%2fetc/passwd", "/portal//app.js",
                     "/portal/APP.JS", "/portal/lib/", "/portal/lib", "/portal/app.js/", "/portal/%61pp.js",
                     "/portal/app.js%00", "/portal/./app.js", "/portal/index.html/../app.js", "/portal/package.json",
                     "/portalx", "/Portal/"):
            answer = self.visitor.ask("GET", path)
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (404, "application/problem+json"), path)
        for method in ("POST", "PUT", "DELETE"):
            self.assertEqual(self.visitor.ask(method, "/portal/", headers={"Origin": None}).status, 405)


class TestUsers(case.Case):
    def state(self):
        self.service = Service(self, self.pki())
        return self.service

    def file(self, text):
        path = self.path("password")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_a_password_comes_from_a_file_an_input_or_is_made(self):
        service = self.state()
        for name, arguments, text in (("a", ["--password-file", self.file("from a file\n")], None),
                                      ("b", [], "from the input\nand more\n"),
                                      ("c", ["--password-file", "-"], "from the input too")):
            done = user_verb(service, "create", "--name", name, *arguments, stdin_text=text)
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        done = user_verb(service, "create", "--name", "d", "--generate", "--role", "editor", "--team", "x")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^([a-z2-9]{5}-){4}[a-z2-9]{5}\n$")
        service.start()
        for name, password in (("a", "from a file"), ("b", "from the input"), ("c", "from the input too"),
                               ("d", done.stdout.strip())):
            self.assertEqual(Visitor(service.rest_port).sign_in(name, password).status, 201, name)
        listed = json.loads(user_verb(service, "list", "--json").stdout)
        self.assertEqual(sorted((u["name"], u["role"], u["team"]) for u in listed),
                         [("a", "viewer", "default"), ("b", "viewer", "default"), ("c", "viewer", "default"),
                          ("d", "editor", "x")])
        self.assertEqual(len(user_verb(service, "list").stdout.splitlines()), 4)
        self.assertFalse(os.stat(service.state).st_mode & (stat.S_IRWXG | stat.S_IRWXO))

    def test_a_terminal_is_asked_twice_without_echo(self):
        service = self.state()
        for lines, status in (((PASSWORD, PASSWORD), 0), ((PASSWORD, "something else"), 1)):
            self.assertEqual(self.at_a_terminal(service, "a" if status == 0 else "b", lines), status)
        service.start()
        self.assertEqual(Visitor(service.rest_port).sign_in("a").status, 201)

    def test_a_terminal_is_left_as_it_was(self):
        self.assertEqual(self.at_a_terminal(self.state(), "a", None), -signal.SIGINT)

    def at_a_terminal(self, service, name, lines):
        """lines None: SIGINT at the first prompt."""
        ours, theirs = pty.openpty()
        argv = command([program("onboard-service"), "user", "create", "--state", service.state, "--name", name])
        before = subprocess.run(["stty", "-a"], stdin=theirs, capture_output=True, check=True).stdout
        process = subprocess.Popen(argv, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = b""
        if lines is None:
            self.read_prompt(process)
            process.send_signal(signal.SIGINT)
        for line in lines or ():
            said += self.read_prompt(process)
            os.write(ours, line.encode() + b"\n")
        process.wait(LIMIT_S)
        process.stdout.close()
        process.stderr.close()
        after = subprocess.run(["stty", "-a"], stdin=theirs, capture_output=True, check=True).stdout
        self.assertEqual(before, after)
        os.set_blocking(ours, False)
        echoed = os.read(ours, 4096) if lines else b""
        self.assertNotIn(PASSWORD.encode(), said + echoed)
        os.close(ours)
        os.close(theirs)
        return process.returncode

    @staticmethod
    def read_prompt(process):
        said = b""
        while not said.endswith(b": "):
            part = process.stderr.read1(1)
            if not part:
                raise AssertionError(said)
            said += part
        return said

    def test_what_cannot_be_is_refused(self):
        service = self.state()
        make_user(service, "ada")
        done = user_verb(service, "create", "--name", "ada", "--team", "others", stdin_text=PASSWORD)
        self.assertEqual((done.returncode, "there is a user ada already" in done.stderr), (1, True))
        for verb in ("passwd", "remove"):
            done = user_verb(service, verb, "--name", "bob", stdin_text=PASSWORD)
            self.assertEqual((done.returncode, "there is no user bob" in done.stderr), (1, True))
        for text, why in (("short\n", "at least 8"), ("x" * 129, "at most 128"), ("bad\x07password", "control"),
                          ("", "at least 8"), ("\n" * 20, "at least 8"), ("x" * 5000, "at most 128")):
            done = user_verb(service, "create", "--name", "bob", stdin_text=text)
            self.assertEqual((done.returncode, why in done.stderr), (1, True), done.stderr)
        self.assertEqual(user_verb(service, "create", "--name", "bob", "--password-file", self.file("two\nlines here")).returncode, 1)
        self.assertEqual(user_verb(service, "create", "--name", "bob", "--password-file", self.path("none")).returncode, 1)
        for arguments in (["create"], ["create", "--name", ""], ["create", "--name", "x" * 129], ["remove"], ["passwd"],
                          ["create", "--name", "b", "--role", "root"], ["become", "--name", "b"],
                          ["create", "--name", "b", "--generate", "--password-file", "-"], ["create", "--name", "b", "password"]):
            self.assertEqual(user_verb(service, *arguments, stdin_text=PASSWORD).returncode, 64, arguments)
        self.assertEqual(len(user_verb(service, "list").stdout.splitlines()), 1)

    def test_an_admin_makes_and_changes_users_by_rest(self):
        service = self.state().start()
        rest = service.rest
        made = rest.want(201, "POST", "/users", {"name": "vera", "role": "viewer", "password": PASSWORD})
        self.assertEqual((made["name"], made["role"]), ("vera", "viewer"))
        self.assertNotIn("password", made)
        vera = Visitor(service.rest_port)
        self.assertEqual(vera.sign_in("vera").status, 201)
        rest.want(200, "PATCH", f"/users/{made['id']}", {"password": "another password"})
        self.assertEqual(vera.ask("GET", "/v1/account").status, 401)
        self.assertEqual(vera.sign_in("vera").status, 401)
        self.assertEqual(vera.sign_in("vera", "another password").status, 201)
        self.assertEqual(rest.want(200, "PATCH", f"/users/{made['id']}", {"role": "admin"})["role"], "admin")
        self.assertEqual(vera.sign_in("vera", "another password").status, 201)
        own = vera.ask("POST", "/v1/users", {"name": "otto", "role": "editor", "password": PASSWORD})
        self.assertEqual(own.status, 201)
        rest.want(409, "POST", "/users", {"name": "otto", "role": "viewer", "password": PASSWORD})
        for body in ({"name": "x", "role": "viewer"}, {"name": "x", "role": "viewer", "password": "short"},
                     {"name": "x", "role": "root", "password": PASSWORD}):
            rest.want(422, "POST", "/users", body)
        rest.want(204, "DELETE", f"/users/{made['id']}")
        self.assertEqual(vera.ask("GET", "/v1/account").status, 401)


if __name__ == "__main__":
    case.main()
