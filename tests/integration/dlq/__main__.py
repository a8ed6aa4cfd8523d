"""Dead letters of a running node: redriven, edited, dropped, and what is written down about it.

  python3 tests/integration/dlq [--binary PATH] [--faults PATH] [--only CASE] [--seed N]

What must come out is counted here, from the events that were sent. Exit: 0 PASS, 1 FAIL, 77 no program.
"""

import argparse
import base64
import json
import os
import random
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import races  # noqa: E402
from ground import NDJSON, Shop, check, counts_of, order  # noqa: E402
from outside import weir as outside  # noqa: E402
from outside.weir import Broken, Hang  # noqa: E402


def said(text, *words):
    for word in words:
        if word not in text:
            raise Broken(f"no '{word}' in {text!r}")


def a_country_that_was_missing(weir, folder):
    """A table lacks a country, dead letters pile up, the table is mended, they are redriven: the totals are right, and the life of each tells it."""
    shop = Shop(weir, folder).up()
    orders = [order(i, "Oz" if i % 3 == 0 else "Norway", 1 + i % 5) for i in range(3_000)]
    shop.send(orders, {"served": 2_000, "dead_lettered": 1_000})
    ended = shop.call("dlq", "list", "--where", "country=Oz", "--from", "2020-01-01", "--to", "2200-01-01", "--limit", "3")
    said(ended.err.decode(), "3 of 1,000: 1,000 enrich_miss")
    check(counts_of(shop.expect(0, "dlq", "redrive", "--reason", "enrich_miss", "--why", "too early")), (1_000, 0, 0, 0), "before the table is mended")
    total = shop.settled()
    check((total["redriven"], total["served"], total["dead_lettered"]), (1_000, 2_000, 1_000), "they come back")
    shop.learn_oz()
    check(counts_of(shop.expect(0, "dlq", "redrive", "--where", "country=Oz", "--why", "countries.csv has Oz now")), (1_000, 0, 0, 0), "redriven")
    total = shop.settled()
    check((total["accepted"], total["served"], total["dead_lettered"], total["redriven"]), (3_000, 3_000, 0, 2_000), "ledger")
    sums = {r["region"]: (float(r["amount"]), r["orders"]) for r in shop.node.rows("by_region")}
    wanted = {region: (float(sum(o["amount"] for o in orders if o["country"] == country)), sum(o["country"] == country for o in orders))
              for country, region in (("Oz", "far"), ("Norway", "north"))}  # fmt: skip
    check(sums, wanted, "sums")
    check(shop.call("dlq", "redrive", "--reason", "enrich_miss").code, 1, "exit code where nothing is there")
    life = shop.node.get("/v1/events/o3").json()["attempts"]
    check([a["outcome"] for a in life], ["served"], "one attempt")
    check([(c["change"], c["who"], c["why"], c["was"]["reason"]) for c in life[0]["changes"]],
          [("redrive", "anonymous", "too early", "enrich_miss"), ("redrive", "anonymous", "countries.csv has Oz now", "enrich_miss")], "changes")
    told = shop.expect(0, "where", "o3")
    said(told, "stage enrich, reason enrich_miss", "redriven in commit", "by anonymous: countries.csv has Oz now", "served in commit", '"region":"far"')
    shop.down()
    check(weir.expect(0, "where", "o3", "--data", shop.data).out.decode(), told, "the life in stopped data")
    for words in (["redrive", "--all"], ["drop", "--all"], ["edit", "o3", "--payload", shop.table]):
        said(weir.expect(4, "dlq", *words, "--data", shop.data).err.decode(), "weir up PIPELINE.yaml --data " + shop.data)


