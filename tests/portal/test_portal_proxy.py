# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of the service: who asks is who came to the proxy, whatever they say of themselves."""

import http.client
import ssl

from harness import case
from harness.nginx import Nginx
from harness.process import LIMIT_S
from harness.service import Service

from visitor import Visitor, make_user


class FromAddress(Visitor):
    """Comes to the proxy from an address of loopback."""

    def __init__(self, proxy, ca, source):
        super().__init__(proxy.port, host="portal.example", origin="https://portal.example", ca=ca)
        self.source = source

    def connect(self):
        context = ssl.create_default_context(cafile=self.ca)
        return http.client.HTTPSConnection("localhost", self.port, timeout=LIMIT_S, context=context, source_address=(self.source, 0))


class TestProxy(case.Case):
    def behind(self, header, options=("--trusted-proxy", "127.0.0.1")):
        self.service = Service(self, self.pki(), options=["--public-url", "https://portal.example", *options]).start()
        make_user(self.service, "ada", "admin")
        return Nginx(self, self.pki(), f"location / {{ proxy_pass http://127.0.0.1:{self.service.rest_port}; proxy_set_header Host $host; "
                                       f"{header} }}", listen="127.0.0.1")

    def make_rule(self, proxy, source, said=None):
        visitor = FromAddress(proxy, self.pki().root, source)
        self.assertEqual(visitor.sign_in("ada").status, 201)
        rule = {"name": source, "tags": ["lab"], "commands": [{"request": {"finished": {}}}]}
        answer = visitor.ask("POST", "/v1/provisioning-rules", rule, {"X-Forwarded-For": said} if said else {})
        self.assertEqual(answer.status, 201, answer.body)

    def addresses(self):
        """From where rules were made, by the audit log, the first first."""
        entries = self.service.rest.want(200, "GET", "/audit?pageLimit=100")["items"]
        return [e["address"] for e in reversed(entries) if e["action"] == "rule.create"]

    def make_four(self, proxy):
        self.make_rule(proxy, "127.0.0.7")
        self.make_rule(proxy, "127.0.0.8", said="127.0.0.9")
        self.make_rule(proxy, "127.0.0.10", said="127.0.0.1, unknown")
        self.make_rule(proxy, "127.0.0.11", said="9" * 1100)
        return self.addresses()

    def test_the_address_is_the_one_that_the_proxy_added(self):
        proxy = self.behind("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
        # A list that is too long to be read says nothing: then it was the proxy.
        self.assertEqual(self.make_four(proxy), ["127.0.0.7", "127.0.0.8", "127.0.0.10", "127.0.0.1"])

    def test_the_address_is_the_one_that_the_proxy_put_in_place_of_others(self):
        proxy = self.behind("proxy_set_header X-Forwarded-For $remote_addr;")
        self.assertEqual(self.make_four(proxy), ["127.0.0.7", "127.0.0.8", "127.0.0.10", "127.0.0.11"])

    def test_guessing_from_one_address_leaves_others_their_tries(self):
        proxy = self.behind("proxy_set_header X-Forwarded-For $remote_addr;")
        guesser = FromAddress(proxy, self.pki().root, "127.0.0.7")
        self.assertEqual([guesser.sign_in("ada", "wrong password").status for _ in range(5)], [401] * 5)
        self.assertEqual(guesser.sign_in("ada").status, 429)
        self.assertEqual(FromAddress(proxy, self.pki().root, "127.0.0.8").sign_in("ada").status, 201)

    def test_a_header_that_a_proxy_adds_behind_the_clients_own_counts(self):
        self.behind("")
        direct = Visitor(self.service.rest_port, host="portal.example", origin="https://portal.example")
        self.assertEqual(direct.sign_in("ada").status, 201)
        rule = {"name": "two headers", "tags": ["lab"], "commands": [{"request": {"finished": {}}}]}
        said = {"X-Forwarded-For": "198.51.100.1", "x-forwarded-for": "127.0.0.7"}
        self.assertEqual(direct.ask("POST", "/v1/provisioning-rules", rule, said).status, 201)
        self.assertEqual(self.addresses(), ["127.0.0.7"])

    def test_a_proxy_that_is_not_named_is_the_client(self):
        proxy = self.behind("proxy_set_header X-Forwarded-For $remote_addr;", options=("--trusted-proxy", "192.0.2.0/24"))
        self.make_rule(proxy, "127.0.0.7")
        self.assertEqual(self.addresses(), ["127.0.0.1"])


if __name__ == "__main__":
    case.main()
