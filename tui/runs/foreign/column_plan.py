"""Decide what each column of a log is, from how it behaves together with its name; pure."""

from dataclasses import dataclass

from tui.runs.foreign import names_of_roles as roles
from tui.runs.foreign import times
from tui.runs.foreign.column_behaviour import MAX_LABELS, Behaviour, Numbers
from tui.runs.foreign.names import ours
from tui.runs.foreign.times import TimeKind
from tui.runs.foreign.values import Commas

_FEW = 0.2
"""A column that fewer of the records have, as a share of those that have the most frequent
candidate, is no step: a line of settings may hold a `batch` too."""


@dataclass(frozen=True)
class Plan:
    """The meaning of the columns of a log."""

    step: str | None = None
    """The column of the step; None if records are counted."""
    epoch: str | None = None
    """The column of whole epochs, in each of which steps may begin anew."""
    scale: int = 1
    """What the step column is multiplied with, so that fractions of epochs become whole steps."""
    by_epoch: bool = False
    """Whether the step is an epoch."""
    time: str | None = None
    time_kind: TimeKind = "elapsed"
    day_first: bool = False
    phase: str | None = None
    """The column that says train, val or test."""
    labels: tuple[str, ...] = ()
    """The columns that tell runs apart."""
    metric: str | None = None
    """The column with names of metrics, whose values are in the column `value`."""
    value: str | None = None
    commas: Commas = ""

    @property
    def roles(self) -> frozenset[str]:
        """The columns that are no metrics."""
        found = (self.step, self.time, self.phase, self.metric, *self.labels)
        return frozenset(name for name in found if name is not None) | roles.NO_METRIC


def choose(seen: Behaviour, telling: tuple[str, ...], given: str | None, commas: Commas) -> Plan:
    """The plan for what was seen of a log.

    `telling` are the columns whose values explain why steps occur again; `given` is the step column
    that a person named.
    """
    epochs = [name for name in seen.numbers if roles.is_epoch(name) and _usable(seen.numbers[name])]
    epoch = max(epochs, key=lambda name: seen.order[name], default=None)
    step = given if given in seen.numbers else _step(seen, epoch)
    metric, value = _melted(seen)
    phase = _phase(seen, telling)
    by_epoch = step is not None and step == epoch
    whole = epoch is not None and not seen.numbers[epoch].fractions
    scale = 10 ** seen.numbers[step].decimals if step in seen.numbers else 1
    time, kind, day_first = _time(seen)
    return Plan(
        step=step,
        epoch=epoch if whole and not by_epoch else None,
        scale=scale,
        by_epoch=by_epoch,
        time=time,
        time_kind=kind,
        day_first=day_first,
        phase=phase,
        labels=tuple(name for name in telling if name not in (phase, metric, step, epoch)),
        metric=metric,
        value=value,
        commas=commas,
    )


def _usable(numbers: Numbers) -> bool:
    return numbers.steps + numbers.fractions > 0.5 * numbers.count


def _step(seen: Behaviour, epoch: str | None) -> str | None:
    """The column of the step: the best name among those that behave like one."""
    found = {
        name: numbers
        for name, numbers in seen.numbers.items()
        if not roles.is_epoch(name)
        and roles.step_rank(name) is not None
        and numbers.steps > 0.5 * numbers.count
    }
    if epoch is not None:
        found[epoch] = seen.numbers[epoch]
    most = max((numbers.count for numbers in found.values()), default=0)
    anything_varies = any(numbers.varies for numbers in found.values())
    good = {
        name: numbers
        for name, numbers in found.items()
        if numbers.count >= _FEW * most
        and (name == epoch or numbers.fractions * 10 <= numbers.steps)
        and (numbers.varies or not anything_varies)
        and not (numbers.count == 1 and name == "batch" and most == 1 and len(found) > 1)
    }
    if good:
        return min(good, key=lambda name: _rank(name, good[name]))
    return _nameless(seen)


def _rank(name: str, numbers: Numbers) -> tuple[bool, int]:
    rank = roles.step_rank(name)
    mostly_falls = numbers.falls > numbers.rises and numbers.falls > 2
    return mostly_falls, len(roles.STEPS) * 3 if rank is None else rank


def _nameless(seen: Behaviour) -> str | None:
    """The first column of a table, if it counts and is not named after anything else."""
    first = next(iter(seen.order), None)
    if not seen.in_table or first is None or first not in seen.numbers:
        return None
    numbers = seen.numbers[first]
    counts = numbers.steps == numbers.count >= 3 and numbers.rises == numbers.count - 1
    named = first.lower() in roles.TELLS_APART or roles.time_rank(first) is not None
    named = named or ours(first) != first
    return first if counts and not named else None


def _time(seen: Behaviour) -> tuple[str | None, TimeKind, bool]:
    """The column of the time, what it counts, and whether its dates begin with the day."""
    for name in sorted(seen.times, key=lambda name: roles.time_rank(name) or 0):
        key = (name, len(seen.times[name]))
        if key not in seen.known_times:
            seen.known_times[key] = times.form_of(name, seen.times[name])
        found: tuple[TimeKind, bool] | None = seen.known_times[key]
        if found is not None and found[0] != "duration":
            return name, *found
    return None, "elapsed", False


def _phase(seen: Behaviour, telling: tuple[str, ...]) -> str | None:
    """The column whose values are words for training, validation and test."""
    for name, labels in seen.labels.items():
        known = sum(count for label, count in labels.items() if label.lower() in roles.SPLITS)
        named = roles.words(name)[-1:] and roles.words(name)[-1] in roles.PHASES
        if known == sum(labels.values()) or (known and (named or name in telling)):
            return name
    return None


def _melted(seen: Behaviour) -> tuple[str | None, str | None]:
    """The columns with the names and with the values of metrics, if a table is of that form."""
    names = {name.strip().lower(): name for name in seen.order}
    metric = next((names[each] for each in roles.METRIC_NAMES if each in names), None)
    value = next((names[each] for each in roles.VALUE_NAMES if each in names), None)
    if metric is None or value is None or 2 * seen.texts.get(metric, 0) <= seen.order[metric]:
        return None, None
    return metric, value


def may_tell_apart(seen: Behaviour) -> list[str]:
    """The columns whose values occur again and again, so that they may tell runs apart."""
    return [
        name
        for name, labels in seen.labels.items()
        if 2 <= len(labels) <= MAX_LABELS and sum(labels.values()) >= 2 * len(labels)
    ]