def edited(weir, folder):
    """An edit is used by the redrive, must keep the id, and keeps the original bytes."""
    shop = Shop(weir, folder).up()
    shop.send([order(i, "Norway", 0) for i in range(5)] + [order(9, "Norway", 1)], {"dead_lettered": 5, "served": 1})
    reply = shop.node.call("POST", "/v1/events?wait=30s", b'{"id":"o7","country":"Norway","amount":\n', NDJSON)
    check(reply.json()["outcomes"], {"dead_lettered": 1}, "a broken frame")
    mended = lambda number, amount: json.dumps(order(number, "Norway", amount))
    said(shop.expect(0, "dlq", "edit", "o1", "--payload", write_file(folder, "one.json", mended(1, 5) + "\r\n"), "--why", "0 was a slip"), f"edited o1: {len(mended(1, 5))} bytes")
    check(shop.node.call("PUT", "/v1/dead-letters/o7?why=cut+off", mended(7, 6).encode()).status, 200, "a broken frame is mended")
    letter = shop.letters(id="o1")[0]
    check((json.loads(letter["original"])["amount"], letter["edited"]), (0, mended(1, 5)), "both")
    said(shop.expect(0, "dlq", "export", "--raw", "--id", "o1"), mended(1, 5) + "\n")
    for body, status in ((b"", 400), (b"\n", 400), (mended(2, 5).encode(), 400), (b"{}", 400), (b'{"id":"o1","pad":"' + b"x" * 1_000_000 + b'"}', 413)):
        check(shop.node.call("PUT", "/v1/dead-letters/o1", body).status, status, f"an edit to {body[:20]!r}")
    check(shop.node.call("PUT", "/v1/dead-letters/o1?why=" + "x" * 1_025, mended(1, 5).encode()).status, 400, "too long a reason")
    check(shop.call("dlq", "edit", "o9", "--payload", os.path.join(folder, "one.json")).code, 1, "exit code: no letter")
    check(shop.call("dlq", "edit", "o1", "--payload", os.path.join(folder, "none")).code, 5, "exit code: no payload")
    check(counts_of(shop.expect(0, "dlq", "redrive", "--all")), (6, 0, 0, 0), "redriven")
    total = shop.settled()
    check((total["served"], total["dead_lettered"], total["edited"], total["redriven"]), (3, 4, 2, 6), "ledger")
    amounts = {r["id"]: r["amount"] for r in shop.node.rows("by_id")}
    check(amounts, {"o1": 5, "o7": 6, "o9": 1}, "served as edited")
    life = shop.node.get("/v1/events/o1").json()["attempts"][0]
    check([(c["change"], c["why"]) for c in life["changes"]], [("edit", "0 was a slip"), ("redrive", "")], "changes")
    # The original bytes again are a duplicate: they are what its id was accepted with.
    shop.send([order(1, "Norway", 0)], {"duplicate": 1})
    records = shop.records(id="o1")
    check([r["change"] for r in records], ["edit", "redrive"], "records")
    check((json.loads(records[0]["before"]["payload"])["amount"], records[0]["after"]["payload"]), (0, mended(1, 5)), "before and after")
    check((records[1]["before"]["edited"], records[1]["after"]["outcome"]), (True, "retrying"), "the redrive of an edited one")
    shop.down()


def write_file(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)
    return path


