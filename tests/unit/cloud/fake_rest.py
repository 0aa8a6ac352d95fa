# SPDX-License-Identifier: Apache-2.0
"""A REST service that answers as its mode says, for test_claim.c: fake_rest.py MODE [CERT KEY].

Prints its port; prints each request (method, path, headers, body) as one line of JSON; ends with its standard input.
"""

import http.server
import json
import ssl
import sys
import threading

MODE = sys.argv[1]
DEVICE = {"id": "50363154-3931-44f0-8022-121b6401627d", "tags": []}
PROBLEM = {"type": "about:blank", "title": "Conflict", "status": 409,
           "detail": "claimed by\nanother \u001b[31mteam"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body, content_type="application/json", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        print(json.dumps({"method": self.command, "path": self.path,
                          "authorization": self.headers.get("Authorization"),
                          "content-type": self.headers.get("Content-Type"),
                          "body": json.loads(body)}), flush=True)
        status, _, detail = MODE.partition(":")
        if status == "hang":
            threading.Event().wait(60)
        elif status == "slow":
            self.send_response(201)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"{")
            self.wfile.flush()
            threading.Event().wait(60)
        elif status == "close":
            self.close_connection = True
        elif status == "cut":
            self.send_response(201)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"id":"')
            self.close_connection = True
        elif status == "nothttp":
            self.wfile.write(b"\x16\x03\x01 what\r\n\r\n")
            self.close_connection = True
        elif detail == "device":
            self.answer(int(status), json.dumps(DEVICE).encode())
        elif detail == "problem":
            self.answer(int(status), json.dumps(PROBLEM).encode(), "application/problem+json")
        elif detail == "redirect":
            self.answer(int(status), b"", headers=[("Location", "/v1/elsewhere")])
        elif detail == "full":  # the largest answer that is taken
            text = json.dumps(DEVICE).encode()
            self.answer(int(status), text + b" " * (65536 - len(text)))
        elif detail == "huge":
            text = json.dumps(DEVICE).encode()
            self.answer(int(status), text + b" " * (65537 - len(text)))
        elif detail == "deep":
            self.answer(int(status), b"[" * 60000)
        elif detail == "control":
            self.answer(int(status), b'{"id":"a\\u001b[2Jb"}')
        elif detail == "number":
            self.answer(int(status), b'{"id":7}')
        elif detail == "array":
            self.answer(int(status), b'["id"]')
        else:
            self.answer(int(status), detail.encode(), "text/html")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
