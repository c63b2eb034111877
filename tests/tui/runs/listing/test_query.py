"""Filters for runs: what they find, what they refuse, and that any text is one or the other."""

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presets import UserError
from tui.runs.listing import query
from tui.runs.listing.query import Comparison, Query, Word


@dataclass
class Facts:
    text: str = ""
    known: dict[str, list[Any]] = field(default_factory=dict)

    def values(self, key: str) -> list[Any]:
        return self.known.get(key, [])


RUN = Facts(
    text="adam lr=0.001 on digits",
    known={
        "optimizer.name": ["adam"],
        "lr": [1e-3],
        "val/accuracy": [0.975],
        "tag": ["best", "paper"],
        "model.hidden": [[256, 128]],
        "batch_norm": [True],
        "loss": [math.nan],
        "target": [None],
    },
)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("optimizer.name=adam lr>=1e-3 val/accuracy>0.97", True),
        ("optimizer.name=adam lr>1e-3", False),
        ("lr = 0.001", True),
        ("lr==0.001", True),
        ("lr!=0.001", False),
        ("optimizer.name=ADAM", True),
        ("optimizer.name~ada", True),
        ("optimizer.name~sgd", False),
        ("DIGITS adam", True),
        ("digits sgd", False),
        ('"on digits"', True),
        ("tag=paper", True),
        ("tag!=paper", False),
        ("model.hidden=256-128", True),
        ("batch_norm=true", True),
        ("batch_norm>=0", False),
        ("loss<9", False),
        ("loss=nan", True),
        ("unknown=1", False),
        ("unknown>=1", False),
        ("unknown!=1", True),
        ("target=none", True),
    ],
)
def test_what_a_filter_finds(text: str, matches: bool) -> None:
    assert query.parse(text).matches(RUN) is matches


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr>=fast", "expected a number after lr>=, got 'fast'"),
        ("lr>=", "expected a value after lr>="),
        (">=3", "expected a key or a word before '>=3'"),
        ('adam "open', "expected a key or a word before"),
    ],
)
def test_what_it_refuses(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        query.parse(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_one_line(text: str) -> None:
    found, said = None, "filter: "
    try:
        found = query.parse(text)
    except UserError as error:
        said = str(error)
    assert said.startswith("filter: ")
    assert len(said.splitlines()) == 1
    if found is not None:
        assert found.matches(RUN) in (True, False)
        assert query.parse(str(found)) == found


KEYS = st.from_regex(r"[a-z][a-z_./]{0,12}", fullmatch=True)
VALUES = st.from_regex(r"[A-Za-z0-9 .:/+-]{0,12}", fullmatch=True).filter(lambda v: v.strip() == v)


@given(
    st.lists(
        st.builds(Comparison, KEYS, st.sampled_from(["=", "!=", "~"]), VALUES)
        | st.builds(Comparison, KEYS, st.sampled_from([">=", "<", ">"]), st.floats().map(repr))
        | st.builds(Word, st.from_regex(r"[a-z0-9 ]{1,12}", fullmatch=True)),
        max_size=5,
    ).map(tuple)
)
def test_a_filter_is_written_as_it_is_read(terms: tuple[Word | Comparison, ...]) -> None:
    assert query.parse(str(Query(terms))) == Query(terms)


@given(st.floats(), st.floats(), st.sampled_from(["<", "<=", ">", ">="]))
def test_numbers_are_ordered_as_in_python(have: float, want: float, op: str) -> None:
    run = Facts(known={"x": [have]})
    expected = {"<": have < want, "<=": have <= want, ">": have > want, ">=": have >= want}[op]
    assert query.parse(f"x{op}{want!r}").matches(run) is expected
