"""Judges every answer of a server by the document it serves, and keeps the accounts of what was never seen."""

import re
import urllib.parse

from document import is_json
from outside.weir import Broken

# Of HTTP itself: described by its own standard.
PLAIN_HEADERS = {"date", "connection", "content-type", "content-length"}


def routes_of(source):
    """{(method, pattern, role)} of kRoutes in http_api.cc; `*` is one segment, `**` at the end any number; the role is None where
    nothing is needed."""
    table = re.search(r"kRoutes\{\{\n(.*?)\}\};", source, re.S)
    if not table:
        raise Broken("there is no kRoutes in http_api.cc")
    rows = [r for r in table.group(1).splitlines() if r.strip()]
    routes = set()
    for row in rows:
        found = re.fullmatch(r'\s*\{"([A-Z]+)", \{((?:"[^"]+"(?:, )?)+)\}, Need::(\w+), \w+\},', row)
        if not found:
            raise Broken(f"a route of http_api.cc is written in another way: {row}")
        role = None if found.group(3) == "nothing" else found.group(3)
        routes.add((found.group(1), "/" + "/".join(re.findall(r'"([^"]+)"', found.group(2))), role))
    return routes


def routes_differ(routes, document):
    """What is only in the table of routes, or only in the document."""
    found, reached = [], set()
    for method, template, operation in document.operations():
        shape = re.sub(r"\{[^}]*\}", "*", template)
        match = None
        for route in routes:
            pattern = route[1]
            if route[0] == method and (shape == pattern or pattern.endswith("/**") and re.fullmatch(re.escape(pattern[:-3]) + r"(/\*)*", shape)):
                match = route
        if match is None:
            found.append(f"{method} {template} is in the document and no route of the server")
        elif match[2] != document.role_of(operation):
            found.append(f"{method} {template} needs the role {document.role_of(operation)} by the document, {match[2]} by the server")
        reached.add(match)
    return found + [f"{m} {p} is a route of the server and not in the document" for m, p, _ in sorted(routes - reached, key=str)]


def as_described(schema, text):
    """A parameter's text as the value that its description speaks of, where it is one."""
    if schema.get("type") == "integer" and text.isdigit():
        return int(text)
    if schema.get("type") == "number" and re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    return text


