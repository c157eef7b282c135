"""A receiver of Candor's webhooks: checks each message, prints it once, and needs nothing but Python.

    CANDOR_WEBHOOK_SECRET=whsec_… python receive_webhooks.py 8080

Stands behind whatever ends TLS. One that stays keeps `seen` together with what it makes of the messages.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["CANDOR_WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE = 300
seen: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    """Takes what whoever has the secret has signed within the last minutes."""

    def do_POST(self) -> None:
        """204: taken, or taken before; 401: refused."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        message, sent = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        mac = hmac.digest(KEY, f"{message}.{sent}.".encode() + body, hashlib.sha256)
        signature = "v1," + base64.b64encode(mac).decode()
        # While a secret is changed there are two.
        signatures = self.headers.get("webhook-signature", "").encode().split()
        ours = any(hmac.compare_digest(signature.encode(), each) for each in signatures)
        good = ours and abs(time.time() - int(sent)) < TOLERANCE
        if good and message not in seen:
            seen.add(message)
            print(json.dumps(json.loads(body), ensure_ascii=False), flush=True)
        self.send_response(204 if good else 401)
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
