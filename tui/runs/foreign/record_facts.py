"""What the records of a piece are under a plan: their steps, epochs, groups and kinds."""

import math
from typing import NamedTuple

import numpy as np

from tui.runs.foreign import names_of_roles as roles
from tui.runs.foreign.column_behaviour import MAX_STEP, Behaviour, label_of
from tui.runs.foreign.column_plan import Plan
from tui.runs.foreign.record_columns import Piece

MAX_SHAPES = 64
"""Maximum number of kinds of records; beyond that, all count as one kind."""
Labels = tuple[str, ...]
Group = tuple[Labels, str]
"""The labels that tell a run apart, and the phase."""
Shape = frozenset[str]
"""The columns of a kind of record."""


ONLY: Group = ((), "")
"""The group of all records where nothing tells them apart."""
ALL: Shape = frozenset()


class Facts(NamedTuple):
    """What the records of a piece are, by number; None where it is the same for all of them."""

    steps: list[float | None]
    epochs: list[float | None] | None
    groups: list[Group] | None
    shapes: list[Shape] | None
    bad: frozenset[int] = frozenset()
    """The records whose step is no step."""


class Sorter:
    """A reader of the facts of pieces under one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._shapes: dict[Shape, Shape] = {}

    def facts(self, piece: Piece, seen: Behaviour) -> Facts:
        """The facts of a piece."""
        kept = piece.kept
        if kept is None or kept[0] is not self:
            piece.kept = kept = (self, self._find(piece, seen))
        facts: Facts = kept[1]
        return facts

    def _find(self, piece: Piece, seen: Behaviour) -> Facts:
        plan = self.plan
        steps: list[float | None] = [None] * piece.length
        bad: frozenset[int] = frozenset()
        if plan.step in piece.columns:
            assert plan.step is not None
            steps = _by_record(piece, plan.step, seen.counts(piece, plan.step), math.nan)
            if plan.scale > 1:
                steps = [None if s is None else round(s * plan.scale, 3) // 1 for s in steps]
            bad = _refuse(steps)
        epochs = None
        if plan.epoch in piece.columns:
            assert plan.epoch is not None
            epochs = _by_record(piece, plan.epoch, seen.counts(piece, plan.epoch))
        return Facts(steps, epochs, self._groups(piece), self._kinds(piece), bad)

    def _groups(self, piece: Piece) -> list[Group] | None:
        plan = self.plan
        if plan.phase is None and not plan.labels:
            return None
        labels = [labels_of(piece, name) for name in plan.labels]
        phases = labels_of(piece, plan.phase) if plan.phase else [""] * piece.length
        known: dict[tuple[str, ...], Group] = {}
        found = []
        for row in zip(phases, *labels, strict=True):
            group = known.get(row)
            if group is None:
                group = known[row] = (row[1:], roles.SPLITS.get(row[0].lower(), row[0]))
            found.append(group)
        return found

    def _kinds(self, piece: Piece) -> list[Shape] | None:
        masks = piece.shapes()
        names = list(piece.columns)
        if masks is not None and len(set(masks)) > MAX_SHAPES:
            return [ALL] * piece.length
        if masks is None:
            return [self._kind(frozenset(names))] * piece.length if self._shapes else None
        known: dict[int, Shape] = {}
        for mask in set(masks):
            there = frozenset(name for place, name in enumerate(names) if mask >> place & 1)
            known[mask] = self._kind(there)
        return [known[mask] for mask in masks]

    def _kind(self, names: Shape) -> Shape:
        if names not in self._shapes and len(self._shapes) >= MAX_SHAPES:
            return frozenset()
        return self._shapes.setdefault(names, names)


def _refuse(steps: list[float | None]) -> frozenset[int]:
    """The numbers of the records whose step is no step; in the list, None takes its place."""
    if None not in steps:
        array = np.asarray(steps, dtype=np.float64)
        if ((array >= 0) & (array <= MAX_STEP)).all():
            return frozenset()
    bad = {row for row, s in enumerate(steps) if s is not None and not 0 <= s <= MAX_STEP}
    for row in bad:
        steps[row] = None
    return frozenset(bad)


def _by_record(
    piece: Piece, name: str, cells: list[float | None], other: float | None = None
) -> list[float | None]:
    """The cells of a column by record; `other` for those that are no numbers."""
    rows = piece.columns[name].rows
    if other is not None and None in cells:
        cells = [other if cell is None else cell for cell in cells]
    if rows is None:
        return list(cells)
    found: list[float | None] = [None] * piece.length
    for row, cell in zip(rows, cells, strict=True):
        found[row] = cell
    return found


def labels_of(piece: Piece, name: str) -> list[str]:
    """The label of each record in a column; "" where it has none."""
    found = [""] * piece.length
    if name in piece.columns:
        cells = piece.columns[name].cells
        for row, cell in zip(piece.rows(name), cells, strict=True):
            found[row] = label_of(cell)
    return found
