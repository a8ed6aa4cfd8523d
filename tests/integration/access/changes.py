"""Certificates and tokens that change while clients work: no request fails but those of tokens that were taken away."""

import itertools
import json
import threading
import time

from ground import TOKENS, check, read, write
from outside.weir import Broken

CHANGES = 3


class Clients:
    """Threads that send and ask without a pause, on a connection kept open or a new one each time."""

    def __init__(self, node):
        self.node, self.stopped, self.numbers = node, threading.Event(), itertools.count()
        self.accepted, self.answers, self.broken = [], [], []
        self.threads = [threading.Thread(target=self.run, args=(work, kept)) for work in (self.send, self.query) for kept in (True, False)]
        for thread in self.threads:
            thread.start()

    def run(self, work, kept):
        connection = self.node.connect() if kept else None
        try:
            while not self.stopped.is_set():
                if not kept:
                    connection = self.node.connect()
                work(connection)
                if not kept:
                    connection.close()
        except Exception as e:  # whatever it is, the test is over
            self.broken.append(f"{work.__name__}: {e!r}")

    def ask(self, connection, method, path, role, body=None):
        headers = {"Authorization": f"Bearer {TOKENS[role]}", "Content-Type": "application/x-ndjson"}
        reply = self.node.call(method, path, body, headers, connection)
        if reply.status not in (200, 202):
            raise Broken(f"{method} {path}: {reply}")
        return reply

    def send(self, connection):
        number = next(self.numbers)
        event = json.dumps({"id": f"e{number}", "item": "apple"}) + "\n"
        self.ask(connection, "POST", "/v1/events", "ingest", event.encode())
        self.accepted.append(number)

    def query(self, connection):
        self.ask(connection, "GET", "/v1/views/by_item", "read")
        self.answers.append(1)

    def moved_on(self, since, more=20):
        """Whether both kinds of work went on since."""
        return len(self.accepted) >= since[0] + more and len(self.answers) >= since[1] + more

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)
        if self.broken:
            raise Broken(f"requests that failed while files changed: {self.broken}")


def until(what, condition, clients=None, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if clients is not None and clients.broken:
            clients.stop()
        if time.monotonic() > end:
            raise Broken(f"never: {what}")
        threading.Event().wait(0.02)


def serial_shown(node):
    connection = node.connect()
    connection.connect()
    serial = connection.sock.getpeercert()["serialNumber"]
    connection.close()
    return serial


def files_change_under_load(weir, house):
    node = house.start(weir)
    clients = Clients(node)
    for number in range(CHANGES):
        since = (len(clients.accepted), len(clients.answers))
        shown = serial_shown(node)
        house.show(*house.authority.make())
        until("another certificate is shown", lambda: serial_shown(node) != shown, clients)
        # Another token comes, then the one before it goes.
        more = {role: (role, token) for role, token in TOKENS.items()}
        house.tell({**more, "guest": ("read", f"guest-token-{number:08}")})
        until("a new token counts", lambda: node.ask("GET", "/v1/ledger", f"guest-token-{number:08}").status == 200, clients)
        house.tell(more)
        until("a token that is taken away is refused", lambda: node.ask("GET", "/v1/ledger", f"guest-token-{number:08}").status == 401, clients)
        until("work goes on", lambda: clients.moved_on(since), clients)
    clients.stop()
    check(node.metric('weir_access_changes_total{files="tls"}') >= CHANGES, True, "changes of TLS")
    check(node.metric('weir_access_changes_total{files="tokens"}'), 2 * CHANGES, "changes of tokens")
    check([node.metric(f'weir_access_refused_total{{files="{f}"}}') for f in ("tls", "tokens")], [0, 0], "changes that could not be used")
    until("everything is served", lambda: node.ask("GET", "/v1/ledger", TOKENS["read"]).json()["total"]["served"] == len(clients.accepted))
    check(node.ask("GET", "/v1/ledger", TOKENS["read"]).json()["total"]["accepted"], len(clients.accepted), "accepted events")
    check(node.stop().code, 0, "exit code of a stop")


def broken_files_change_nothing(weir, house):
    node = house.start(weir)
    good = read(house.at("node.crt")), read(house.at("node.key"))
    shown, ends = serial_shown(node), node.metric("weir_tls_certificate_expiry_timestamp_seconds")
    check(abs(ends - time.time() - 2 * 86400) < 3600, True, f"the certificate ends at {ends}")
    names = {"tls": 0, "tokens": 0}

    def refused(files, words):
        names[files] += 1
        until(f"{words} is named", lambda: words in node.process.errors_so_far())
        check(node.metric(f'weir_access_stale{{files="{files}"}}'), 1, f"stale {files}")
        check(node.metric(f'weir_access_refused_total{{files="{files}"}}'), names[files], f"refused {files}")
        check(serial_shown(node), shown, "the certificate that is shown")

    house.show(good[0], house.authority.make()[1])
    refused("tls", "this key is not that of the certificate")
    house.show(*house.authority.make(days=-1))
    refused("tls", "the certificate ended at")
    write(house.at("node.key"), good[1], 0o644)
    refused("tls", "everybody on this machine may read or write it")
    house.show("", "")
    refused("tls", "it has no certificate in PEM")
    write(house.at("tokens"), "read a\n", 0o600)
    refused("tokens", "a line has three words")
    house.show(*good)
    house.tell({"root": ("read", TOKENS["read"])})
    until("mended files count", lambda: "from now on 1 token may ask" in node.process.errors_so_far())
    until("mended files count", lambda: node.metric('weir_access_stale{files="tls"}') == 0)
    check(node.ask("GET", "/v1/ledger", TOKENS["admin"]).status, 401, "a token that is gone")
    check(node.process.errors_so_far().count("cannot be used"), sum(names.values()), "warnings: each state once")
    check(node.stop().code, 0, "exit code of a stop")
