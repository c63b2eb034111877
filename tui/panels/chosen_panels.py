"""Which panels a person has chosen for the first page, in which order and how wide; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as _replaced
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from tui.panels.panel_grid import COLUMNS

SPANS = (3, 4, 6, 8, COLUMNS)
"""The widths to choose from, in columns: a quarter, a third, half, two thirds, all."""
METRIC = "metric:"
"""Prefix of the name of a panel that shows one metric; the metric's name follows."""
MAX_PANELS = 64


class Placed(Struct, frozen=True):
    """A panel on the page."""

    panel: Annotated[str, Meta(max_length=300)]
    span: Annotated[int, Meta(ge=1, le=COLUMNS)] = 6
    """How many of the twelve columns it takes."""


Arrangement = tuple[Placed, ...]


class Layout(Struct, frozen=True, kw_only=True):
    """The arrangements that a user chose; None where the app arranges the panels."""

    wide: Annotated[Arrangement, Meta(max_length=MAX_PANELS)] | None = None
    narrow: Annotated[Arrangement, Meta(max_length=MAX_PANELS)] | None = None
    """The arrangement for narrow terminals, on which less fits."""


WIDE: Arrangement = (
    Placed("loss"),
    Placed("accuracy"),
    Placed("gradients"),
    Placed("lr", 3),
    Placed("speed", 3),
    Placed("runs", 4),
    Placed("settings", 4),
    Placed("log", 4),
)
NARROW: Arrangement = (
    Placed("loss"),
    Placed("accuracy"),
    Placed("gradients"),
    Placed("runs"),
    Placed("settings"),
    Placed("log"),
)


def arrangement(layout: Layout, *, narrow: bool) -> Arrangement:
    """The panels that are shown on a terminal of this kind, each once."""
    chosen = layout.narrow if narrow else layout.wide
    if chosen is None:
        return NARROW if narrow else WIDE
    once: dict[str, Placed] = {}
    for placed in chosen:
        once.setdefault(placed.panel, placed)
    return tuple(once.values())


def with_arrangement(layout: Layout, chosen: Arrangement | None, *, narrow: bool) -> Layout:
    """The layout with another arrangement for this kind of terminal; None for the app's own."""
    return replace(layout, narrow=chosen) if narrow else replace(layout, wide=chosen)


def place(chosen: Sequence[Placed], panel: str) -> int | None:
    """The index of a panel; None if it is not on the page."""
    return next((at for at, placed in enumerate(chosen) if placed.panel == panel), None)


@dataclass(frozen=True)
class Listing:
    """All panels in a row, shown and hidden, as somebody arranges them."""

    order: tuple[str, ...]
    spans: Mapping[str, int]
    """The width of each panel; for a hidden one that which it had, or would have at first."""
    shown: frozenset[str]

    @property
    def arrangement(self) -> Arrangement:
        """The panels that are on the page."""
        return tuple(Placed(name, self.spans[name]) for name in self.order if name in self.shown)

    def toggled(self, panel: str) -> "Listing":
        """The listing with a panel hidden in its place, or shown; the last shown panel stays.

        What stands behind all shown panels becomes the last of them.
        """
        if panel in self.shown:
            return _replaced(self, shown=self.shown - {panel}) if len(self.shown) > 1 else self
        if len(self.shown) >= MAX_PANELS:
            return self
        last = max(self.order.index(name) for name in self.shown)
        order = self.order
        if order.index(panel) > last:
            rest = [name for name in order if name != panel]
            order = (*rest[: last + 1], panel, *rest[last + 1 :])
        return _replaced(self, order=order, shown=self.shown | {panel})

    def moved(self, panel: str, by: int) -> "Listing":
        """The listing with a shown panel exchanged with the shown one before or after it."""
        shown = [name for name in self.order if name in self.shown]
        if panel not in shown or not 0 <= (at := shown.index(panel) + by) < len(shown):
            return self
        rest = [name for name in self.order if name != panel]
        rest.insert(rest.index(shown[at]) + (by > 0), panel)
        return _replaced(self, order=tuple(rest))

    def widened(self, panel: str) -> "Listing":
        """The listing with a shown panel in its next width; the narrowest follows the widest."""
        if panel not in self.shown:
            return self
        next_span = next((span for span in SPANS if span > self.spans[panel]), SPANS[0])
        return _replaced(self, spans={**self.spans, panel: next_span})


def listing(chosen: Arrangement, spans: Mapping[str, int]) -> Listing:
    """All panels, those on the page first; `spans` are the first widths of all that are known."""
    shown = {placed.panel: placed.span for placed in chosen}
    return Listing(tuple({**shown, **spans}), {**spans, **shown}, frozenset(shown))
