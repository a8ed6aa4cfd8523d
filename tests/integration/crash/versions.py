"""The pipeline of the serving campaign in all its versions, and what a version does with an event.

Every version writes its own number into each record, so that the record says which rules made it; tables and limits differ
by version too, and views come, go and change. Nothing here may be refused over existing data.
"""

import json
import os

from outside import facts

PARTITIONS = 4
ACCOUNTS = 40
REGIONS = 5
HEAD = """pipeline: serving
partitions: {partitions}
record: {{id: id, time: {{field: at, format: unix_ms}}, type: order}}
"""
STAGES = """stages:
  - validate:
      fields:
        account: {{type: string}}
        amount: {{type: decimal, above: 0}}
        quantity: {{type: integer, min: 1, max: {quantity_max}}}
  - enrich: {{table: {{file: {table}, key: account}}, add: {{region: region}}, missing: {{region: nowhere}}}}
  - transform: {{set: {{total: {{multiply: [amount, quantity]}}, rules: {{const: {rules}}}}}, drop: [note]}}
"""


def quantity_max(version):
    return 50 if version % 2 else 100


def region_of(version, account):
    number = int(account.removeprefix("acc-"))
    return "nowhere" if number % 10 == 9 else f"r{(number * 7 + version) % REGIONS}"


def rules_name(version):
    return f"v{version}"


def version_of(name):
    return int(name.removeprefix("v"))


def views_of(version):
    """view -> its text; equal texts are equal definitions."""
    views = {
        "order_by_id": '{latest: "@id"}',
        "by_client": "{group_by: [client], measures: {orders: count, total: {sum: total}}}",
        "by_rules": "{group_by: [rules], measures: {orders: count, accounts: {distinct: account}}}",
    }
    if version % 3 != 2:
        more = ", largest: {max: total}" if version % 2 else ""
        views["by_region"] = "{group_by: [region], measures: {orders: count" + more + "}}"
    if version % 3 != 1:
        views["by_hour"] = "{windows: [1h], measures: {orders: count, total: {sum: total}}}"
    return views


def write(folder, version, partitions=PARTITIONS):
    """The pipeline file of a version with its table; its path."""
    table = os.path.join(folder, f"regions-{version}.csv")
    with open(table, "w", encoding="utf-8") as f:
        f.write("account,region\n")
        for number in range(ACCOUNTS):
            if number % 10 != 9:
                f.write(f"acc-{number},{region_of(version, f'acc-{number}')}\n")
    text = HEAD.format(partitions=partitions)
    text += STAGES.format(quantity_max=quantity_max(version), table=os.path.basename(table), rules=rules_name(version))
    text += "views:\n" + "".join(f"  {name}: {body}\n" for name, body in views_of(version).items())
    path = os.path.join(folder, f"serving-{version}-{partitions}.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def planned(before, after, seen):
    """What -> the words `weir plan` may use for a change from one version to a later one. `seen`: all versions that ran."""
    expected = {"stages": {"in place"}}
    old, new = views_of(before), views_of(after)
    ever = {(name, text) for version in seen for name, text in views_of(version).items()}
    for name, text in new.items():
        if old.get(name) == text:
            expected[f"view {name}"] = {"unchanged"}
        elif name not in old and (name, text) in ever:
            # Its rows are there if they had been flushed before it went.
            expected[f"view {name}"] = {"in place", "rebuilt"}
        else:
            expected[f"view {name}"] = {"rebuilt"}
    for name in old.keys() - new.keys():
        expected[f"view {name}"] = {"kept"}
    return expected


def compare_plan(rows, before, after, seen, findings):
    """`rows`: the JSON of `weir plan`."""
    found = {row["what"]: row["change"] for row in rows}
    for what, allowed in planned(before, after, seen).items():
        if found.get(what) not in allowed:
            findings.add(f"plan v{before} -> v{after}: {what} is {found.get(what)!r}, expected {sorted(allowed)}")
    for what, change in found.items():
        name = what.removeprefix("view ")
        ran_once = any(name in views_of(version) for version in seen)
        if what not in planned(before, after, seen) and not (change == "kept" and ran_once):
            findings.add(f"plan v{before} -> v{after}: {what} is {change!r}, nobody asked for it")


def is_valid(event, version):
    return event.fault is None and event.quantity <= quantity_max(version)


def total_text(event):
    cents = event.cents * event.quantity
    return f"{cents // 100}.{cents % 100:02d}"


def record_of(event, version):
    """The record of a valid event as that version makes it, numbers as marked text."""
    record = facts.parse_json(event.raw)
    record.pop("note")
    record["total"] = facts.number(total_text(event))
    record["region"] = region_of(version, event.account)
    record["rules"] = rules_name(version)
    return record


def canonical(record):
    return json.dumps(record, sort_keys=True)
