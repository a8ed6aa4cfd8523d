"""An OpenAPI 3.1 document: what is wrong with it by itself, and what it says about one answer.

Debian 12 has no validator that knows 3.1, so the rules are here: those of the specification that can be broken by editing
the document, and those of this project (an example everywhere, nothing that is not used).
"""

import copy
import json
import re

import jsonschema

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# What each kind of object may have; anything else is a slip of the pen.
KEYS = {
    "document": {"openapi", "info", "servers", "security", "tags", "paths", "components"},
    "operation": {"operationId", "security", "tags", "summary", "description", "parameters", "requestBody", "responses"},
    "parameter": {"name", "in", "required", "description", "schema", "example", "style", "explode"},
    "body": {"required", "description", "content"},
    "response": {"description", "headers", "content"},
    "header": {"description", "required", "schema", "example"},
    "media": {"schema", "example", "x-itemSchema"},
    "components": {"securitySchemes", "parameters", "headers", "responses", "schemas"},
    "scheme": {"type", "scheme", "description"},
}
NEEDED = {
    "document": {"openapi", "info", "paths", "components"},
    "operation": {"operationId", "security", "tags", "summary", "responses"},
    "parameter": {"name", "in", "description", "schema", "example"},
    "body": {"content"},
    "response": {"description", "content"},
    "header": {"description", "schema", "example"},
    "media": {"schema", "example"},
    "components": set(),
    "scheme": {"type", "scheme", "description"},
}
ROLES = {"ingest", "read", "operate", "admin"}
# What those are answered who may not ask.
DENIALS = {"401", "403", "421"}
# The specification has these as media types and security, never as parameters.
NO_HEADER_PARAMETERS = {"accept", "content-type", "authorization"}


def is_json(media):
    media = media.split(";")[0]
    return media == "application/json" or media.endswith("+json")


