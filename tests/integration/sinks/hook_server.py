"""A server that batches are posted to. What it took is kept by the ids of the records, what it answers is the caller's to say."""

import collections
import http.server
import json
import threading


class Hook:
    """`answer(events, headers)` gives the status, or None for: the connection breaks before anything is taken; "lost": it breaks after
    everything is taken."""

    def __init__(self, answer=lambda events, headers: 200, port=0):
        self.answer = answer
        self.lock = threading.Condition()
        self.taken = collections.Counter()  # by the id of the record
        self.data = {}                      # likewise
        self.order = []                     # ids, first time each
        self.requests = []                  # (key, ids, headers)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self.handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return "http://127.0.0.1:%d/hook" % self.port

    def until(self, condition, timeout=60):
        with self.lock:
            return self.lock.wait_for(condition, timeout)

    def handler(self):
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Type"] == "application/x-ndjson":
                    events = [json.loads(line) for line in body.splitlines()]
                else:
                    events = json.loads(body)
                headers = dict(self.headers)
                status = hook.answer(events, headers)
                with hook.lock:
                    hook.requests.append((headers["Idempotency-Key"], [e["id"] for e in events], headers))
                    if status == "lost" or (status is not None and 200 <= status <= 299):
                        for event in events:
                            if not hook.taken[event["id"]]:
                                hook.order.append(event["id"])
                            hook.taken[event["id"]] += 1
                            hook.data[event["id"]] = event.get("data")
                    hook.lock.notify_all()
                if status in (None, "lost"):
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler
