"""Requests as a browser sends them: to the CDN for pages, to the API for ratings, with a security code worked out."""

import base64
import hashlib
import http.client
import json
import os
import urllib.parse

import deployment


class Answer:
    """A response, read whole."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300].decode(errors='replace')}"


def commitment(purpose, body, salt):
    """What a security code is asked for with; src/challenge/scope.rs."""
    named = [body.get(name, "") for name in ("subject", "receipt_code", "receipt_secret", "phone")]
    digest = hashlib.sha256()
    for part in ["thuocdo-scope/1", salt, purpose, *named]:
        digest.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def solve(challenge):
    """The counter whose PBKDF2 key starts as the challenge says; templates/static/js/pow-worker.js."""
    asked = challenge["parameters"]
    nonce, salt = bytes.fromhex(asked["nonce"]), bytes.fromhex(asked["salt"])
    for counter in range(asked["data"]["maxCounter"] + 1):
        password = nonce + counter.to_bytes(4, "big")
        key = hashlib.pbkdf2_hmac("sha256", password, salt, asked["cost"], asked["keyLength"]).hex()
        if key.startswith(asked["keyPrefix"]):
            return {"counter": counter, "derivedKey": key}
    raise AssertionError(f"no counter solves {challenge}")


class Citizen:
    """Talks to one deployment."""

    def __init__(self, deployed):
        self.port = deployed.emulator.port
        self.api_host = f"{deployed.api_id}.execute-api.localhost"
        self.cdn_host = deployed.out["CdnDomainName"]

    def send(self, host, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, {"Host": host} | (headers or {}))
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def page(self, path):
        """What the CDN answers."""
        return self.send(self.cdn_host, "GET", path, headers={"X-Forwarded-Proto": "https", "Accept": "text/html"})

    def api(self, method, path, body=None, secret=deployment.ORIGIN_SECRET):
        """What the API answers to the CDN, whose secret goes along; the emulator's CDN reaches no AWS host name."""
        headers = {"Accept": "application/json", "x-origin-secret": secret}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self.send(self.api_host, method, path, json.dumps(body) if body is not None else None, headers)

    def with_code(self, purpose, body):
        """`body` with a security code of its own."""
        salt = base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
        scope = urllib.parse.quote(commitment(purpose, body, salt))
        answer = self.api("GET", f"/api/challenge?scope={scope}")
        assert answer.status == 200, answer
        challenge = answer.json()
        payload = json.dumps({"challenge": challenge, "solution": solve(challenge)}).encode()
        return body | {"salt": salt, "altcha": base64.b64encode(payload).decode()}

    def look_up(self, slip):
        """Looks a slip up."""
        return self.api("POST", "/api/receipts/validate", self.with_code("validate", slip))

    def rate(self, body):
        """Sends a rating."""
        return self.api("POST", "/api/ratings", self.with_code("rate", body))
