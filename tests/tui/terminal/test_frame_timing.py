"""When frames may be sent: never behind a queue of others, and for a key at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.terminal.frame_timing import Link, Pace


def answering(seconds: float = 0.2) -> Link:
    """The link to a terminal that has answered once."""
    link = Link()
    assert link.sent(100, 0.0)
    assert not link.answered(seconds)
    return link


def test_a_terminal_that_never_answers_is_sent_everything() -> None:
    link = Link()
    assert link.ready(0.0)
    assert link.sent(5000, 0.0)
    assert link.ready(0.1)
    assert not link.sent(5000, 0.1)  # one question at a time
    assert link.ready(0.2)
    assert not link.waits


def test_nothing_follows_until_the_answer_has_come() -> None:
    link = answering()
    assert link.ready(1.0)
    assert link.sent(1000, 1.0)
    assert link.waits
    assert not link.ready(1.1)
    assert not link.answered(1.2)
    assert link.ready(1.2)


def test_a_key_overtakes_but_a_little() -> None:
    link = answering()
    link.sent(1000, 1.0)
    assert link.ready(1.1, urgent=True)
    assert not link.sent(3500, 1.1)
    assert not link.ready(1.1, urgent=True)
    assert link.answered(1.3)  # what was sent since is asked for once more
    assert not link.ready(1.3)
    assert not link.answered(1.8)
    assert link.ready(3.0)


def test_a_busy_link_is_left_alone_as_long_as_it_was_busy() -> None:
    link = answering(0.2)
    link.sent(5000, 1.0)
    link.answered(1.7)  # half a second longer than the way takes
    assert not link.ready(2.1)
    assert link.ready(2.1, urgent=True)
    assert link.ready(2.21)


@pytest.mark.parametrize(
    ("slowest", "lost_after"), [(0.001, 0.1), (0.05, 0.2), (0.2, 0.8), (0.3, 1.0), (30.0, 1.0)]
)
def test_an_answer_that_is_lost_stops_nothing_for_long(slowest: float, lost_after: float) -> None:
    link = answering(slowest)
    link.sent(5000, 100.0)
    link.sent(5000, 100.01)  # so much that keys wait too
    before, after = 100.0 + 0.95 * lost_after, 100.0 + 1.05 * lost_after
    assert not link.ready(before)
    assert not link.ready(before, urgent=True)
    assert link.ready(after)
    assert link.ready(after, urgent=True)
    assert link.sent(100, after)  # and asks anew
    assert not link.answered(after + 0.01)
    assert link.ready(after + 2.0)


def test_the_answer_to_a_question_that_was_given_up_is_no_error() -> None:
    link = answering(0.2)
    link.sent(100, 1.0)
    assert link.sent(100, 2.0)
    assert not link.answered(2.3)  # to the first one or to the second
    assert not link.answered(2.6)
    assert link.sent(100, 3.0)
    assert not link.ready(3.1)


def test_an_answer_without_a_question_is_none() -> None:
    link = Link()
    assert not link.answered(1.0)
    assert not link.waits


@given(st.lists(st.tuples(st.floats(0.001, 0.3), st.integers(1, 4000)), max_size=60))
def test_what_is_on_its_way_is_bounded(frames: list[tuple[float, int]]) -> None:
    """On a link of 10 kB/s and 0.2 s both ways, drawn for at every chance, keys included."""
    link, now, free_at, answers = answering(), 1.0, 1.0, []
    for pause, size in frames:
        now += pause
        while answers and answers[0] <= now:
            at = answers.pop(0)
            if link.answered(at):
                answers.append(max(free_at, at) + 0.2)
        if link.ready(now, urgent=True):
            asked = link.sent(size, now)
            free_at = max(free_at, now) + size / 10_000
            if asked:
                answers.append(free_at + 0.2)
        assert free_at - now <= 2 * 4000 / 10_000 + 0.3 + 1e-9


def test_pictures_take_a_share_of_the_time() -> None:
    pace = Pace(0.05)
    assert pace.wait(0.0) == 0.0
    pace.drawn(0.02, 10.0)
    assert round(pace.wait(10.1), 6) == 0.3
    assert pace.wait(10.5) == 0.0
    pace.drawn(0.001, 20.0)
    assert 0 < pace.wait(20.0) < 0.11
    pace.drawn(9.0, 30.0)
    assert pace.wait(30.0) <= 2.0
