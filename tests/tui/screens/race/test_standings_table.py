"""Standings in words: how many times faster or slower, and no number that means the reverse."""

import math
from dataclasses import replace

import pytest

from engine.race import standings
from engine.race.results import RaceReader
from engine.race.statistics import Ratio
from tui.races import standings_table


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        ((2.0, 1.5, 2.5), "2x faster (1.5 to 2.5)"),
        ((0.5, 0.4, 0.8), "2x slower (1.25 to 2.5)"),
        ((0.667, 0.5, 1.25), "1.5x slower (2x slower to 1.25x faster)"),
        ((1.5, 0.5, 3.0), "1.5x faster (2x slower to 3x faster)"),
        ((1.0, 1.0, 1.0), "as fast (1 to 1)"),
        ((0.999, 0.8, 1.2), "as fast (1.25x slower to 1.2x faster)"),
        ((0.5, 0.0, 0.8), "2x slower (1.25 to DNF)"),
        ((0.5, 0.0, 1.25), "2x slower (DNF to 1.25x faster)"),
        ((0.0, 0.0, 0.0), "-"),
        ((math.inf, math.inf, math.inf), "-"),
    ],
)
def test_a_ratio_in_words(race, ratio, words) -> None:
    spec = race.spec()
    rows = standings.standings(RaceReader(race).read(spec)).rows
    row = next(row for row in rows if row.label != spec.reference_lane)
    value, low, high = ratio
    made = replace(row, speed_up=Ratio(value=value, low=low, high=high))
    assert standings_table._ratio(spec, made) == words
    reference = next(row for row in rows if row.label == spec.reference_lane)
    assert standings_table._ratio(spec, reference) == "reference"


def test_the_heading_says_against_which_lane(race) -> None:
    results = RaceReader(race).read(race.spec())
    head, rows = standings_table.of(results, standings.standings(results))
    assert "against adam" in head
    assert {len(row) for row in rows} == {len(head)}
