"""What may be asked of a run, ours or another program's."""

from pathlib import Path

import pytest

from engine.runs.run_directory import RunDir
from presets import ConfigError, UserError
from support.recorded import record
from tui.runs.foreign.run import ForeignRun
from tui.runs.run import own

LOG = ForeignRun(Path("logs/keras.csv"), "csv", "keras.csv")


def test_only_a_run_of_ours_has_a_directory_that_an_engine_can_work_on(tmp_path: Path) -> None:
    run = record(tmp_path, "r")
    assert own(run) is run
    assert run.read_only == ""
    assert run.title == "r"
    with pytest.raises(UserError) as caught:
        own(LOG)
    assert str(caught.value) == LOG.read_only
    assert LOG.read_only == "keras.csv: read-only, this CSV table belongs to another program"


def test_another_programs_log_has_no_engine_and_no_configuration_to_begin_with() -> None:
    assert LOG.engine_log_path is None
    assert LOG.settings() == {"name": "keras.csv"}
    with pytest.raises(ConfigError, match="read-only"):
        LOG.config()


def test_a_foreign_log_is_no_run_directory() -> None:
    assert not isinstance(LOG, RunDir)
    for path in ("control_path", "lock_path", "checkpoints_path", "heartbeat_path"):
        assert not hasattr(LOG, path)
