"""The test of the test: one thing wrong with the document, or with an answer, and it must be said."""

import copy
import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import contract as contracts  # noqa: E402
from document import Document  # noqa: E402
from outside.node import Reply  # noqa: E402
from outside.weir import Broken, repository  # noqa: E402

API = os.path.join(repository(), "cluster", "api")
with open(os.path.join(API, "openapi.json"), encoding="utf-8") as f:
    SOURCE = json.loads(f.read().replace("@PROJECT_VERSION@", "0.1.0"))
with open(os.path.join(API, "http_api.cc"), encoding="utf-8") as f:
    ROUTES = f.read()
HEALTH, LEDGER = "/healthz", "/v1/ledger"


def mutated(change) -> Document:
    document = copy.deepcopy(SOURCE)
    change(document)
    return Document(document)


def reply(status=200, body=None, media="application/json", **headers):
    return Reply(status, {"content-type": media, **headers}, json.dumps(body).encode())


def problem(status, **headers):
    body = {"type": "about:blank", "title": "a", "status": status, "detail": "b"}
    return reply(status, body, "application/problem+json", **headers)


ALIVE = {"status": "alive", "node": "n1"}


class Lint(unittest.TestCase):
    def test_the_document_is_sound(self):
        self.assertEqual(Document(SOURCE).lint(), [])

    def test_one_thing_wrong_is_found(self):
        operation = lambda d, path=HEALTH: d["paths"][path]["get"]
        schemas = lambda d: d["components"]["schemas"]
        for words, change in {
            "is not 3.1.x": lambda d: d.update(openapi="3.0.3"),
            "is no version": lambda d: d["info"].update(version="@PROJECT_VERSION@"),
            "does not exist": lambda d: operation(d)["responses"].update({"404": {"$ref": "#/components/responses/Nothing"}}),
            "is not used": lambda d: schemas(d).update(Idle={"type": "string"}),
            "lacks summary": lambda d: operation(d).pop("summary"),
            "lacks operationId": lambda d: operation(d).pop("operationId"),
            "is taken": lambda d: operation(d).update(operationId="getLedger"),
            "lacks security": lambda d: operation(d).pop("security"),
            "the security scheme basic is not described": lambda d: operation(d, LEDGER).update(security=[{"basic": ["read"]}, {}]),
            "is not one role": lambda d: operation(d, LEDGER).update(security=[{"bearer": ["reader"]}, {}]),
            "security ends with {}": lambda d: operation(d, LEDGER).update(security=[{"bearer": ["read"]}]),
            "has not the responses ['401', '403', '421']": lambda d: operation(d, LEDGER)["responses"].pop("401"),
            "has not the responses []": lambda d: operation(d, LEDGER).update(security=[]),
            "lacks responses": lambda d: operation(d).pop("responses"),
            "has no response 2xx": lambda d: operation(d)["responses"].pop("200"),
            "is not described": lambda d: operation(d, "/v1/events/{id}").pop("parameters"),
            "the path has no {id}": lambda d: operation(d).update(parameters=[{"$ref": "#/components/parameters/EventId"}]),
            "comes twice": lambda d: operation(d, "/v1/digest")["parameters"].append({"$ref": "#/components/parameters/State"}),
            "no schema": lambda d: schemas(d)["Health"].update(type="objekt"),
            "has no property": lambda d: schemas(d)["Health"]["required"].append("nod"),
            "/example: it": lambda d: schemas(d)["Health"]["required"].append("since") or schemas(d)["Health"]["properties"].update(since={"type": "string"}),
            "lacks example": lambda d: operation(d)["responses"]["200"]["content"]["application/json"].pop("example"),
            "unknown member summry": lambda d: operation(d).update(summry="x"),
            "is no parameter": lambda d: d["components"]["parameters"]["Token"].update(name="Accept"),
            "a parameter of the path is required": lambda d: d["components"]["parameters"]["Key"].pop("required"),
            "is not application/problem+json": lambda d: d["components"]["responses"]["BadRequest"].update(content={"text/plain": {"schema": {"type": "string"}, "example": "no"}}),
            "is no JSON": lambda d: d["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/x-ndjson"].update(example="{\n"),
        }.items():
            with self.subTest(words):
                self.assertIn(words, "\n".join(mutated(change).lint()))


