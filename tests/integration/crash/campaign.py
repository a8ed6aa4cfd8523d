"""Runs the product, ends it again and again, and compares it with the model each time it lies still.

When to strike is no matter of time, which would depend on the machine: the kernel counts the bytes a process writes, and
the strike comes when that count passes a number drawn before. The faster the machine, the sooner it passes it.

A campaign is a row of rounds; a round is one fresh data directory that reads file after file, each from kill to kill
until it is finished. After every kill the ledger is compared exactly, partition by partition, at the position the
product says it has reached; at the end of each round (and after some kills) all views and dead letters too.
"""

import math
import os
import random
import tempfile
import time

from outside import compare, weir as outside
import faults
import model as models
import picture
import workload

HERE = os.path.dirname(os.path.abspath(__file__))
PIPELINE = os.path.join(HERE, "pipeline.yaml")
# Small segments, so that every run goes through several switches.
SMALL_SEGMENTS = ("--set", "log.embedded.segment=4MiB")


# Of a strike, the bytes written when it comes: in the opening (locks, journals, stores; their replay in a rerun), or in the
# work. There both journals and the state together take about four bytes per byte of input, and all of it is accepted when
# half of them are written.
OPENING_BYTES = 64 << 10
WORK_BYTES_PER_INPUT_BYTE = 2.2
# Of a run with a defect: it has written nothing for so long, so it is struck where it stands.
STALL_SECONDS = 3


def run_of(pipeline, path, data):
    return ("run", pipeline, path, "--data", data, *SMALL_SEGMENTS)


class Finding(Exception):
    """The product is wrong; the campaign ends here."""

    def __init__(self, findings, where):
        super().__init__(f"{where}: {list(findings[:3])}")
        self.findings, self.where = findings, where


class Misused(Exception):
    """The command line was refused: this says nothing about the product."""


class Witness:
    """What really happened. A campaign whose faults met nothing proves nothing."""

    def __init__(self):
        self.kills = 0  # processes that ended by our hand or by a fail point
        self.middle = 0  # … with something accepted and not everything
        self.in_flight = 0  # … with accepted events not yet decided
        self.late = 0  # our strike came after the end
        self.points = {}  # fail point -> hits
        self.rounds = self.files = self.events = self.pictures = 0
        self.again = 0  # files read again from the start after a kill behind the summary
        self.seen = {}

    def line(self):
        points = f", {len(self.points)} fail points hit" if self.points else ""
        return (
            f"{self.kills} kills ({self.middle} mid-file, {self.in_flight} with events in flight{points}), "
            f"{self.rounds} data directories, {self.files} files, {self.events} events, {self.seen}, "
            f"{self.pictures} whole pictures compared"
        )


class Campaign:
    def __init__(self, options, points):
        self.seed, self.events_per_file, self.kills_wanted = options.seed, options.events, options.kills
        self.random = random.Random(options.seed)
        switched = options.defect or options.disturb
        defect = {"WEIR_DEFECT": switched} if switched else {}
        self.faults_binary = outside.Weir(options.faults, defect) if options.faults else None
        self.plain = self.faults_binary if switched else outside.Weir(options.binary)
        self.points, self.open_points = points, list(points)
        self.tried_points = set()
        self.random.shuffle(self.open_points)
        self.kills_per_round = options.kills_per_round
        self.power = options.power_cuts
        # Half of the fail points, and the strikes in the opening, show nothing of a defect of the work.
        self.points_share = 0.3 if options.defect else 0.6
        # A defect may leave a run with nothing to do: it is struck, and what it left is judged. Without one that is a hang.
        self.strikes_stalled = bool(options.defect)
        self.patience = 60  # seconds a run may take, a hundred times what it needs; a hang is a finding
        self.deadline = time.monotonic() + options.seconds_max
        self.verbose = options.verbose
        self.witness = Witness()

    def run(self):
        while self.witness.kills < self.kills_wanted:
            if time.monotonic() > self.deadline:
                return
            with tempfile.TemporaryDirectory(prefix="weir-crash-") as folder:
                striker = (faults.PowerCut if self.power else faults.Kill)(folder)
                try:
                    Round(self, folder, striker).run()
                finally:
                    striker.close()
            self.witness.rounds += 1

    def next_point(self):
        """A fail point for the next kill, or None for a random moment. Points not hit yet come first, every second
        time.
        """
        if not self.faults_binary or not self.points or self.power or self.random.random() >= self.points_share:
            return None
        return self.open_points[0] if self.open_points else self.random.choice(self.points)


