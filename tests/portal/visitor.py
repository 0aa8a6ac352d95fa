# SPDX-License-Identifier: Apache-2.0
"""What a browser sends to the portal, and what others send who pretend to be one: every header is the test's to choose."""

import http.client
import json
import ssl

from harness.process import LIMIT_S, finish, program

PASSWORD = "correct horse battery staple"
COOKIE = "onboard_session"


class Answer:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()

    def json(self):
        return json.loads(self.body)

    def cookie(self):
        """(value, set of its attributes in lower case) of the session cookie that was set."""
        header = self.headers.get("Set-Cookie")
        first, *attributes = header.split("; ")
        name, value = first.split("=", 1)
        assert name == COOKIE, header
        return value, {a.lower() for a in attributes}


class Visitor:
    """One browser profile: knows its cookie and its token."""

    def __init__(self, port, host=None, origin=None, ca=None):
        self.port = port
        self.ca = ca
        self.host = host or f"127.0.0.1:{port}"
        self.origin = origin or f"{'https' if ca else 'http'}://{self.host}"
        self.cookie = None
        self.token = None

    def connect(self):
        if not self.ca:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        context = ssl.create_default_context(cafile=self.ca)
        return http.client.HTTPSConnection("localhost", self.port, timeout=LIMIT_S, context=context)

    def headers(self, method, body, given):
        headers = {"Host": self.host}
        if self.cookie:
            headers["Cookie"] = f"{COOKIE}={self.cookie}"
        if method not in ("GET", "HEAD"):
            headers["Origin"] = self.origin
            headers["X-CSRF-Token"] = self.token
        if body is not None:
            headers["Content-Type"] = "application/json"
        headers.update(given or {})
        return {name: value for name, value in headers.items() if value is not None}

    def send(self, connection, method, path, body=None, headers=None):
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers(method, body, headers).items():
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data.encode() if isinstance(data, str) else data)

    def ask(self, method, path, body=None, headers=None):
        """headers take the place of what this browser would say; None leaves one out."""
        connection = self.connect()
        try:
            self.send(connection, method, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def sign_in(self, user, password=PASSWORD, headers=None):
        answer = self.ask("POST", "/v1/session", {"user": user, "password": password}, headers)
        if answer.status == 201:
            self.cookie, _ = answer.cookie()
            self.token = answer.json()["csrfToken"]
        return answer


def user_verb(service, *arguments, stdin_text=None):
    """(exit code, standard output, standard error) of onboard-service user."""
    return finish([program("onboard-service"), "user", arguments[0], "--state", service.state, *arguments[1:]],
                  stdin_text=stdin_text)


def make_user(service, name, role="admin", team="default", password=PASSWORD):
    done = user_verb(service, "create", "--name", name, "--role", role, "--team", team, stdin_text=password + "\n")
    assert done.returncode == 0, done
