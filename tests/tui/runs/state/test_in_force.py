"""What is shown of clipping in force is what the engine has, however it came about."""

from pathlib import Path
from typing import get_args

import pytest

from engine.runs.events import CommandAnswered, RunStarted, decode, encode
from engine.runs.run_directory import RunDir
from presets.schema import Clip, ClipMode, plain
from tui.panels.main_settings import _rows
from tui.runs.state.clipping_in_force import clip_limit, clip_words
from tui.runs.state.store import RunState

MODES = get_args(ClipMode)


def started(clip: object) -> RunState:
    state = RunState(run=RunDir(Path("runs/a")))
    begun = RunStarted(
        config={"clip": clip, "optimizer": {"name": "adam"}},
        device="cpu",
        num_parameters=1,
        planned_steps=10,
        steps_per_epoch=5,
        samples={},
    )
    state.apply(decode(encode(begun)[:-1]))
    return state


def changed(state: RunState, **arguments: object) -> None:
    answer = CommandAnswered(
        id="1", command="set", arguments=arguments, outcome="applied", step=1, reason=""
    )
    state.apply(decode(encode(answer)[:-1]))


def in_panel(state: RunState) -> str:
    return dict(_rows(state.config))["clip"]


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_shows_its_own_limit_at_launch(mode: ClipMode) -> None:
    limit = 0.25
    clip = Clip().changed(mode, None if mode == "none" else limit)
    state = started(plain(clip))
    assert in_panel(state) == clip_words(state.config) == str(clip)
    assert clip_limit(state.config) == (None if mode == "none" else limit)


@pytest.mark.parametrize("before", MODES)
@pytest.mark.parametrize("after", MODES)
def test_each_change_shows_the_limit_of_the_mode_that_it_leads_to(
    before: ClipMode, after: ClipMode
) -> None:
    clip = Clip(mode=before)
    state = started(plain(clip))
    changed(state, clip_mode=after)
    clip = clip.changed(after, None)
    assert in_panel(state) == str(clip)
    if after != "none":
        changed(state, clip_threshold=0.125)
        clip = clip.changed(None, 0.125)
        assert in_panel(state) == str(clip)
    changed(state, clip_mode="agc", clip_threshold=0.01)
    assert in_panel(state) == "agc 0.01"


@pytest.mark.parametrize("mode", MODES)
def test_an_old_log_without_the_key_of_its_mode_shows_no_other_modes_limit(mode: ClipMode) -> None:
    state = started({"mode": mode})
    assert in_panel(state) == mode
    if mode != "none":
        changed(state, clip_threshold=3.0)
        assert in_panel(state) == f"{mode} 3"


def test_whatever_stands_there_is_shown_in_words() -> None:
    for clip in (None, 3, [], "norm", {}, {"mode": 3}, {"mode": "norm", "threshold": "x"}):
        assert clip_limit(started(clip).config) is None
        assert clip_words(started(clip).config) in ("none", "norm")
