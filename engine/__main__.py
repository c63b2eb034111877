"""`python -m engine RUN_DIR [RUN_DIR ...]`: train these runs, one after another, in one process."""

import os
import sys
import traceback
from pathlib import Path
from typing import Literal

from engine import configure
from engine.events import RunEnded, RunStarted
from engine.journal import Journal
from engine.log import LogReader, LogWriter
from engine.rundir import INHERITED_LOCKS, Lock, RunDir
from engine.steering import Signals, Steering
from presets import UserError

_USAGE = "usage: python -m engine RUN_DIR [RUN_DIR ...]"


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 if all runs are done or stopped, 1 if one failed, 2 if nothing
    was begun because the arguments cannot be used (one line on stderr says why)."""
    os.umask(0o077)  # configurations and data are the user's own
    signals = Signals()
    signals.install()
    try:
        claims = _claim(sys.argv[1:] if arguments is None else arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    all_well = True
    for run, lock in claims:
        try:
            all_well &= _train(run, signals)
        finally:
            lock.release()
    return 0 if all_well else 1


def _claim(names: list[str]) -> list[tuple[RunDir, Lock]]:
    """Lock all runs at once, so that those which wait are seen to be in a queue."""
    runs = [RunDir(Path(name).absolute()) for name in names]
    if not runs or any(name.startswith("-") for name in names):
        raise UserError(_USAGE)
    for run in runs:
        if not run.config_path.is_file():
            raise UserError(f"{run.path}: not a run directory (no config.yaml in it)")
        if any(isinstance(event, RunStarted | RunEnded) for event in _first_events(run)):
            raise UserError(f"{run.path}: this run has already been started; make a new one")
    inherited = [int(file) for file in os.environ.pop(INHERITED_LOCKS, "").split()]
    if inherited:
        return [(run, Lock(run, file)) for run, file in zip(runs, inherited, strict=True)]
    return [(run, Lock(run)) for run in runs]


def _first_events(run: RunDir) -> list[object]:
    try:
        return [*LogReader(run.events_path).read()]
    except OSError as error:
        raise UserError(f"{run.events_path}: cannot be read ({error.strerror})") from None


def _train(run: RunDir, signals: Signals) -> bool:
    """Train one run and log how it ended; False if it failed. Never raises an Exception."""
    try:
        _redirect_output(run)
        log = LogWriter(run.events_path)
        try:
            return _train_logged(run, Journal(log), signals)
        finally:
            log.close()
    except Exception:  # the log itself fails, as on a full disk; engine.log may still take this
        traceback.print_exc()
        return False


def _redirect_output(run: RunDir) -> None:
    """Send stdout and stderr, also those of libraries in C, to the run's `engine.log`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    file = os.open(run.engine_log_path, flags, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def _train_logged(run: RunDir, journal: Journal, signals: Signals) -> bool:
    steering = Steering(run, journal, signals)
    status, reason = _outcome(run, journal, steering)
    steering.close(journal.step)
    journal.end(status, reason)
    return status != "failed"


def _outcome(
    run: RunDir, journal: Journal, steering: Steering
) -> tuple[Literal["done", "stopped", "failed"], str]:
    try:
        if steering.stop_reason(0):
            return "stopped", "stopped before it started"
        config = run.config()
        configure.check(config)
        from engine import loop  # only now: importing torch takes a second or two

        return loop.train(config, journal, steering)
    except UserError as error:
        return "failed", str(error)
    except Exception as error:
        traceback.print_exc()
        return "failed", f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
