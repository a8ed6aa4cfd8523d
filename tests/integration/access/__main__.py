"""Who may ask a node, and TLS around it.

  python3 tests/integration/access [--binary PATH] [--only NAME]

Exit: 0 PASS, 1 FAIL, 77 no program or no openssl.
"""

import argparse
import json
import os
import shutil
import socket
import ssl
import sys
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "openapi")]
import changes  # noqa: E402
from contract import routes_of  # noqa: E402
from ground import TOKENS, Authority, House, check, read, write  # noqa: E402
from outside import weir as outside  # noqa: E402
from outside.node import Node  # noqa: E402
from outside.weir import Broken  # noqa: E402

MAY = {"any_role": set(TOKENS), "ingest": {"ingest", "operate", "admin"}, "read": {"read", "operate", "admin"}, "operate": {"operate", "admin"}, "admin": {"admin"}}
EVENT = b'{"id":"e1","item":"apple"}\n'


def every_role_at_every_route(weir, house):
    """From the server's own table; every answer comes through TLS."""
    with open(os.path.join(outside.repository(), "cluster", "api", "http_api.cc"), encoding="utf-8") as f:
        routes = routes_of(f.read())
    check(len(routes) > 13, True, "routes")
    node = house.start(weir)
    asked = 0
    for method, pattern, need in sorted(routes, key=str):
        path = pattern.replace("/**", "").replace("*", "0" if "partitions" in pattern else "by_item")
        body = EVENT if method == "POST" else None
        for role, token in [*TOKENS.items(), (None, None), ("nobody", "nobody-token-0123456789")]:
            status = node.ask(method, path, token, body).status
            wanted = need is None or role in MAY[need]
            refusal = 403 if role in TOKENS else 401
            check(status not in (401, 403) if wanted else status == refusal, True, f"{method} {path} as {role}: {status}")
            asked += 1
    check(asked, 6 * len(routes), "questions")
    denied = {reason: node.metric(f'weir_http_denied_total{{reason="{reason}"}}') for reason in ("no_token", "unknown_token", "role", "host")}
    closed = sum(need is not None for _, _, need in routes)
    check((denied["no_token"], denied["unknown_token"], denied["host"]), (closed, closed, 0), "denials by reason")
    check(node.process.errors_so_far().count("was refused with") < 10, True, "refusals are logged now and then")
    check(node.ask("GET", "/v1/ledger", TOKENS["read"], Host="node.example").status, 200, "with tokens any name will do")
    check(node.stop().code, 0, "exit code of a stop")


def commands_with_tokens(weir, house):
    node = house.start(weir)
    write(house.at("orders.ndjson"), "".join(json.dumps({"id": f"o{i}", "item": "pear"}) + "\n" for i in range(2000)))
    url = ("--node", node.url)
    sent = weir.expect(0, "ingest", house.at("orders.ndjson"), *url, env=house.env("ingest"))
    check(sent.out.startswith(b"2,000 events acknowledged"), True, f"ingest: {sent.out}")
    changes.until("all are served", lambda: weir.call("ledger", *url, "--output", "json", env=house.env("read")).out.count(b'"in_flight":0') == 3)
    for args in (["ledger"], ["query", "by_item"], ["dlq", "list"], ["dlq", "export"], ["where", "o7"], ["where", "--field", "id=o7"], ["digest"], ["tree"], ["partition", "list"]):
        for role in ("read", "operate", "admin"):
            weir.expect(0, *args, *url, env=house.env(role))
        refused = weir.expect(4, *args, *url, env=house.env("ingest"))
        check("needs the role read, and the token of 'ingest' has the role ingest" in refused.text, True, f"{args}: {refused}")
        check("--token-file or WEIR_TOKEN_FILE" in weir.expect(4, *args, *url, env=house.env()).text, True, f"{args} without a token")
    check("needs the role operate" in weir.expect(4, "partition", "release", "0", *url, env=house.env("read")).text, True, "a release as read")
    check("needs the role operate" in weir.expect(4, "partition", "release", "0", *url, env=house.env("operate")).text, False, "a release as operate")
    check("needs the role ingest" in weir.expect(4, "ingest", house.at("orders.ndjson"), *url, env=house.env("read")).text, True, "ingest as read")
    # Typed options instead of the environment's.
    weir.expect(0, "ledger", *url, "--token-file", house.token_files["read"], "--ca-file", house.authority.file)
    for name, words in (("none", "there is no such file"), ("tokens", "the token alone")):
        check(words in weir.expect(2, "ledger", *url, env={**house.env(), "WEIR_TOKEN_FILE": house.at(name)}).text, True, f"token file {name}")
    check(node.stop().code, 0, "exit code of a stop")