class Contract:
    """`judge` raises Broken at the first answer that is not as described."""

    def __init__(self, document):
        self.document = document
        self.answered = set()  # (method, template, status, media type)
        self.parameters = set()  # (method, template, in, name), of answers 2xx
        self.bodies = set()  # (method, template, media type), of answers 2xx
        self.headers = set()  # (method, template, status, name)

    def judge(self, method, target, sent, body, reply):
        """`sent`: the request's headers. A path that is no path of the document must be 404."""
        path, _, query = target.partition("?")
        what = f"{method} {target[:200]}: {reply}"
        template = self.document.template_of(path)
        item = self.document.document["paths"].get(template)
        if item is None:
            if reply.status != 404:
                raise Broken(f"{what}: is in no path of the document")
            return self._body("404", self.document.document["components"]["responses"]["NotFound"], reply, what)
        asked = "GET" if method == "HEAD" else method
        # A method that is not there is answered for the path: every operation of it says how.
        known = [asked] if asked.lower() in item else [m.upper() for m in item]
        if asked not in known and reply.status < 400:
            raise Broken(f"{what}: the document has no such operation")
        for one in known:
            self._judge(one, template, query, sent, body, reply, what, method == "HEAD")

    def _judge(self, method, template, query, sent, body, reply, what, bodiless):
        operation = self.document.document["paths"][template][method.lower()]
        status = str(reply.status)
        if status not in operation["responses"]:
            raise Broken(f"{what}: the status is not described")
        response = self.document.resolve(operation["responses"][status])
        self._headers((method, template, status), response, reply, what)
        if bodiless:
            if reply.body:
                raise Broken(f"{what}: has a body")
            return
        media = self._body(status, response, reply, what)
        self.answered.add((method, template, status, media))
        if status.startswith("2"):
            self._request(method, template, operation, query, sent, body, what)

    def _headers(self, place, response, reply, what):
        described = {n.lower(): self.document.resolve(h) for n, h in response.get("headers", {}).items()}
        for name, text in reply.headers.items():
            if name in PLAIN_HEADERS:
                continue
            if name not in described:
                raise Broken(f"{what}: the header {name} is not described")
            value = as_described(described[name]["schema"], text)
            if wrong := self.document.errors(described[name]["schema"], value):
                raise Broken(f"{what}: header {name}: {wrong}")
            self.headers.add((*place, name))
        for name, header in described.items():
            if header.get("required") and name not in reply.headers:
                raise Broken(f"{what}: lacks the header {name}")

    def _body(self, status, response, reply, what):
        media = reply.headers.get("content-type", "").split(";")[0]
        if media not in response["content"]:
            raise Broken(f"{what}: the type {media!r} is not described")
        if wrong := self.document.content_errors(media, response["content"][media], reply.body):
            raise Broken(f"{what}: {wrong[:5]}")
        if status[0] in "45" and str(reply.json()["status"]) != status:
            raise Broken(f"{what}: says another status inside")
        return media

    def _request(self, method, template, operation, query, sent, body, what):
        """What was taken must be described, too."""
        given = {("query", n): v for n, v in urllib.parse.parse_qsl(query, keep_blank_values=True)}
        headers = {n.lower(): v for n, v in sent.items()}
        for node in self.document.parameters(operation):
            key = (node["in"], node["name"])
            if node["in"] == "path":
                value = None
            elif node["in"] == "header":
                value = headers.get(node["name"].lower())
            elif node["schema"].get("type") == "object":
                names = [k for k in given if any(re.search(p, k[1]) for p in node["schema"]["patternProperties"])]
                value = {k[1]: given.pop(k) for k in names} or None
            else:
                value = given.pop(key, None)
            if isinstance(value, str):
                value = as_described(node["schema"], value)
            if value is not None and (wrong := self.document.errors(node["schema"], value)):
                raise Broken(f"{what}: took {node['name']}, which is not as described: {wrong}")
            if value is not None or node["in"] == "path":
                self.parameters.add((method, template, *key))
        if given:
            raise Broken(f"{what}: took parameters that are not described: {sorted(given)}")
        if body:
            described = operation.get("requestBody", {}).get("content", {})
            media = "*/*" if "ce-specversion" in headers else headers.get("content-type", "").split(";")[0]
            if media not in described:
                raise Broken(f"{what}: took the body type {media!r}, which is not described")
            if media != "*/*" and (wrong := self.document.content_errors(media, described[media], body)):
                raise Broken(f"{what}: took a body that is not as described: {wrong[:5]}")
            self.bodies.add((method, template, media))

    def missing(self, excused):
        """What is described and was never seen; and what is excused although it was. `excused(method, template, status)`."""
        found = []
        for method, template, operation in self.document.operations():
            place = (method, template)
            for status, raw in operation["responses"].items():
                response = self.document.resolve(raw)
                seen = {m for (*p, s, m) in self.answered if tuple(p) == place and s == status}
                if excused(method, template, status):
                    if seen:
                        found.append(f"{method} {template}: {status} is excused, and was seen")
                    continue
                found += [f"{method} {template}: never answered {status} as {m}" for m in response["content"] if m not in seen]
                found += [f"{method} {template}: {status} never had the header {h}" for h in response.get("headers", {}) if (*place, status, h.lower()) not in self.headers]
            for node in self.document.parameters(operation):
                if (*place, node["in"], node["name"]) not in self.parameters:
                    found.append(f"{method} {template}: the parameter {node['name']} was never taken")
            for media in operation.get("requestBody", {}).get("content", {}):
                if (*place, media) not in self.bodies:
                    found.append(f"{method} {template}: a body of {media} was never taken")
        return found
