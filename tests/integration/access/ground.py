"""Certificates made by openssl, tokens, and a node that has both."""

import http.client
import os
import ssl
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE)]
from outside.node import Node  # noqa: E402
from outside.weir import Broken  # noqa: E402

TOKENS = {role: f"{role}-token-{'0123456789abcdef'}" for role in ("ingest", "read", "operate", "admin")}
PIPELINE = """pipeline: shop
partitions: 2
record: {id: id}
views: {by_item: {group_by: [item], measures: {orders: count}}}
"""


def check(got, wanted, what):
    if got != wanted:
        raise Broken(f"{what}: {got!r}, wanted {wanted!r}")


def write(path, text, mode=0o644):
    """Moved to its name, as it should be done with a node watching."""
    with open(path + ".next", "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, mode)) as f:
        f.write(text)
    os.chmod(path + ".next", mode)
    os.rename(path + ".next", path)
    return path


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(map(str, args))}: {done.stderr}")


class Authority:
    """A folder with an authority of the test's own."""

    KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    def __init__(self, folder, name):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.file = folder, os.path.join(folder, name + ".pem")
        self.key = os.path.join(folder, name + ".key")
        openssl("req", "-x509", *self.KEY, "-keyout", self.key, "-out", self.file, "-days", 2, "-subj", f"/CN={name}")

    def make(self, names="DNS:localhost,IP:127.0.0.1", days=2):
        """Texts of a certificate and its key."""
        at = lambda end: os.path.join(self.folder, "made." + end)
        write(at("ext"), f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
        openssl("req", *self.KEY, "-keyout", at("key"), "-out", at("csr"), "-subj", "/CN=node")
        openssl("x509", "-req", "-in", at("csr"), "-CA", self.file, "-CAkey", self.key, "-days", days, "-extfile", at("ext"), "-out", at("crt"))
        return read(at("crt")), read(at("key"))


def tokens_text(tokens):
    return "".join(f"{role} {name} {token}\n" for name, (role, token) in tokens.items())


class House:
    """What a node is started with: pipeline, node file, tokens, certificate and key, all in one folder."""

    def __init__(self, folder, listen="127.0.0.1:0", more=""):
        self.folder = folder
        self.authority = Authority(os.path.join(folder, "authority"), "the-authority")
        self.pipeline = write(self.at("shop.yaml"), PIPELINE)
        self.config = write(
            self.at("node.yaml"),
            f'http: {{listen: "{listen}", tokens_file: tokens, tls: {{certificate_file: node.crt, key_file: node.key}}}}\n{more}',
        )
        self.show(*self.authority.make())
        self.tell({role: (role, token) for role, token in TOKENS.items()})
        self.token_files = {role: write(self.at(role + ".token"), token + "\n", 0o600) for role, token in TOKENS.items()}

    def at(self, name):
        return os.path.join(self.folder, name)

    def show(self, certificate, key):
        write(self.at("node.crt"), certificate)
        write(self.at("node.key"), key, 0o600)

    def tell(self, tokens):
        write(self.at("tokens"), tokens_text(tokens), 0o600)

    def context(self):
        return ssl.create_default_context(cafile=self.authority.file)

    def start(self, weir, *args):
        node = SecureNode(weir, self, *args)
        node.until_ready()
        return node

    def env(self, role=None):
        """Of a command that asks the node."""
        env = {"WEIR_CA_FILE": self.authority.file}
        return {**env, "WEIR_TOKEN_FILE": self.token_files[role]} if role else env


class SecureNode(Node):
    def __init__(self, weir, house, *args):
        super().__init__(weir, house.pipeline, house.at("data"), "--node-config", house.config, *args)
        self.house = house

    @property
    def url(self):
        return f"https://localhost:{self.address[1]}"

    def connect(self, timeout=30, context=None):
        return http.client.HTTPSConnection("localhost", self.address[1], timeout=timeout, context=context or self.house.context())

    def ask(self, method, path, token=None, body=None, **headers):
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        kind = {"Content-Type": "application/x-ndjson"} if body is not None else {}
        return self.call(method, path, body, {**bearer, **kind, **headers})

    def metric(self, name):
        """The value of a sample as it is written in the page: its name, and its labels where it has some."""
        page = self.ask("GET", "/metrics", TOKENS["read"]).body.decode()
        found = [line.split()[-1] for line in page.splitlines() if line.startswith(name + " ")]
        if len(found) != 1:
            raise Broken(f"{name} is not in the metrics")
        return float(found[0])