def walk(node, path=""):
    """(pointer, dict) of every JSON object; what is inside an example is data, not the document."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key not in ("example", "const", "enum", "default"):
                yield from walk(value, f"{path}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from walk(value, f"{path}/{i}")


def close(schema):
    """Says that the members a schema names are all there are, where it says nothing else: in place, all the way down."""
    if not isinstance(schema, dict):
        return
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    for member in list(schema.get("properties", {}).values()):
        close(member)
    for key in ("items", "additionalProperties"):
        close(schema.get(key))
    for key in ("oneOf", "anyOf"):
        for one in schema.get(key, []):
            if "properties" in one or "$ref" not in one:
                close(one)


class Document:
    def __init__(self, document):
        self.document = document
        self.schemas = copy.deepcopy(document.get("components", {}).get("schemas", {}))
        for schema in self.schemas.values():
            close(schema)
        self.validators = {}

    # -- reading ------------------------------------------------------------------------------------------------------

    def resolve(self, node):
        """The object itself, or the one it refers to. KeyError: there is none."""
        while isinstance(node, dict) and "$ref" in node:
            at = self.document
            if not node["$ref"].startswith("#/"):
                raise KeyError(node["$ref"])
            for part in node["$ref"][2:].split("/"):
                at = at[part.replace("~1", "/").replace("~0", "~")]
            node = at
        return node

    def operations(self):
        """(method, template, operation), upper-case method."""
        for template, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), template, item[method]

    def template_of(self, path):
        """The template a path without query belongs to; those with fewer parameters win. None: no path of the document."""
        best = None
        for template in self.document["paths"]:
            pattern = "/".join("[^/]+" if p.startswith("{") else re.escape(p) for p in template.split("/"))
            if re.fullmatch(pattern, path) and (best is None or template.count("{") < best.count("{")):
                best = template
        return best

    def parameters(self, operation):
        return [self.resolve(p) for p in operation.get("parameters", [])]

    def errors(self, schema, value):
        """What is wrong with a value, closed schemas and all."""
        key = json.dumps(schema)
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator(self._closed(schema))
        return [f"{'/'.join(map(str, e.absolute_path)) or 'it'}: {e.message[:300]}" for e in self.validators[key].iter_errors(value)]

    def _closed(self, schema):
        """With the schemas it refers to, and theirs."""
        root, schemas, todo = copy.deepcopy(schema), {}, [schema]
        close(root)
        while todo:
            for _, node in walk(todo.pop()):
                name = node.get("$ref", "").rpartition("/")[2]
                if name and name not in schemas:
                    schemas[name] = self.schemas[name]
                    todo.append(schemas[name])
        return {**root, "components": {"schemas": schemas}}

    def content_errors(self, media, described, text):
        """What is wrong with a body: `text` is bytes."""
        if is_json(media):
            try:
                value = json.loads(text)
            except ValueError as e:
                return [f"is no JSON: {e}"]
            return self.errors(described["schema"], value)
        if described["schema"].get("type") != "string":
            return []  # bytes
        try:
            value = text.decode("utf-8")
        except UnicodeDecodeError as e:
            return [f"is no UTF-8: {e}"]
        found = self.errors(described["schema"], value)
        if "x-itemSchema" in described:
            if value and not value.endswith("\n"):
                found.append("its last line has no end")
            for number, line in enumerate(value.splitlines(), 1):
                try:
                    found += [f"line {number}: {e}" for e in self.errors(described["x-itemSchema"], json.loads(line))]
                except ValueError as e:
                    found.append(f"line {number} is no JSON: {e}")
        return found

    # -- lint ---------------------------------------------------------------------------------------------------------

    def lint(self):
        """Every finding, as text."""
        found, used = self._references()
        if found:
            return found  # the rest would stumble over them
        for kind, named in self.document.get("components", {}).items():
            if kind != "securitySchemes":  # are named, not referred to
                found += [f"#/components/{kind}/{name}: is not used" for name in named if f"#/components/{kind}/{name}" not in used]
        if wrong := self._schemas():
            return found + wrong
        found += self._shape("document", "#", self.document) + self._shape("components", "#/components", self.document["components"])
        if not re.fullmatch(r"3\.1\.\d+", str(self.document.get("openapi"))):
            found.append("#/openapi: is not 3.1.x")
        info = self.document.get("info", {})
        found += [f"#/info: lacks {k}" for k in ("title", "version", "license") if k not in info]
        if not re.fullmatch(r"\d+\.\d+\.\d+", str(info.get("version"))):
            found.append(f"#/info/version: {info.get('version')!r} is no version")
        found += self._operations()
        for kind, shape in (("parameters", self._parameter), ("headers", self._header), ("responses", self._response)):
            for name, node in self.document["components"].get(kind, {}).items():
                found += shape(f"#/components/{kind}/{name}", node)
        return found

    def _shape(self, kind, where, node):
        return [f"{where}: unknown member {k}" for k in node if k not in KEYS[kind]] + [f"{where}: lacks {k}" for k in sorted(NEEDED[kind]) if k not in node]

    def _references(self):
        found, used = [], set()
        for where, node in walk(self.document):
            if "$ref" not in node:
                continue
            used.add(node["$ref"])
            try:
                self.resolve(node)
            except (KeyError, TypeError):
                found.append(f"#{where}: {node['$ref']} does not exist")
        return found, used

    def _schemas(self):
        found = []
        for name, schema in self.document["components"].get("schemas", {}).items():
            found += self._schema(f"#/components/schemas/{name}", schema)
        return found

    def _schema(self, where, schema):
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as e:
            return [f"{where}: no schema: {e.message[:200]}"]
        # A required member that no property describes is a typing mistake.
        return [f"{where}{at}: requires {name}, which has no property" for at, node in walk(schema) if node.get("properties") for name in node.get("required", []) if name not in node["properties"]]

    def _example(self, where, schema, example):
        return self._schema(where + "/schema", schema) or [f"{where}/example: {e}" for e in self.errors(schema, example)]

    def _media(self, where, content):
        found = [] if content else [f"{where}: has no content"]
        for media, described in content.items():
            at = f"{where}/{media}"
            wrong = self._shape("media", at, described) or self._schema(at + "/schema", described["schema"])
            if not wrong and (is_json(media) or media == "*/*"):
                wrong = [f"{at}/example: {e}" for e in self.errors(described["schema"], described["example"])]
            elif not wrong:
                wrong = [f"{at}/example: {e}" for e in self.content_errors(media, described, described["example"].encode())]
            found += wrong
        return found

    def _parameter(self, where, node):
        found = self._shape("parameter", where, node)
        if found:
            return found
        if node["in"] not in ("query", "path", "header"):
            found.append(f"{where}: in {node['in']}")
        if node["in"] == "path" and node.get("required") is not True:
            found.append(f"{where}: a parameter of the path is required")
        if node["in"] == "header" and node["name"].lower() in NO_HEADER_PARAMETERS:
            found.append(f"{where}: {node['name']} is no parameter: it is ignored there")
        return found + self._example(where, node["schema"], node["example"])

    def _header(self, where, node):
        if "$ref" in node:
            return []
        return self._shape("header", where, node) or self._example(where, node["schema"], node["example"])

    def _response(self, where, node):
        if "$ref" in node:
            return []
        found = self._shape("response", where, node)
        for name, header in node.get("headers", {}).items():
            found += self._header(f"{where}/headers/{name}", header)
        return found + self._media(f"{where}/content", node.get("content", {}))

    def _operations(self):
        found, ids = [], set()
        tags = {t["name"] for t in self.document.get("tags", [])}
        for template, item in self.document["paths"].items():
            if not template.startswith("/"):
                found.append(f"{template}: does not begin with /")
            found += [f"{template}: unknown member {k}" for k in item if k not in METHODS]
        for method, template, operation in self.operations():
            where = f"{method} {template}"
            wrong = self._shape("operation", where, operation)
            found += wrong
            if wrong:
                continue
            if operation["operationId"] in ids:
                found.append(f"{where}: the operationId {operation['operationId']} is taken")
            ids.add(operation["operationId"])
            found += [f"{where}: the tag {t} is not described" for t in operation["tags"] if t not in tags]
            found += self._operation_parameters(where, template, operation) + self._security(where, operation)
            if "requestBody" in operation:
                found += self._shape("body", where + " body", operation["requestBody"])
                found += self._media(where + " body", operation["requestBody"].get("content", {}))
            if not any(re.fullmatch("2..", s) for s in operation["responses"]):
                found.append(f"{where}: has no response 2xx")
            for status, response in operation["responses"].items():
                if not re.fullmatch("[1-5][0-9][0-9]", status):
                    found.append(f"{where}: {status} is no status")
                found += self._response(f"{where} {status}", response)
                if status[0] in "45" and list(self.resolve(response).get("content", {})) != ["application/problem+json"]:
                    found.append(f"{where} {status}: is not application/problem+json")
        return found

    def role_of(self, operation):
        """The role that a call needs, any_role where any will do; None: it is open."""
        return next((roles[0] if roles else "any_role" for wish in operation["security"] for roles in wish.values()), None)

    def _security(self, where, operation):
        """Open, or a role of one scheme, or any, which nodes without tokens do not ask for."""
        schemes = self.document["components"].get("securitySchemes", {})
        found = [e for name, node in schemes.items() for e in self._shape("scheme", f"#/components/securitySchemes/{name}", node)]
        wishes = operation["security"]
        for name, roles in ((n, r) for wish in wishes for n, r in wish.items()):
            if name not in schemes:
                found.append(f"{where}: the security scheme {name} is not described")
            if len(roles) > 1 or not set(roles) <= ROLES:
                found.append(f"{where}: {roles} is not one role, or none")
        if wishes and (len(wishes) != 2 or wishes[1] != {}):
            found.append(f"{where}: a node without tokens asks for none: security ends with {{}}")
        wanted = DENIALS if wishes else set()
        if DENIALS & set(operation["responses"]) != wanted:
            found.append(f"{where}: has not the responses {sorted(wanted)} of its security")
        return found

    def _operation_parameters(self, where, template, operation):
        found, seen = [], set()
        for raw in operation.get("parameters", []):
            node = self.resolve(raw)
            if "$ref" not in raw:
                found += self._parameter(f"{where} {raw.get('name')}", raw)
            key = (node.get("in"), node.get("name"))
            if key in seen:
                found.append(f"{where}: the parameter {key[1]} comes twice")
            seen.add(key)
        in_path, named = {n for i, n in seen if i == "path"}, set(re.findall(r"\{([^}]*)\}", template))
        found += [f"{where}: {{{n}}} is not described" for n in sorted(named - in_path)]
        return found + [f"{where}: the path has no {{{n}}}" for n in sorted(in_path - named)]
