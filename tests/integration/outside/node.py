"""A running node as its clients see it: started with `weir up`, spoken to over HTTP."""

import http.client
import json
import re
import time
import urllib.parse

from .weir import Broken, Hang

READY = re.compile(rb"^weir ready node=(\S+) http=(\S+) pipeline=(\S+) partitions=(\d+)\n", re.M)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status}: {self.body[:300]!r}"


class Node:
    """`weir up` on a free port. `address` is there once it is ready."""

    def __init__(self, weir, pipeline, data, *args, env=None, **popen):
        self.process = weir.start("up", pipeline, "--data", data, "--set", "http.listen=127.0.0.1:0", *args, env=env, **popen)
        self.address = None

    def output_so_far(self) -> bytes:
        out = self.process._out
        size = out.seek(0, 2)
        out.seek(0)
        return out.read(size)

    def until_ready(self, timeout=60):
        """The address; Broken when it ended before, with its last words."""
        end = time.monotonic() + timeout
        while not (found := READY.search(self.output_so_far())):
            if ended := self.process.wait(0.01):
                raise Broken(f"the node ended before it was ready: {ended}")
            if time.monotonic() > end:
                self.process.kill()
                raise Hang("the node was not ready in time: " + self.process.errors_so_far()[-500:])
        host, port = found.group(2).decode().rsplit(":", 1)
        self.address = (host, int(port))
        return self.address

    @property
    def url(self):
        host, port = self.address
        return f"http://{host}:{port}"

    def connect(self, timeout=30):
        return http.client.HTTPConnection(*self.address, timeout=timeout)

    def call(self, method, path, body=None, headers=None, connection=None, timeout=30) -> Reply:
        """One request. OSError or http.client.HTTPException: the node broke off."""
        own = connection or self.connect(timeout)
        try:
            own.request(method, path, body, headers or {})
            got = own.getresponse()
            return Reply(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            if connection is None:
                own.close()

    def get(self, path, token=None, **parameters) -> Reply:
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        return self.call("GET", path + query, headers={"Weir-Token": token} if token else None)

    def rows(self, view, **parameters) -> list:
        """All rows, page by page."""
        rows, cursor = [], None
        while True:
            page = self.get(f"/v1/views/{view}", **parameters, **({"cursor": cursor} if cursor else {}))
            if page.status != 200:
                raise Broken(f"view {view}: {page}")
            rows += page.json()["rows"]
            cursor = page.json()["next"]
            if cursor is None:
                return rows

    def stop(self, timeout=60):
        """SIGTERM; the ended process."""
        self.process.kill(15)
        return self.process.finish(timeout)