class Routes(unittest.TestCase):
    def test_the_table_and_the_document_name_the_same(self):
        routes = contracts.routes_of(ROUTES)
        self.assertGreater(len(routes), 13)
        self.assertEqual(contracts.routes_differ(routes, Document(SOURCE)), [])

    def test_one_more_on_either_side_is_found(self):
        routes = contracts.routes_of(ROUTES)
        self.assertEqual(len(contracts.routes_differ(routes | {("POST", "/v1/redrive", "operate")}, Document(SOURCE))), 1)
        self.assertEqual(len(contracts.routes_differ(routes, mutated(lambda d: d["paths"].pop(HEALTH)))), 1)
        self.assertEqual(len(contracts.routes_differ(routes - {("GET", HEALTH, None)}, Document(SOURCE))), 1)
        self.assertEqual(len(contracts.routes_differ(routes - {("GET", LEDGER, "read")} | {("GET", LEDGER, "admin")}, Document(SOURCE))), 1)
        self.assertEqual(len(contracts.routes_differ(routes - {("GET", LEDGER, "read")} | {("GET", LEDGER, None)}, Document(SOURCE))), 1)
        self.assertEqual(len(contracts.routes_differ(routes, mutated(lambda d: d["paths"].update({"/v1/x": d["paths"][HEALTH]})))), 1)


class Judge(unittest.TestCase):
    def judge(self, got, target=HEALTH, method="GET", change=lambda d: None, sent=None, body=None):
        contract = contracts.Contract(mutated(change))
        contract.judge(method, target, sent or {}, body, got)
        return contract

    def broken(self, words, *args, **named):
        with self.assertRaisesRegex(Broken, words):
            self.judge(*args, **named)

    def test_an_answer_as_described_is_taken(self):
        self.assertEqual(self.judge(reply(body=ALIVE)).answered, {("GET", HEALTH, "200", "application/json")})
        self.judge(problem(404), "/v1/nothing")
        self.judge(problem(405, allow="GET, HEAD"), method="DELETE")
        self.judge(Reply(200, {"content-type": "application/json"}, b""), method="HEAD")

    def test_an_answer_that_is_not_is_refused(self):
        self.broken("the status is not described", problem(418))
        self.broken("the type 'text/html' is not described", reply(body=ALIVE, media="text/html"))
        self.broken("is no JSON", Reply(200, {"content-type": "application/json"}, b"{"))
        self.broken("was unexpected", reply(body={**ALIVE, "since": 1}))
        self.broken("required property", reply(body={"status": "alive"}))
        self.broken("was expected", reply(body={**ALIVE, "status": "well"}))
        self.broken("header x-new is not described", reply(body=ALIVE, **{"x-new": "1"}))
        self.broken("lacks the header retry-after", problem(503))
        self.broken("header retry-after", problem(503, **{"retry-after": "soon"}))
        self.broken("lacks the header allow", problem(405), method="DELETE")
        self.broken("says another status", reply(400, {"type": "a", "title": "b", "status": 404, "detail": "c"}, "application/problem+json"))
        self.broken("is in no path", reply(body={}), "/v1/nothing")
        self.broken("no such operation", reply(body=ALIVE), method="PUT")
        self.broken("took parameters that are not described", reply(body=ALIVE), HEALTH + "?depth=1")
        self.broken("has a body", reply(body=ALIVE), method="HEAD")
        self.broken("the status is not described", reply(body=ALIVE), change=lambda d: d["paths"][HEALTH]["get"]["responses"].pop("200"))
        self.broken("is in no path", reply(body=ALIVE), change=lambda d: d["paths"].pop(HEALTH))
        accepted = reply(202, {"accepted": 1, "durability": "durable", "token": "a" * 24})
        send = {"target": "/v1/events", "method": "POST"}
        self.judge(accepted, **send, body=b"{}", sent={"Content-Type": "application/json"})
        self.broken("took the body type", accepted, **send, body=b"<x/>", sent={"Content-Type": "text/xml"})
        self.broken("took a body that is not as described", accepted, **send, body=b"7", sent={"Content-Type": "application/json"})
        self.broken("took wait", accepted, target="/v1/events?wait=long", method="POST")
        self.broken("deep", reply(body=self.ledger(total={"deep": 1})), LEDGER)

    def ledger(self, **changes):
        return {**SOURCE["paths"][LEDGER]["get"]["responses"]["200"]["content"]["application/json"]["example"], **changes}

    def test_what_was_never_seen_is_missing_and_what_was_is_not(self):
        contract = self.judge(reply(body=ALIVE))
        missing = contract.missing(lambda *_: False)
        self.assertIn("GET /v1/ledger: never answered 200 as application/json", missing)
        self.assertIn("GET /healthz: never answered 503 as application/problem+json", missing)
        self.assertIn("GET /healthz: 503 never had the header Retry-After", missing)
        self.assertIn("GET /metrics: never answered 200 as application/openmetrics-text", missing)
        self.assertIn("GET /v1/digest: the parameter state was never taken", missing)
        self.assertIn("POST /v1/events: a body of text/csv was never taken", missing)
        self.assertNotIn("GET /healthz: never answered 200 as application/json", missing)
        self.assertIn("GET /healthz: 200 is excused, and was seen", contract.missing(lambda m, t, s: s == "200"))


if __name__ == "__main__":
    unittest.main()
