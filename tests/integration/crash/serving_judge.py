"""What a node must hold after clients, kills and changes of its pipeline: judged from what the clients know alone.

The order of events of different clients is not known, so the rows say themselves which rules made them. That is checked
against the versions that were in force, and everything else (sums, letters, the ledger) must follow exactly from the rows.
"""

import collections
from decimal import Decimal

from outside import compare, facts
import posts
import versions


class Sent:
    """One batch and what its client was told of it."""

    def __init__(self, batch, version):
        self.batch, self.version = batch, version  # the version in force when it was sent first
        self.acked = 0  # durable acknowledgements
        self.buffered = 0  # acknowledgements that promise to outlive the process only
        self.unknown = 0  # attempts without a certain answer
        self.refused = 0  # attempts that were certainly not taken

    def least(self, power):
        return self.acked + (0 if power else self.buffered)

    def most(self):
        return self.acked + self.buffered + self.unknown


class Observation:
    """A stopped node: rows of each view by name, letters and ledger as outside.weir gives them."""

    def __init__(self, rows, letters, ledger):
        self.rows, self.letters, self.ledger = rows, letters, ledger

    @staticmethod
    def take(weir, data, version):
        rows = {view: weir.rows(view, data) for view in versions.views_of(version)}
        return Observation(rows, weir.letters(data), weir.ledger(data, codes=(0, 1)))


class Known:
    """Of one id: its event, and the one that came later with other bytes; each with how often it was accepted."""

    def __init__(self):
        self.base = self.later = None
        self.version = None
        self.least, self.most = collections.Counter(), collections.Counter()  # by bytes

    def add(self, event, sent, power):
        self.least[event.raw] += sent.least(power)
        self.most[event.raw] += sent.most()
        if event.kind in ("rival", "correction"):
            self.later = event
        elif event.kind != "repeat":
            self.base, self.version = event, sent.version


def known_ids(history, power):
    ids = collections.defaultdict(Known)
    for sent in history:
        for event in sent.batch.events:
            ids[event.id].add(event, sent, power)
    return ids


class Judge:
    """`newest`: the version that ran last. `power`: what was not synced may be gone."""

    def __init__(self, history, observation, newest, power=False):
        self.history, self.seen, self.newest, self.power = history, observation, newest, power
        self.ids = known_ids(history, power)
        self.findings = compare.Findings()
        self.served = []  # (event, version)
        self.superseded = collections.Counter()  # by partition

    def judge(self):
        rows = self._rows_by_id()
        letters = collections.defaultdict(list)
        for letter in self.seen.letters:
            letters[letter["id"]].append(letter)
        for event_id, known in self.ids.items():
            self._one_id(event_id, known, rows.pop(event_id, None), letters.pop(event_id, []))
        for event_id in rows:
            self.findings.add(f"served, never sent: {event_id!r}")
        for event_id in letters:
            self.findings.add(f"dead-lettered, never sent: {event_id!r}")
        self._views()
        self._ledger()
        return self.findings

    def _rows_by_id(self):
        rows = {}
        for row in self.seen.rows["order_by_id"]:
            row = dict(row)
            event_id = row.pop("id").removeprefix(facts.NUMBER_MARK)
            if event_id in rows:
                self.findings.add(f"served twice: {event_id!r}")
            rows[event_id] = row
        return rows

    # ---- one id

    def _one_id(self, event_id, known, row, letters):
        base, later = known.base, known.later
        corrected = later is not None and later.kind == "correction"
        if row is not None:
            self._row(event_id, known, later if corrected else base, row)
        letters = self._conflicts(event_id, known, letters)
        if corrected and row is not None:
            self.superseded[posts.partition_of(event_id)] += 1
            wanted = 0
            if known.most[later.raw] == 0:
                self.findings.add(f"served, never sent: the correction of {event_id!r}")
        elif corrected and known.least[later.raw]:
            self.findings.add(f"lost: the acknowledged correction of {event_id!r}")
            return
        else:
            wanted = 0 if row is not None else 1
        if not known.most[base.raw] and (row is not None or letters):
            self.findings.add(f"decided, but every attempt to send it was refused: {event_id!r}")
        if len(letters) > wanted:
            self.findings.add(f"{event_id!r} is {'served and ' if row is not None else ''}dead-lettered {len(letters)} times")
        if row is None and not letters:
            if known.least[base.raw]:
                self.findings.add(f"lost: {event_id!r}, acknowledged {known.least[base.raw]} times, is neither served nor dead-lettered")
            return
        for letter in letters:
            self._letter(known, letter)

    def _row(self, event_id, known, event, row):
        """The rules that the record names were in force, and it is what they make of the event."""
        named = row.get("rules")
        try:
            version = versions.version_of(named)
        except (AttributeError, ValueError):
            return self.findings.add(f"the record of {event_id!r} names no rules: {row}")
        if not known.version <= version <= self.newest:
            self.findings.add(f"{event_id!r} was decided by {named}; v{known.version} to v{self.newest} were in force since it was sent")
        if not versions.is_valid(event, version):
            return self.findings.add(f"served, though {named} rejects it: {event_id!r}")
        record = dict(row)
        time = facts.time_us(record.pop("time"))
        expected = versions.record_of(event, version)
        expected.pop("id")
        if record != expected or time != event.at_ms * 1000:
            self.findings.add(f"altered: {event_id!r}: {record}, expected {expected}")
        self.served.append((event, version))

    def _conflicts(self, event_id, known, letters):
        """Takes the conflicts out: one for each time that the rival was accepted."""
        later = known.later
        conflicts = [x for x in letters if x["reason"] == "conflict"]
        least, most = (known.least[later.raw], known.most[later.raw]) if later is not None and later.kind == "rival" else (0, 0)
        if not least <= len(conflicts) <= most:
            self.findings.add(f"{event_id!r} has {len(conflicts)} conflicts, its rival was accepted {least} to {most} times")
        for letter in conflicts:
            if later is None or letter["original"] != later.raw:
                self.findings.add(f"a conflict of {event_id!r} holds other bytes than were sent: {letter['original'][:100]!r}")
        return [x for x in letters if x["reason"] != "conflict"]

    def _letter(self, known, letter):
        base = known.base
        rejecting = any(not versions.is_valid(base, v) for v in range(known.version, self.newest + 1))
        if not rejecting:
            self.findings.add(f"dead-lettered, though no rules that were in force reject it: {base.id!r}: {letter['reason']}")
        elif letter["reason"] not in (base.fault or {"field_range"}):
            self.findings.add(f"dead letter {base.id!r}: reason {letter['reason']!r}, allowed {sorted(base.fault or ['field_range'])}")
        if letter["original"] != base.raw:
            self.findings.add(f"dead letter {base.id!r} holds other bytes than were sent")
        if letter["partition"] != posts.partition_of(base.id):
            self.findings.add(f"dead letter {base.id!r} lies in partition {letter['partition']}")

    # ---- what follows from the rows

    def _views(self):
        wanted = expected_views(self.served)
        for view, rows in self.seen.rows.items():
            if view == "order_by_id":
                continue
            try:
                found = [plain_row(view, row) for row in rows]
            except (ValueError, KeyError) as wrong:
                self.findings.add(f"{view}: {type(wrong).__name__}: {wrong}")
                continue
            largest = view == "by_region" and any(len(row) == 3 for row in found)
            compare.multiset(view, wanted[view + "+" if largest else view], found, self.findings, lambda row: row[0])

    def _ledger(self):
        served = collections.Counter(posts.partition_of(event.id) for event, _ in self.served)
        letters = collections.Counter(x["partition"] for x in self.seen.letters)
        least, most = collections.Counter(), collections.Counter()
        for sent in self.history:
            for event in sent.batch.events:
                least[posts.partition_of(event.id)] += sent.least(self.power)
                most[posts.partition_of(event.id)] += sent.most()
        expected = []
        for row in sorted(self.seen.ledger["partitions"], key=lambda row: row["partition"]):
            p, accepted = row["partition"], row["accepted"]
            if not least[p] <= accepted <= most[p]:
                self.findings.add(f"partition {p}: {accepted} events were accepted; {least[p]} were acknowledged, {most[p]} may have been")
            decided = served[p] + letters[p] + self.superseded[p]
            expected.append(
                dict(accepted=accepted, served=served[p], dead_lettered=letters[p], superseded=self.superseded[p], duplicate=accepted - decided)
            )
        compare.ledger(self.seen.ledger, expected, self.findings)


