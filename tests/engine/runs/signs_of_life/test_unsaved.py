"""Whatever file of a run cannot be written: the run ends as not saved, and says what there is."""

import errno
import os

import pytest

from engine.runs import run_directory
from engine.runs.events import LogLine, RunEnded
from engine.runs.journal import Journal
from engine.runs.log_writer import Trouble
from engine.runs.signs_of_life.failed_writes import Unsaved
from engine.training.recording import weight_path
from engine.training.saving import snapshot
from tui.runs import loading
from tui.runs.alerts.alerts import Watch
from tui.runs.state.store import RunState

ERRORS = {"full": errno.ENOSPC, "quota": errno.EDQUOT, "read-only": errno.EROFS}


@pytest.fixture(params=ERRORS.values(), ids=ERRORS)
def number(request):
    return request.param


def checkpoints_fail(patch, error, *, from_step):
    original = snapshot.Snapshot.write

    def write(self, folder):
        if self.state.step >= from_step:
            raise error
        original(self, folder)

    patch.setattr(snapshot.Snapshot, "write", write)


def check_told(state, words):
    """The status, an alert in red and the summary say it."""
    assert state.status == "done, not saved"
    assert words in state.unsaved
    assert state.outcome().startswith(state.unsaved)
    alerts = [alert for alert in Watch(run_alerts()).check(state) if alert.level == "error"]
    assert {alert.kind for alert in alerts} == {"disk", "finished"}
    assert all(words in alert.text for alert in alerts)


def run_alerts():
    from presets.userconfig import Alerts

    return Alerts()


def test_checkpoints(train, tiny, tmp_path, monkeypatch, number):
    said = f"checkpoint of step 6 not written: {os.strerror(number)}"
    found = []
    for from_step in (0, 3):
        with monkeypatch.context() as patch:
            error = OSError(number, os.strerror(number))
            checkpoints_fail(patch, error, from_step=from_step)
            ended = train(tiny(steps=6, checkpoint__every_steps=2))[-1]
        assert ended.status == "done"  # as older versions read it
        found.append(ended.unsaved)
    assert f"{said}; there is no whole checkpoint" in found[0]
    assert f"{said}; the newest whole checkpoint is step-00000002" in found[1]
    for run in run_directory.list_runs(tmp_path):
        check_told(loading.load(run), os.strerror(number))


def test_weights(train, tiny, tmp_path, monkeypatch, number):
    def refuse(path):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(weight_path, "replacing", refuse)
    ended = train(tiny(steps=4, keep_weights=True))[-1]
    assert f"cannot be written ({os.strerror(number)}); no more weights are kept" in ended.unsaved
    (run,) = run_directory.list_runs(tmp_path)
    check_told(loading.load(run), os.strerror(number))


class Log:
    """A log that has lost records."""

    def __init__(self, dropped):
        self.dropped = dropped
        self.events = []

    def append(self, event):
        self.events.append(event)

    def trouble(self):
        return Trouble("", 0, self.dropped)


def test_a_log_with_a_gap():
    log = Log(3)
    journal = Journal(log)
    journal.end("done", "all steps done")
    assert not journal.complete
    assert log.events[-1].unsaved == "3 records of the log could not be written"


def test_what_is_made_up_for_is_saved():
    log = Log(0)
    journal = Journal(log)
    journal.not_saved("checkpoint", "step 4 not written")
    journal.not_saved("checkpoint", "step 4 not written")
    assert [event.message for event in log.events if isinstance(event, LogLine)] == [
        "step 4 not written"
    ]
    journal.saved("checkpoint")
    journal.end("done", "all steps done")
    assert journal.complete
    assert log.events[-1].unsaved == ""


def test_many_troubles_are_one_line():
    unsaved = Unsaved()
    for number in range(100):
        unsaved.note(f"kind {number}", f"trouble {number}")
    assert len(unsaved.text()) == 400
    assert unsaved.text().startswith("trouble 0; trouble 1; ")


def test_a_run_that_was_not_saved_can_be_gone_on_with(train, tiny, tmp_path, monkeypatch):
    """Its steps after the newest whole checkpoint are taken again."""
    from engine.__main__ import _check_history

    with monkeypatch.context() as patch:
        checkpoints_fail(patch, OSError(errno.ENOSPC, "full"), from_step=3)
        train(tiny(steps=6, checkpoint__every_steps=2))
    (run,) = run_directory.list_runs(tmp_path)
    run.resume_path.touch()
    _check_history(run)  # raises UserError for a run that is done


def test_a_failed_run_stays_one():
    state = RunState(run=None)
    state.apply(RunEnded(status="failed", reason="x", step=1, seconds=1.0, unsaved="all of it"))
    assert state.status == "failed"