def no_trust_no_question(weir, house):
    """Of certificates and protocols; those a server must have are in tests/component/http_server and tests/contract/http_client."""
    node = house.start(weir)
    ask = lambda url, **env: weir.expect(3, "ledger", "--node", url, env={"WEIR_TOKEN_FILE": house.token_files["read"], **env}).text
    check("is signed by nobody this machine trusts" in ask(node.url), True, "an unknown authority")
    other = Authority(house.at("other"), "the-other")
    check("is signed by nobody this machine trusts" in ask(node.url, WEIR_CA_FILE=other.file), True, "another authority")
    check(b"speaks HTTPS" in plain_bytes(node, b"GET /v1/ledger HTTP/1.1\r\nHost: localhost\r\n\r\n"), True, "plain HTTP")
    check("speaks HTTPS" in weir.expect(2, "ledger", "--node", f"http://localhost:{node.address[1]}").text, True, "plain HTTP of a command")
    warnings.simplefilter("ignore", DeprecationWarning)  # of old versions, which is the point
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = house.context()
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        try:
            node.connect(context=context).connect()
        except ssl.SSLError:
            continue
        raise Broken(f"{version} was spoken")
    for junk in (b"\0" * 1000, b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\x00\xff" + b"x" * 1000):
        plain_bytes(node, junk)
    changes.until("greetings that failed are counted", lambda: node.metric("weir_tls_greetings_failed_total") >= 8)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = house.context()
        context.minimum_version = context.maximum_version = version
        connection = node.connect(context=context)
        check(node.call("GET", "/healthz", connection=connection).status, 200, f"{version}")
        cipher = connection.sock.cipher()[0]
        check(cipher.startswith(("ECDHE-", "TLS_")) and ("GCM" in cipher or "POLY1305" in cipher), True, cipher)
        connection.close()
    house.show(*house.authority.make(names="DNS:node.example"))
    changes.until("another certificate is shown", lambda: "node.example" in node.process.errors_so_far())
    check("is for other names" in ask(node.url, WEIR_CA_FILE=house.authority.file), True, "another name")
    check(node.stop().code, 0, "exit code of a stop")


def plain_bytes(node, data):
    """What comes back until the node closes."""
    got = b""
    with socket.create_connection(node.address, timeout=30) as raw:
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        try:
            while more := raw.recv(65536):
                got += more
        except ConnectionResetError:
            pass
    return got


def starts_that_are_refused(weir, house):
    """Exit code 2, with the place in the node file; `weir lint` says the same beforehand."""
    good = {name: (read(house.at(name)), mode) for name, mode in (("tokens", 0o600), ("node.crt", 0o644), ("node.key", 0o600))}
    expired = house.authority.make(days=-1)
    another = house.authority.make()
    cases = {
        "everybody on this machine may read or write it (mode 644); close it: chmod o-rw": {"tokens": (good["tokens"][0], 0o644)},
        'node.yaml:1:96: "http.tls.key_file"': {"node.key": (good["node.key"][0], 0o644)},
        "there is no such file": {"node.key": None},
        "the first word is the role: ingest, read, operate, admin; did you mean admin?": {"tokens": ("admn root 0123456789abcdef\n", 0o600)},
        "the third word is the token: 16 to 512": {"tokens": ("admin root short\n", 0o600)},
        "this key is not that of the certificate": {"node.key": (another[1], 0o600)},
        "the certificate ended at": {"node.crt": (expired[0], 0o644), "node.key": (expired[1], 0o600)},
        "it has no certificate in PEM": {"node.crt": (good["node.key"][0], 0o644)},
        "it has no private key in PEM": {"node.key": (good["node.crt"][0], 0o600)},
    }
    for words, files in cases.items():
        for name, content in files.items():
            os.remove(house.at(name)) if content is None else write(house.at(name), *content)
        for args in (("lint", house.config), ("up", house.pipeline, "--data", house.at("data"), "--node-config", house.config)):
            refused = weir.expect(2, *args)
            check(words in refused.text and house.folder in refused.text, True, f"{words}: {refused}")
        for name, content in good.items():
            write(house.at(name), *content)
    weir.expect(0, "lint", house.config)


def beyond_loopback(weir, house):
    """With tokens and TLS a node listens anywhere; with less it does not start."""
    wide = ("--set", "http.listen=0.0.0.0:0")
    up = ("up", house.pipeline, "--data", house.at("data"))
    tls = ("--set", f"http.tls.certificate_file={house.at('node.crt')}", "--set", f"http.tls.key_file={house.at('node.key')}")
    tokens = ("--set", f"http.tokens_file={house.at('tokens')}")
    for less, words in (((), 'neither "http.tokens_file" nor "http.tls" is configured'), (tls, '"http.tokens_file" is not configured'), (tokens, '"http.tls" is not configured')):
        check(words in weir.expect(2, *up, *wide, *less).text, True, words)
    node = house.start(weir, *wide)
    check(node.address[0], "0.0.0.0", "the address")
    check(node.ask("GET", "/v1/ledger", TOKENS["read"]).status, 200, "a question")
    check(node.stop().code, 0, "exit code of a stop")


def secrets_stay_where_they_are(weir, house):
    """Canaries in every secret: not in a log, a metric, an answer, a process list, a configuration that is shown, or the data."""
    house.tell({"root": ("admin", "canary-token-0123456789"), "dash": ("read", TOKENS["read"])})
    write(house.at("admin.token"), "canary-token-0123456789\n", 0o600)
    key_line = read(house.at("node.key")).splitlines()[1]
    node = house.start(weir, "--set", "logging.level=debug")
    seen = [node.ask("POST", "/v1/events?wait=10s", "canary-token-0123456789", EVENT).body]
    for token in ("canary-wrong-0123456789", "canary-token-0123456789"):
        for path in ("/v1/ledger", "/v1/nothing", "/v1/views/none", f"/v1/ledger?token={'x' * 9000}"):
            seen += [node.ask(m, path, token).body for m in ("GET", "POST", "DELETE")]
    seen += [node.ask("GET", path, "canary-token-0123456789").body for path in ("/metrics", "/v1/pipeline", "/v1/partitions", "/openapi.json", "/v1/events/e1")]
    # Broken files on the way: what stands in them is named nowhere.
    write(house.at("tokens"), "canary-token-0123456789 read\nread canary-name; canary-token-0123456789 x\n", 0o600)
    changes.until("the broken file is named", lambda: "a line has three words" in node.process.errors_so_far())
    seen.append(weir.expect(2, "lint", house.config).err)
    with open(f"/proc/{node.process.popen.pid}/cmdline", "rb") as f:
        seen.append(f.read())
    shown = weir.expect(0, "config", "show", house.config)
    check(b"tokens_file" in shown.out, True, "config show names the file")
    seen += [shown.out, weir.expect(0, "config", "show", house.config, "--output", "json").out]
    house.tell({"root": ("admin", "another-canary-0123456789")})
    changes.until("the token is gone", lambda: node.ask("GET", "/v1/ledger", "canary-token-0123456789").status == 401)
    asked = weir.expect(4, "ledger", "--node", node.url, env={**house.env(), "WEIR_TOKEN_FILE": house.at("admin.token")})
    seen += [asked.out, asked.err]
    ended = node.stop()
    check(ended.code, 0, "exit code of a stop")
    seen += [ended.out, ended.err]
    for folder, _, files in os.walk(house.at("data")):
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                seen.append(f.read())
    for secret in ("canary", key_line):
        for text in seen:
            if secret.encode() in text:
                at = text.index(secret.encode())
                raise Broken(f"a secret is in {text[max(0, at - 200):at + 100]!r}")
    check(len(seen) > 30, True, "places looked at")


def a_node_without_tokens(weir, house):
    """TLS alone, on loopback: whoever is on this machine may ask; other names may not."""
    node = Node(weir, house.pipeline, house.at("plain"))
    node.until_ready()
    check(node.call("GET", "/v1/ledger").status, 200, "a question")
    check(node.call("GET", "/v1/ledger", headers={"Host": "evil.example"}).status, 421, "another name")
    check(node.call("POST", "/v1/events", EVENT, {"Content-Type": "application/x-ndjson", "Origin": "http://evil.example"}).status, 403, "another site")
    check(node.call("GET", "/healthz", headers={"Host": "evil.example"}).status, 200, "health")
    # A token that is not wanted does no harm.
    weir.expect(0, "ledger", "--node", f"http://localhost:{node.address[1]}", env=house.env("read"))
    check(node.stop().code, 0, "exit code of a stop")


CASES = [every_role_at_every_route, commands_with_tokens, no_trust_no_question, starts_that_are_refused, beyond_loopback, secrets_stay_where_they_are,
         a_node_without_tokens, changes.files_change_under_load, changes.broken_files_change_nothing]  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    parser.add_argument("--only", choices=[case.__name__ for case in CASES])
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    if shutil.which("openssl") is None:
        print("skipped: there is no openssl to make certificates with")
        return outside.SKIP
    for case in CASES:
        if options.only and case.__name__ != options.only:
            continue
        with outside.Scratch() as folder:
            try:
                case(weir, House(folder))
            except (AssertionError, outside.Broken, outside.Hang) as e:
                print(f"FAIL {case.__name__}: {e}")
                return 1
        print(f"ok {case.__name__}", flush=True)
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