def dropped_and_in_conflict(weir, folder):
    """A dropped letter is closed for good; one in conflict can be dropped and no more."""
    shop = Shop(weir, folder, oz=True).up()
    shop.send([order(1), order(2, amount=0), order(3, amount=0)], {"served": 1, "dead_lettered": 2})
    shop.send([order(1, amount=7)], {"dead_lettered": 1})
    ended = shop.call("dlq", "redrive", "--id", "o1")
    check(ended.code, 4, f"a letter in conflict is redriven: {ended}")
    said(ended.err.decode(), "can be shown, exported and dropped")
    check(counts_of((bulk := shop.call("dlq", "redrive", "--reason", "conflict")).out.decode()) + (bulk.code,), (0, 0, 1, 0, 4), "the same by reason")
    check(shop.node.call("POST", "/v1/dead-letters/redrive?id=o1").status, 409, "the same over HTTP")
    check(shop.node.call("PUT", "/v1/dead-letters/o1", json.dumps(order(1)).encode()).status, 409, "an edit of it")
    check(shop.node.call("POST", "/v1/dead-letters/redrive?id=nobody").status, 404, "no letter")
    check(shop.call("dlq", "drop", "--id", "nobody").code, 1, "exit code where nothing is there")
    for target in ("redrive", "drop", "redrive?all=true&id=o2", "redrive?why=x", "drop?limit=513&all=true", "drop?id=o2&where.@id=o2"):
        check(shop.node.call("POST", "/v1/dead-letters/" + target).status, 400, target)
    check(len(shop.letters()), 3, "nothing was changed so far")
    check((shop.call("dlq", "drop").code, shop.call("dlq", "redrive", "--all", "--id", "o2").code), (2, 2), "slips")
    check(counts_of(shop.expect(0, "dlq", "drop", "--id", "o1", "--why", "sent twice")), (1, 0, 0, 0), "a letter in conflict is dropped")
    check(counts_of(shop.expect(0, "dlq", "drop", "--where", "amount=0")), (2, 0, 0, 0), "two are dropped")
    total = shop.settled()
    check((total["served"], total["dropped"], total["dead_lettered"]), (1, 3, 0), "ledger")
    check(shop.node.get("/v1/events/o2").json()["attempts"][0]["outcome"], "dropped", "its life")
    said(shop.expect(0, "where", "o2"), "stage validate, reason field_range", "dropped in commit", "by anonymous")
    # Closed: the same bytes are a duplicate, others run the chain.
    shop.send([order(2, amount=0), order(3, amount=4)], {"duplicate": 1, "served": 1})
    check(shop.ids(), ["o1", "o3"], "served")
    shop.down()


def more_than_may_be_parked(weir, folder):
    """What does not fit among the parked events is asked for again, a bounded number of times."""
    shop = Shop(weir, folder, oz=True)
    shop.up("--set", "pipeline:retry.parked_events_max=50", "--set", "pipeline:stages.0.validate.fields.amount.above=100")
    shop.send([order(i) for i in range(2_000)], {"dead_lettered": 2_000})
    shop.down()
    shop.up("--set", "pipeline:retry.parked_events_max=50")
    once = shop.call("dlq", "redrive", "--all", "--tries", "1")
    first, _, _, later = counts_of(once.out.decode())
    check((once.code, first + later, later > 0), (3, 2_000, True), f"one try: {once}")
    said(once.err.decode(), f"{later} cannot be redriven yet", "retry.parked_events_max")
    check(shop.call("dlq", "redrive", "--all", "--pause", "10ms", "--tries", "10000").code, 0, "as often as it takes")
    total = shop.settled()
    check((total["redriven"], total["served"], total["dead_lettered"]), (2_000, 2_000, 0), "ledger")
    shop.down()


def headers_of_other_tools(weir, folder):
    shop = Shop(weir, folder).up()
    shop.send([order(1)], {"dead_lettered": 1})
    letter = shop.letters()[0]
    for tool, name in (("kafka-connect", "__connect.errors.offset"), ("spring", "kafka_dlt-original-offset")):
        online = shop.expect(0, "dlq", "export", "--headers", tool)
        message = json.loads(online)
        headers = {h["name"]: h.get("value", h.get("value_base64")) for h in message["headers"]}
        offset = int(headers[name]) if tool == "kafka-connect" else struct.unpack(">q", base64.b64decode(headers[name]))[0]
        check((message["key"], message["value"], message["topic"], offset), ("o1", letter["original"], "shop.ingest", letter["offset"]), tool)
    shop.down()
    check(weir.expect(0, "dlq", "export", "--headers", "spring", "--data", shop.data).out.decode(), online, "of stopped data")