def expected_views(served):
    """view -> rows, as plain_row gives them."""
    clients, rules, regions, hours = {}, {}, {}, {}
    for event, version in served:
        total = Decimal(versions.total_text(event))
        client = facts.parse_json(event.raw)["client"]
        row = clients.setdefault(client, [0, Decimal(0)])
        row[0] += 1
        row[1] += total
        row = rules.setdefault(versions.rules_name(version), [0, set()])
        row[0] += 1
        row[1].add(event.account)
        row = regions.setdefault(versions.region_of(version, event.account), [0, total])
        row[0] += 1
        row[1] = max(row[1], total)
        row = hours.setdefault(event.at_ms // 3_600_000 * 3_600_000_000, [0, Decimal(0)])
        row[0] += 1
        row[1] += total
    return {
        "by_client": [(client, n, total) for client, (n, total) in clients.items()],
        "by_rules": [(name, n, len(accounts)) for name, (n, accounts) in rules.items()],
        "by_region": [(region, n) for region, (n, _) in regions.items()],
        "by_region+": [(region, n, largest) for region, (n, largest) in regions.items()],
        "by_hour": [(hour, n, total) for hour, (n, total) in hours.items()],
    }


def plain_row(view, row):
    count = facts.whole(row["orders"])
    number = lambda name: Decimal(facts.number_text(row[name]))
    if view == "by_client":
        return row["client"], count, number("total")
    if view == "by_rules":
        if row["accounts_approximate"] is not False:
            raise ValueError("so few accounts are counted exactly")
        return row["rules"], count, facts.whole(row["accounts"])
    if view == "by_region":
        return (row["region"], count, number("largest")) if "largest" in row else (row["region"], count)
    return facts.time_us(row["window_start"]), count, number("total")


def life_findings(life, event_version, rules_of):
    """What `/v1/events/{id}` says: decided once, by the rules that the record names, and a repeat changed nothing."""
    findings = compare.Findings()
    served = [a for a in life["attempts"] if a["outcome"] == "served"]
    if len(served) != 1:
        findings.add(f"the biography of {life['id']!r} has {len(served)} attempts that were served")
        return findings
    wanted = rules_of.get(event_version)
    if served[0].get("rules") != wanted:
        findings.add(f"{life['id']!r} was made by v{event_version} ({wanted}), its biography says rules {served[0].get('rules')}")
    rest = {a["outcome"] for a in life["attempts"]} - {"served", "duplicate", "dead_lettered"}
    if rest:
        findings.add(f"the biography of {life['id']!r} has {sorted(rest)}")
    return findings
