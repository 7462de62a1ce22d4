"""An origin that believes the gateway's signature and nothing else."""
import json
import os
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from jwt.algorithms import RSAAlgorithm

ISSUER = os.environ["ISSUER"]
AUD = os.environ["AUD"]
CERTS_URL = os.environ.get("CERTS_URL", ISSUER + "/cdn-cgi/access/certs")


class Keys:
    """The gateway's public keys by kid; asked for again at most once a minute when one is unknown."""

    def __init__(self):
        self._keys = {}
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def find(self, kid):
        with self._lock:
            if kid not in self._keys and time.monotonic() - self._asked > 60:
                self._asked = time.monotonic()
                with urllib.request.urlopen(CERTS_URL, timeout=5) as answer:
                    listed = json.loads(answer.read(1 << 20))["keys"]
                self._keys = {key["kid"]: RSAAlgorithm.from_jwk(json.dumps(key)) for key in listed}
            return self._keys[kid]


KEYS = Keys()


def verify(headers):
    assertions = headers.get_all("Cf-Access-Jwt-Assertion") or []
    if len(assertions) != 1:
        raise ValueError("exactly one assertion is needed")
    key = KEYS.find(jwt.get_unverified_header(assertions[0])["kid"])
    claims = jwt.decode(
        assertions[0], key, algorithms=["RS256"], issuer=ISSUER, audience=AUD, options={"require": ["exp", "iss", "aud"]}
    )
    if claims.get("type") != "app":
        raise ValueError("not a token for an application")
    return claims


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        email = ""
        try:
            claims = verify(self.headers)
            email = claims.get("email", "")
            status, body = 200, {"email": email, "common_name": claims.get("common_name")}
        except Exception:
            status, body = 403, {"error": "this request did not come through the gateway"}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Verified-Email", email)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler)
    print("listening", file=sys.stderr, flush=True)
    server.serve_forever()