def who_did_it(weir, folder):
    """Reading is not operating; the records say who, in order, and outlive a restart."""
    tokens = {role: f"{role}-token-of-the-test" for role in ("ingest", "read", "operate")}
    write_tokens(folder, tokens)
    shop = Shop(weir, folder)
    start = lambda: shop.up("--set", f"http.tokens_file={os.path.join(folder, 'tokens')}")
    start()
    as_role = lambda role: {"Authorization": f"Bearer {tokens[role]}"}
    body = "".join(json.dumps(order(i)) + "\n" for i in range(4)).encode()
    check(shop.node.call("POST", "/v1/events?wait=30s", body, {**NDJSON, **as_role("ingest")}).json()["outcomes"], {"dead_lettered": 4}, "events")
    for role in ("read", "ingest"):
        for method, target in (("POST", "redrive?all=true"), ("POST", "drop?all=true"), ("PUT", "o1")):
            check(shop.node.call(method, "/v1/dead-letters/" + target, b"{}", as_role(role)).status, 403, f"{target} as {role}")
    file_of = lambda role: write_file(folder, role + ".token", tokens[role] + "\n")
    check(shop.call("dlq", "redrive", "--all", "--token-file", file_of("read")).code, 4, "exit code of a reader")
    for i, words in enumerate((["drop", "--id", "o1"], ["edit", "o2", "--payload", write_file(folder, "o2.json", json.dumps(order(2, "Norway")))], ["redrive", "--id", "o2"])):
        shop.expect(0, "dlq", *words, "--why", f"step {i}", "--token-file", file_of("operate"))
    read = lambda: [json.loads(line) for line in shop.expect(0, "audit", "--output", "json", "--token-file", file_of("read")).splitlines()]
    records = read()
    check([(r["change"], r["id"], r["who"], r["role"], r["why"]) for r in records],
          [("drop", "o1", "operator", "operate", "step 0"), ("edit", "o2", "operator", "operate", "step 1"), ("redrive", "o2", "operator", "operate", "step 2")], "records")
    check(len(shop.expect(0, "audit", "--who", "nobody", "--output", "json", "--token-file", file_of("read"))), 0, "records of nobody")
    said(shop.expect(0, "audit", "--id", "o2", "--from", "2020-01-01", "--token-file", file_of("read")), "step 1", "step 2")
    shop.node.process.kill()
    shop.node.process.finish(30)
    start()
    check(read(), records, "records after a kill")
    shop.down()
    check([json.loads(line) for line in weir.expect(0, "audit", "--output", "json", "--data", shop.data).out.splitlines()], records, "records of stopped data")


def write_tokens(folder, tokens):
    names = {"operate": "operator"}
    path = os.path.join(folder, "tokens")
    with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.writelines(f"{role} {names.get(role, role)} {token}\n" for role, token in tokens.items())


CASES = {case.__name__: case for case in (a_country_that_was_missing, edited, dropped_and_in_conflict, more_than_may_be_parked, headers_of_other_tools, who_did_it, races.two_at_once)}
FAULTS = {"killed_at_every_point": races.killed_at_every_point}
SEEDED = {case.__name__: case for case in (races.killed, races.same_ids_at_the_door)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary")
    parser.add_argument("--faults")
    parser.add_argument("--only", choices=[*CASES, *SEEDED, *FAULTS])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    weir = outside.Weir(outside.find_binary(options.binary, "weir"))
    faults = outside.Weir(outside.find_binary(options.faults, "weir-faults"))
    calls = {**CASES}
    calls.update({name: lambda weir, folder, case=case: case(weir, folder, options.seed) for name, case in SEEDED.items()})
    calls.update({name: lambda weir, folder, case=case: case(weir, faults, folder, options.seed) for name, case in FAULTS.items()})
    print("seed", options.seed, flush=True)
    for name, case in calls.items():
        if options.only not in (None, name):
            continue
        with outside.Scratch(options.keep) as folder:
            try:
                case(weir, folder)
            except (Broken, Hang) as problem:
                print(f"FAIL {name} (seed {options.seed}): {problem}")
                return 1
        print("ok", name, flush=True)
    print("PASS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
