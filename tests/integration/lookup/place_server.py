"""A server of places, as far as a lookup sees one: what it is asked is counted, what it answers is the caller's to say."""

import http.server
import json
import socketserver
import sys
import threading
import urllib.parse


class Places:
    """`missing…` is answered 404, `refused…` 400, `down…` 503, `flaky…` 503 twice and then as all others: 200, known as itself. Names in
    `gated` are answered when the gate is open."""

    def __init__(self, gated=()):
        self.gated = set(gated)
        self.gate = threading.Event()
        self.lock = threading.Condition()
        self.asked = []  # (name, headers), in the order of arrival
        self.now = self.most = 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.server.handle_error = self.say_what_is_wrong
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def say_what_is_wrong(self, request, client):
        """A client that dies is none of the server's business."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            socketserver.BaseServer.handle_error(self.server, request, client)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.server.server_address[1]

    def names(self):
        with self.lock:
            return [name for name, _ in self.asked]

    def until_asked(self, condition, timeout=60):
        """When the list of names that were asked for fulfils the condition; False: it did not in time."""
        with self.lock:
            return self.lock.wait_for(lambda: condition([name for name, _ in self.asked]), timeout)

    def answer(self, name):
        if name.startswith("missing"):
            return 404, b""
        if name.startswith("refused"):
            return 400, b"no such thing"
        if name.startswith("down") or (name.startswith("flaky") and self.names().count(name) <= 2):
            return 503, b"not now"
        return 200, json.dumps({"region": {"name": "of " + name}, "size": 1.50}).encode()

    def handler(self):
        places = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                name = urllib.parse.unquote(self.path.rsplit("/", 1)[1])
                with places.lock:
                    places.asked.append((name, dict(self.headers)))
                    places.now += 1
                    places.most = max(places.most, places.now)
                    places.lock.notify_all()
                if name in places.gated:
                    places.gate.wait(120)
                status, body = places.answer(name)
                with places.lock:
                    places.now -= 1
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
