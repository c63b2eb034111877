"""Interpret the records of a log: decide what its columns are, and report points of metrics.

The decisions follow from all records that were read. Where later records change them, the log is
read again from its beginning, so that what is shown depends on what the log says and not on when it
was read.
"""

from collections.abc import Sequence
from itertools import compress
from typing import Any

from tui.runs.foreign import column_plan as plans
from tui.runs.foreign import names_of_roles as roles
from tui.runs.foreign import steps_on_one_axis as axes
from tui.runs.foreign import times
from tui.runs.foreign.column_behaviour import Behaviour
from tui.runs.foreign.column_plan import Plan
from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.record_columns import Piece
from tui.runs.foreign.record_facts import ALL, ONLY, Facts, Group, Shape, Sorter, labels_of
from tui.runs.foreign.step_streams import Stream, Streams
from tui.runs.foreign.steps_on_one_axis import Axis, Rules
from tui.runs.foreign.tensorboard_tags import ReadAgain, Tags
from tui.runs.foreign.values import CommaEvidence
from tui.text import clean

MAX_READINGS = 12
"""Maximum number of times that one log is read from its beginning."""


class Interpreter:
    """An interpreter of the records of one log, also over several readings."""

    def __init__(self, given_step: str | None = None) -> None:
        """`given_step` is the step column that a person named."""
        self._given = given_step
        self._plan, self._rules = Plan(), Rules()
        self._readings = 1
        self._trusted = 0
        """Number of records from which the plan was made, which a new reading keeps so far."""
        self.tags = Tags()
        """The same for logs that say metric, step and time of each value."""
        self.in_table = False
        self.unnamed: set[str] = set()
        """The columns of a table without names of their own."""
        self.points_seen = False
        """Whether numbers have decimal points."""
        self.begin_again()

    @property
    def plan(self) -> Plan:
        """What the columns are taken for."""
        return self._plan

    def begin_again(self) -> None:
        """Expect the first record next."""
        self.refused = 0
        """Number of records that were left out, since their step is no step."""
        self.commas = CommaEvidence()
        self._seen = Behaviour(in_table=self.in_table, given=self._given)
        self._sorter, self._streams = Sorter(self._plan), Streams()
        self._axis = Axis(self._rules)
        self._told = False
        self._opening: frozenset[str] | None = None
        self._day = 0.0
        self._last_moment = 0.0

    def forget(self) -> None:
        """Forget everything, since another log stands in its place."""
        self._plan, self._rules, self._trusted, self._readings = Plan(), Rules(), 0, 1
        self.begin_again()

    @property
    def step(self) -> int:
        """The newest position on the axis."""
        return self._axis.newest

    def take(self, pieces: Sequence[Piece], builder: EventBuilder) -> None:
        """Report the points of some pieces. Raises ReadAgain."""
        pieces = [piece for piece in pieces if piece.length]
        if not pieces:
            return
        self._seen.in_table = self.in_table
        for piece in pieces:
            piece.commas = self._plan.commas
        self._learn(pieces)
        facts = [self._sorter.facts(piece, self._seen) for piece in pieces]
        for piece, each in zip(pieces, facts, strict=True):
            if each.bad:
                self.refused += len(each.bad)
                piece = piece.without(each.bad)  # noqa: PLW2901  # the rest of it
                each = self._sorter.facts(piece, self._seen)  # noqa: PLW2901
            if piece.length:
                self._report(piece, each, builder)
        self._say(builder)

    def _learn(self, pieces: Sequence[Piece]) -> None:
        """Take in what the pieces show, and make a new plan if they change it."""
        commas = self.commas.decide(points=self.points_seen)
        for piece in pieces:
            if not self._told and self._seen.records >= self._trusted:
                piece.commas = commas
            self._seen.add(piece)
        if self._seen.records <= self._trusted or self._readings >= MAX_READINGS:
            self._add_streams(pieces)
            return
        plan = plans.choose(self._seen, (), self._given, commas)
        if not self._told:
            plan = self._settle(plan, pieces)
        else:
            self._add_streams(pieces)
            plan = plans.choose(self._seen, self._streams.telling(), self._given, commas)
        rules = self._new_rules(plan)
        if self._told and (plan != self._plan or rules != self._rules):
            self._plan, self._rules = plan, rules
            self._trusted = self._seen.records
            self._readings += 1
            self.begin_again()
            raise ReadAgain("its records are understood otherwise now")
        self._plan, self._rules = plan, rules
        if not self._told:
            self._axis = Axis(rules)

    def _settle(self, plan: Plan, pieces: Sequence[Piece]) -> Plan:
        """The plan for the first pieces, with the columns that tell runs apart."""
        for _ in range(2):
            self._sorter, self._streams = Sorter(plan), Streams()
            for piece in pieces:
                piece.commas = plan.commas
            self._add_streams(pieces)
            better = plans.choose(self._seen, self._streams.telling(), self._given, plan.commas)
            if better == plan:
                break
            plan = better
        return plan

    def _add_streams(self, pieces: Sequence[Piece]) -> None:
        candidates = plans.may_tell_apart(self._seen)
        used = self._sorter.plan
        left = [
            name
            for name in candidates
            if name not in (used.phase, used.metric, used.step, used.epoch, used.time)
        ]
        for piece in pieces:
            facts = self._sorter.facts(piece, self._seen)
            self._streams.add(facts)
            if left and used.step is not None:
                self._streams.add_candidates(left, piece, facts)

    def _new_rules(self, plan: Plan) -> Rules:
        return axes.rules_of(
            self._streams, counted=plan.step is None, epochs=plan.epoch is not None
        )

    def _report(self, piece: Piece, facts: Facts, builder: EventBuilder) -> None:
        """Report the points of one piece."""
        first = self._settings(piece, facts, builder) if not self._told else 0
        self._told = True
        if piece.begins:
            self._axis.mark()
            step = self._axis.restart_of(facts)
            if step is not None and builder.go_back(step):
                self._axis.forget_after(step)
        positions = self._axis.positions(facts)
        moments = self._moments(piece)
        seconds = builder.all_seconds(moments or [None] * piece.length)
        if self._seen.numbers.get(self._plan.step or "") and self._plan.by_epoch:
            builder.begin(steps_per_epoch=self._plan.scale)
        for name in piece.columns:
            if name not in self._plan.roles and not self._only_counts(name):
                self._report_column(piece, facts, name, (first, positions, seconds), builder)

    def _report_column(
        self,
        piece: Piece,
        facts: Facts,
        name: str,
        places: tuple[int, list[int], list[float]],
        builder: EventBuilder,
    ) -> None:
        first, positions, seconds = places
        rows, values = piece.columns[name].rows, piece.numbers(name)
        if rows is None and not first:
            steps, when = positions, seconds
            rows = range(piece.length)
        else:
            rows = range(piece.length) if rows is None else rows
            if first:
                values = [value for row, value in zip(rows, values, strict=True) if row >= first]
                rows = [row for row in rows if row >= first]
            steps, when = [positions[row] for row in rows], [seconds[row] for row in rows]
        if None in values:
            known = [value is not None for value in values]
            rows, values = list(compress(rows, known)), list(compress(values, known))
            steps, when = list(compress(steps, known)), list(compress(when, known))
        if not values:
            return
        numbers: list[float] = values  # type: ignore[assignment]  # None is not in them
        if not self._varied(facts):
            builder.column(name, steps, when, numbers)
            return
        parts: dict[str, tuple[list[int], list[float], list[float]]] = {}
        namer = self._namer(piece, facts, name)
        for row, step, moment, number in zip(rows, steps, when, numbers, strict=True):
            part = parts.setdefault(namer(row), ([], [], []))
            part[0].append(step)
            part[1].append(moment)
            part[2].append(number)
        for key, part in parts.items():
            builder.column(key, *part)

    def _only_counts(self, name: str) -> bool:
        """Whether a column without a name, such as pandas' index, only counts the rows."""
        counts = self._seen.numbers.get(name)
        if name not in self.unnamed or counts is None:
            return False
        return counts.steps == counts.count and counts.rises == counts.count - 1

    def _varied(self, facts: Facts) -> bool:
        """Whether records of several groups may have the same columns."""
        return facts.groups is not None or bool(self._axis.placed) or self._plan.metric is not None

    def _namer(self, piece: Piece, facts: Facts, name: str) -> Any:
        """A function from a record's number to the name that a metric has in it."""
        plan = self._plan
        melted = labels_of(piece, plan.metric) if plan.metric is not None else None
        known: dict[tuple[Group, Shape, str], str] = {}

        def of(row: int) -> str:
            group = ONLY if facts.groups is None else facts.groups[row]
            shape = ALL if facts.shapes is None else facts.shapes[row]
            metric = "" if melted is None else melted[row]
            key = (group, shape, metric)
            found = known.get(key)
            if found is None:
                found = known[key] = self._name(name, *key)
            return found

        return of

    def _name(self, name: str, group: Group, shape: Shape, metric: str) -> str:
        labels, phase = group
        if metric:
            name = metric if name == self._plan.value else f"{metric}/{name}"
        if phase and not set(roles.words(name)) & roles.SPLITS.keys():
            name = f"{phase}/{name}"
        elif not phase and (beside := self._beside(name, Stream(group, shape))):
            name = f"{name} (beside {beside})"
        if labels:
            told = zip(self._plan.labels, labels, strict=True)
            name += f" ({', '.join(f'{column} {label}' for column, label in told)})"
        return name

    def _beside(self, name: str, stream: Stream) -> str:
        """What tells the records of a stream that counts for itself from those of the main one, if
        both have this metric."""
        if stream not in self._axis.placed:
            return ""
        leaders = [
            each.shape
            for each in self._streams.streams
            if each.group == self._axis.placed[stream] and each not in self._axis.placed
        ]
        if not any(name in shape for shape in leaders):
            return ""
        own = (key for key in self._seen.order if key in stream.shape)
        return next((key for key in own if not any(key in shape for shape in leaders)), "")

    def _settings(self, piece: Piece, facts: Facts, builder: EventBuilder) -> int:
        """Take the records before the first step for settings; returns their number.

        Only if their fields do not occur again: else they are points.
        """
        if self.in_table or self._plan.step is None:
            return 0
        first = next((row for row, step in enumerate(facts.steps) if step is not None), 0)
        if not first or first > 3:
            return 0
        config: dict[str, Any] = {}
        for name, (_, cells) in piece.columns.items():
            there = [number for number, row in enumerate(piece.rows(name)) if row < first]
            if there and self._seen.order[name] > len(there) and name not in self._plan.roles:
                return 0
            if there:
                config[name] = cells[there[-1]]
        builder.begin(config)
        builder.say("info", "what stands before the first step is taken for settings")
        return first

    def _moments(self, piece: Piece) -> list[float | None] | None:
        """The time of each record; None if no column has times."""
        plan = self._plan
        if plan.time not in piece.columns:
            return None
        assert plan.time is not None
        rows, cells = piece.columns[plan.time]
        numbers = piece.numbers(plan.time)
        found = times.moments(cells, numbers, day_first=plan.day_first)
        if plan.time_kind == "day":
            found = [None if moment is None else self._since(moment) for moment in found]
        if rows is None:
            return found
        by_record: list[float | None] = [None] * piece.length
        for row, moment in zip(rows, found, strict=True):
            by_record[row] = moment
        return by_record

    def _since(self, of_day: float) -> float:
        """Seconds since the first time of day, past midnight too."""
        if not self._last_moment:
            self._day = -of_day
        while self._day + of_day < self._last_moment - 43200:
            self._day += 86400
        self._last_moment = max(self._last_moment, self._day + of_day, 1e-9)
        return self._day + of_day

    def _say(self, builder: EventBuilder) -> None:
        """Say what was decided, and what is left out."""
        plan = self._plan
        what = "column" if self.in_table else "field"
        if plan.step is None:
            where = f"no {what} of steps: {'rows' if self.in_table else 'records'} are counted"
        else:
            where = f"the step is the {what} {plan.step}"
            if plan.step == self._given:
                where += ", as it was asked for"
            if plan.scale > 1:
                where += f", whose fractions are counted: {plan.scale:,} steps to 1"
        when = f", the time the {what} {plan.time}" if plan.time else "; without times"
        builder.say("info", clean(where + when))
        self._say_more(builder, what)

    def _say_more(self, builder: EventBuilder, what: str) -> None:
        plan, seen = self._plan, self._seen
        if self._given is not None and self._given not in seen.order:
            builder.say("warning", clean(f"there is no {what} {self._given} to take as the step"))
        if plan.phase is not None:
            builder.say("info", clean(f"the {what} {plan.phase} tells training from validation"))
        if plan.labels:
            told = " and ".join(plan.labels)
            builder.say("info", clean(f"the {what} {told} tells runs apart: each has its metrics"))
        if plan.metric is not None:
            builder.say("info", clean(f"the {what} {plan.metric} has the names of the metrics"))
        if plan.commas:
            means = "decimal points" if plan.commas == "decimal" else "thousands"
            builder.say("info", f"commas in numbers are read as {means}")
        elif self.commas.unsure:
            builder.say("warning", "1,000 in this log may be 1000 or 1.000: it is read as 1000")
        for message in sorted(self._axis.said):
            builder.say("info" if message != axes.FELL else "warning", message)
        texts = [name for name in seen.texts if name not in plan.roles]
        whole = [name for name in texts if seen.texts[name] == seen.order[name]]
        for name in texts:
            if name in whole:
                builder.say("info", clean(f"the {what} {name} holds no numbers: it is left out"))
            else:
                builder.say(
                    "warning", clean(f"some cells of the {what} {name} are no numbers: left out")
                )
