"""What must become of the workload: the rules of dedupe, dead letters and views, one event after the other.

Order inside a partition is the order of the file, so the outcome of every prefix is known exactly, and a stopped run
can be compared in the middle. Same id, same bytes: duplicate, whatever became of the first. Same id, other bytes: if
the first is done, a dead letter `conflict` that owns nothing; if it is dead-lettered, the later one runs the chain
and takes over, whatever its verdict, and the open letter becomes superseded; if it expired, the later one runs and takes over.

Late is an event whose time can be read and lies more than `late.after` below the greatest time of those served in front of it in
its partition, whatever else is wrong with it. What is late becomes a dead letter `late`, or expires.
"""

from decimal import Decimal

from outside import facts
import workload

PARTITIONS = 4
RETAIN_MS, MINUTE_MS = 25 * 60_000, 60_000  # of by_minute
CLOSED = "closed"  # in place of the offset of a letter


class Letter:
    def __init__(self, event_id, reasons, original, stage):
        self.id, self.reasons, self.original, self.stage = event_id, reasons, original, stage


class Partition:
    """One partition's events in order and what has been decided of them so far."""

    def __init__(self):
        self.events, self.decided = [], 0
        self.entries = {}  # id -> [bytes, offset of its open letter, None when done, or CLOSED]
        self.letters = {}  # offset -> Letter
        self.counts = dict(served=0, duplicate=0, dead_lettered=0, superseded=0, expired=0)
        self.greatest_ms = 0  # of the events served so far


class Model:
    """`late`: what becomes of late events, "dead_letter" or "expire"."""

    def __init__(self, late="dead_letter"):
        self.late = late
        self.partitions = [Partition() for _ in range(PARTITIONS)]
        self.homes = bytearray()  # the partition of every event sent, in order
        self.served = {}  # id -> Event
        self.latest, self.by_account, self.by_hour, self.by_minute = {}, {}, {}, {}
        self.seen = dict(duplicate=0, conflict=0, superseded=0, rejected=0, served=0, late=0, reopened=0)
        self._home_of = {}

    def send(self, events):
        for event in events:
            home = self._home_of.get(event.id)
            if home is None:
                home = self._home_of[event.id] = facts.partition_of(event.id, PARTITIONS)
            self.homes.append(home)
            self.partitions[home].events.append(event)

    def sent_until(self, count):
        """Events per partition among the first `count` sent."""
        head = bytes(self.homes[:count])
        return [head.count(p) for p in range(PARTITIONS)]

    def decide_until(self, positions):
        for partition, position in zip(self.partitions, positions):
            while partition.decided < position:
                self._decide(partition, partition.events[partition.decided])
                partition.decided += 1

    def _decide(self, p, event):
        entry = p.entries.get(event.id)
        if entry and entry[0] == event.raw:
            p.counts["duplicate"] += 1
            self.seen["duplicate"] += 1
            return
        if entry and entry[1] is None:
            self._letter(p, event, {"conflict"})
            self.seen["conflict"] += 1
            return
        if entry and entry[1] == CLOSED:
            self.seen["reopened"] += 1
        elif entry:
            del p.letters[entry[1]]
            p.counts["dead_lettered"] -= 1
            p.counts["superseded"] += 1
            self.seen["superseded"] += 1
        if event.at_ms and event.at_ms < p.greatest_ms - workload.LATE_MS:
            self.seen["late"] += 1
            if self.late == "expire":
                p.entries[event.id] = [event.raw, CLOSED]
                p.counts["expired"] += 1
            else:
                p.entries[event.id] = [event.raw, p.decided]
                self._letter(p, event, {"late"})
            return
        if event.fault:
            p.entries[event.id] = [event.raw, p.decided]
            self._letter(p, event, event.fault)
            self.seen["rejected"] += 1
            return
        p.entries[event.id] = [event.raw, None]
        p.counts["served"] += 1
        p.greatest_ms = max(p.greatest_ms, event.at_ms)
        self.seen["served"] += 1
        self._serve(event)

    @staticmethod
    def _letter(p, event, reasons):
        rules = {"field_missing", "field_type", "field_range"}
        stage = "validate" if len(reasons) == 1 and reasons <= rules else "late" if reasons == {"late"} else None
        p.letters[p.decided] = Letter(event.id, reasons, event.raw, stage)
        p.counts["dead_lettered"] += 1

    def _serve(self, event):
        self.served[event.id] = event
        best = self.latest.get(event.account)
        if best is None or (event.at_ms, event.id.encode()) > (best.at_ms, best.id.encode()):
            self.latest[event.account] = event
        total = event.cents * event.quantity
        row = self.by_account.get(event.account)
        if row is None:
            self.by_account[event.account] = [total, 1, total, total]
        else:
            row[0] += total
            row[1] += 1
            row[2] = max(row[2], total)
            row[3] = min(row[3], total)
        for windows, width in ((self.by_hour, 3_600_000), (self.by_minute, MINUTE_MS)):
            row = windows.setdefault(event.at_ms - event.at_ms % width, [0, 0])
            row[0] += total
            row[1] += 1

    def ledger(self, accepted):
        """Per partition, of what has been decided."""
        return [dict(p.counts, accepted=a, in_flight=a - p.decided) for p, a in zip(self.partitions, accepted)]

    def account_rows(self):
        for account, (total, orders, largest, smallest) in self.by_account.items():
            mean = facts.average_text(Decimal(total).scaleb(-2), orders)
            yield account, cents_text(total), str(orders), cents_text(largest), cents_text(smallest), mean

    def hour_rows(self):
        for hour, (total, orders) in self.by_hour.items():
            yield "1h", hour * 1000, cents_text(total), str(orders)

    def minute_rows(self):
        """Without the windows that `retain` hides: they ended too long before the greatest time of all partitions."""
        greatest = max(p.greatest_ms for p in self.partitions)
        for minute, (total, orders) in self.by_minute.items():
            if minute + MINUTE_MS >= greatest - RETAIN_MS:
                yield "1m", minute * 1000, cents_text(total), str(orders)


def cents_text(cents):
    return f"{cents // 100}.{cents % 100:02d}"


def record_of(event):
    """The served record of an event: its own fields without `note`, and what transform sets."""
    record = facts.parse_json(event.raw)
    record.pop("note")
    record["total"] = facts.number(cents_text(event.cents * event.quantity))
    record["currency"] = "EUR"
    return record