class Round:
    """One data directory from its creation to the last comparison."""

    def __init__(self, campaign, folder, striker):
        self.c, self.folder, self.striker, self.data = campaign, folder, striker, striker.data
        # Every other round late events expire.
        late = ("dead_letter", "expire")[campaign.witness.rounds % 2]
        self.model = models.Model(late)
        self.pipeline = os.path.join(folder, "pipeline.yaml")
        with open(PIPELINE, encoding="utf-8") as f, open(self.pipeline, "w", encoding="utf-8") as out:
            out.write(f.read().replace("then: dead_letter", f"then: {late}"))
        self.start_index = campaign.witness.events
        self.seed = campaign.seed
        self.kills = 0
        self.committed = [0] * models.PARTITIONS
        self.accepted = 0
        self.log = []

    def run(self):
        while self.kills < self.c.kills_per_round and self.c.witness.kills < self.c.kills_wanted:
            if time.monotonic() > self.c.deadline:
                break
            self._one_file()
        self._look(whole=True, running_file=None)
        for name, count in self.model.seen.items():
            self.c.witness.seen[name] = self.c.witness.seen.get(name, 0) + count

    def _one_file(self):
        first = self.c.witness.events - self.start_index
        events = [workload.event(self.seed + self.c.witness.rounds, first + i) for i in range(self.c.events_per_file)]
        path = os.path.join(self.folder, f"events-{first}.ndjson")
        workload.write_file(path, events)
        self.model.send(events)
        self.c.witness.events += len(events)
        self.c.witness.files += 1
        may_be_finished = False
        while True:
            if time.monotonic() > self.c.deadline + self.c.patience:
                raise outside.Hang(f"{path} is not finished after {self.kills} kills; the last: {self.log[-3:]}")
            if self.kills < self.c.kills_per_round and self.c.witness.kills < self.c.kills_wanted:
                ended = self._strike_once(path, len(events))
            else:
                ended = self._to_the_end(self.c.plain.start(*run_of(self.pipeline, path, self.data)))
            self._note(ended)
            if ended.code == 2 and not self.c.witness.kills:
                raise Misused(str(ended))
            if may_be_finished and self._read_again(events):
                self.c.witness.again += 1
                may_be_finished = False
            if ended.code == 0:
                break
            if not self._by_our_hand(ended):
                raise Finding([str(ended)], "a run ended by itself")
            # Behind the printed summary the file may or may not be marked as finished; before it, it is not.
            may_be_finished = may_be_finished or bool(ended.out.strip())
            self._look(whole=self.c.random.random() < 0.15, running_file=events)
        self.striker.strike_at_rest()
        self._look(whole=False, running_file=None)
        os.remove(path)

    def _strike_once(self, path, count):
        """Starts the product and ends it at a fail point, or when it has written so many bytes."""
        args = run_of(self.pipeline, path, self.data)
        left = self._left(count)
        # Each third strike has to come in the middle of a file, where the opening and most fail points are not.
        early = self.c.witness.middle * 3 <= self.c.witness.kills
        if early and not left:
            self.log.append("to the end")
            return self._to_the_end(self.c.plain.start(*args))
        point = None if early else self.c.next_point()
        if point:
            # Deep in the run if it gets that far; a point that was missed is tried at its first pass.
            first_try = point in self.c.open_points and point not in self.c.tried_points
            self.c.tried_points.add(point)
            passes = 2 ** self.c.random.randrange(0, 4) if first_try or point not in self.c.open_points else 1
            process = self.c.faults_binary.start(*args, env={"WEIR_FAIL_POINT": f"{point}:{passes}"})
            kills = self.kills
            ended = self._to_the_end(process)
            if self.kills != kills:
                return ended
            if ended.code == -9:
                self.c.witness.points[point] = self.c.witness.points.get(point, 0) + 1
                self._killed()
            if self.c.open_points and point == self.c.open_points[0]:
                self.c.open_points.pop(0)
                if ended.code != -9:
                    self.c.open_points.append(point)
            self.log.append(f"{point}:{passes} -> {ended.code}")
            return ended
        process = self.c.plain.start(*args)
        target = self._target(left * os.path.getsize(path), early)
        written = self._until_written(process, target)
        if written is not None and self.striker.strike(process):
            ended = process.finish(self.c.patience)
            self._killed()
            self.log.append(f"{self.striker.name} at {written} bytes written (from {target} on) -> {ended.code}")
            self.striker.recover()
            return ended
        self.c.witness.late += 1
        return process.finish(self.c.patience)

    def _until_written(self, process, target, **poll):
        return process.until_written(target, self.c.patience, STALL_SECONDS if self.c.strikes_stalled else None, **poll)

    def _to_the_end(self, process):
        """The end of a run nobody strikes; only one that is stalled by a defect."""
        if self.c.strikes_stalled and self._until_written(process, math.inf, poll=0.02) is not None and process.kill():
            self._killed()
            self.log.append("stalled and killed")
        return process.finish(self.c.patience)

    def _left(self, count):
        """The part of the file not accepted yet, 0 to 1."""
        before = len(self.model.homes) - count
        return 1 - max(0, self.accepted - before) / count

    def _target(self, bytes_left, early):
        """Bytes written when the strike shall come: sometimes in the opening, else anywhere in what is left to be done,
        rather early, so that the next strike finds something left too.
        """
        chance = self.c.random.random()
        if early:
            return OPENING_BYTES + int(chance * bytes_left)
        if self.c.random.random() < self.c.points_share / 4:
            return int(chance * OPENING_BYTES)
        return OPENING_BYTES + int(chance**1.5 * WORK_BYTES_PER_INPUT_BYTE * max(bytes_left, OPENING_BYTES))

    def _killed(self):
        self.kills += 1
        self.c.witness.kills += 1

    def _by_our_hand(self, ended):
        # After a power cut the process may see its own input/output errors before the kill comes.
        return ended.code == -9 or (self.striker.durable_only and self.log and "power cut" in self.log[-1])

    def _note(self, ended):
        if self.c.verbose:
            print(f"  {self.log[-1] if self.log else ''} | {ended.code} {ended.seconds:.3f} s")

    def _read_again(self, events):
        """After a kill behind the summary: more accepted than sent means that the finished file was read once more."""
        if sum(row["accepted"] for row in self._ledger()["partitions"]) > len(self.model.homes):
            self.model.send(events)
            return True
        return False

    def _ledger(self):
        if not os.path.exists(self.data):
            zero = dict.fromkeys(compare.COUNTS, 0)
            return {
                "balanced": True,
                "total": zero,
                "partitions": [dict(zero, partition=p) for p in range(models.PARTITIONS)],
            }
        return self.c.plain.ledger(self.data, codes=(0, 1))

    def _look(self, whole, running_file):
        """Compares what lies still. `running_file`: the events of a file not yet finished; else all must be decided."""
        where = f"round {self.c.witness.rounds}, after " + ("; ".join(self.log[-3:]) or "no kill")
        if not self._opened():
            if running_file is None and self.model.homes:
                raise Finding(["a run had ended well, and nothing of it is left"], where)
            return
        try:
            ledger = self._ledger()
            findings = self._positions(ledger, running_file)
            if findings:
                raise Finding(findings, where)
            accepted = [row["accepted"] for row in sorted(ledger["partitions"], key=lambda row: row["partition"])]
            self.model.decide_until(self.committed)
            if whole:
                findings = picture.compare_picture(
                    self.model, accepted, picture.Picture.take(self.c.plain, self.data, ledger)
                )
                self._biographies(findings)
                self.c.witness.pictures += 1
            else:
                picture.compare_ledger(self.model, ledger, accepted, findings)
        except (outside.Broken, ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise Finding([f"{type(wrong).__name__}: {wrong}"], where) from None
        if findings:
            raise Finding(findings, where)

    def _biographies(self, findings):
        """`weir where` knows what was decided and nothing else."""
        decided = [id for part in self.model.partitions for id in part.entries]
        for event_id in self.c.random.sample(decided, min(3, len(decided))):
            ended = self.c.plain.call("where", event_id, "--data", self.data)
            if ended.code != 0:
                findings.add(f"the biography of {event_id!r}: {ended}")
        ended = self.c.plain.call("where", "never-sent", "--data", self.data)
        if ended.code != 1:
            findings.add(f"the biography of an id never sent: {ended}")

    def _opened(self):
        """False when a first start was killed before there was anything: then there is nothing to be asked."""
        if self.committed != [0] * models.PARTITIONS or self.accepted:
            return True
        if not os.path.isdir(self.data):
            return False
        ended = self.c.plain.call("ledger", "--data", self.data, "--output", "json")
        # A directory without its identity is refused with a message; after anything was accepted it never may be.
        return ended.code in (0, 1) or ended.code not in (2, 3, 4, 5)

    def _positions(self, ledger, running_file):
        """The file's prefix, the committed positions and their direction."""
        findings = compare.Findings()
        parts = sorted(ledger["partitions"], key=lambda row: row["partition"])
        accepted = [row["accepted"] for row in parts]
        committed = [row["accepted"] - row["in_flight"] for row in parts]
        total, sent = sum(accepted), len(self.model.homes)
        if total > sent:
            findings.add(f"{total} events were accepted, {sent} were sent")
            return findings
        if accepted != self.model.sent_until(total):
            findings.add(
                f"accepted {accepted} is no prefix of what was sent: that would be {self.model.sent_until(total)}"
            )
        if total < self.accepted:
            findings.add(f"accepted went back from {self.accepted} to {total}")
        for p, (now, before) in enumerate(zip(committed, self.committed)):
            if not before <= now <= accepted[p]:
                findings.add(f"partition {p}: committed position {now}, before {before}, accepted {accepted[p]}")
        if running_file is None and (total != sent or sum(committed) != sent):
            findings.add(f"after the end {total} of {sent} are accepted and {sum(committed)} decided")
        if running_file is not None and self.kills:
            self.c.witness.middle += sent - len(running_file) < total < sent
            self.c.witness.in_flight += total > sum(committed)
        self.accepted, self.committed = total, committed
        return findings
