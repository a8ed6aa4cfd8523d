"""Requests to a node, each answer judged by the contract."""

import base64
import http.client
import json
import re
import socket
import urllib.parse

from outside.node import Node, Reply
from outside.weir import Broken

DAY = "2011-12-%02dT10:00:00Z"


class Driver:
    def __init__(self, weir, contract, pipeline, data, *args):
        self.node = Node(weir, pipeline, data, *args)
        self.node.until_ready()
        self.contract = contract

    def call(self, method, target, body=None, headers=None, connection=None, sound=True) -> Reply:
        """`sound`: false when the frames of the body are broken on purpose."""
        reply = self.node.call(method, target, body, headers, connection)
        self.contract.judge(method, target, headers or {}, body if sound else None, reply)
        return reply

    def get(self, path, token=None, accept=None, **query) -> Reply:
        headers = {k: v for k, v in (("Weir-Token", token), ("Accept", accept)) if v}
        query = {k.replace("__", "."): v for k, v in query.items() if v is not None}
        return self.call("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""), headers=headers)

    def post(self, media, body, query="", headers=None, sound=True) -> Reply:
        kind = {"Content-Type": media} if media else {}
        return self.call("POST", "/v1/events" + query, body, {**kind, **(headers or {})}, sound=sound)

    # -- requests that no decent client sends -------------------------------------------------------------------------

    def begin(self, method, target, head) -> socket.socket:
        """Sends the beginning of a request as it stands. `head` begins behind the target: the version, then headers."""
        raw = socket.create_connection(self.node.address, timeout=60)
        raw.sendall(f"{method} {target} {head}".encode())
        return raw

    def answer(self, raw, method, target) -> Reply:
        response = http.client.HTTPResponse(raw, method=method)
        response.begin()
        reply = Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        raw.close()
        self.contract.judge(method, target, {}, None, reply)
        return reply

    def raw(self, method, target, head) -> Reply:
        return self.answer(self.begin(method, target, head), method, target)


def target_of(document, template, operation):
    """A path of this template: the examples of its parameters."""
    examples = {p["name"]: p["example"] for p in document.parameters(operation) if p["in"] == "path"}
    return re.sub(r"\{([^}]*)\}", lambda m: urllib.parse.quote(str(examples[m.group(1)]), safe=""), template)


def lines(*events) -> bytes:
    return "".join(json.dumps(e) + "\n" for e in events).encode()


def check(got, wanted, what):
    if got != wanted:
        raise Broken(f"{what}: {got!r}, wanted {wanted!r}")


def order(number, amount=2.5, **more):
    return {"id": f"o{number}", "item": "apple", "size": "small", "amount": amount, "at": DAY % (1 + number % 9), **more}


def tokens(driver):
    """A token, one of the future, one of another log, and no token."""
    token = driver.post("application/json", json.dumps(order(60)).encode()).json()["token"]
    plain = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    text = lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")
    return token, text(plain[:17] + bytes([1, 0xFF, 0xFF, 0xFF, 0x7F, 0])), text(plain[:1] + bytes([plain[1] ^ 1]) + plain[2:]), "hello"


def with_tokens(driver, path):
    token, future, foreign, none = tokens(driver)
    check(driver.get(path, token=token, wait="20s").status, 200, path)
    check(driver.get(path, token=future, wait="50ms").status, 503, f"{path}: a token of the future")
    check(driver.get(path, token=foreign).status, 409, f"{path}: a token of another log")
    check(driver.get(path, token=none).status, 400, f"{path}: no token")
