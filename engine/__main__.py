"""`python -m engine RUN_DIR [RUN_DIR ...]`: train these runs, one after another, in one process.

A run that has begun and whose engine died goes on from its newest checkpoint; one that was stopped
or failed does so if its directory holds a file `resume`.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from engine.config import configure, estimate
from engine.programs.supervise import Claim, Supervisor, Whereabouts
from engine.runs import checkpoint
from engine.runs.events import Restarted, RunEnded, RunStarted
from engine.runs.journal import Journal, Restart
from engine.runs.log_reader import LogWriter, lifecycle
from engine.runs.run_directory import INHERITED_LOCKS, Lock, RunDir, check_ours, take
from engine.runs.safe_file_access import open_to_append
from engine.runs.signs_of_life.heartbeat import Heartbeat
from engine.training.steering.commands import Signals, Steering
from presets import UserError

_USAGE = "usage: python -m engine RUN_DIR [RUN_DIR ...]"
CLOSE_SECONDS = 10.0
"""How long the end of a run waits for a disk that does not write."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 if all runs are done or stopped, 1 if one failed or could not be
    saved, 2 if nothing was begun because the arguments cannot be used (a line on stderr says so).
    """
    os.umask(0o077)  # configurations and data are the user's own
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal's end is not ours
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file size limit is an error of the write
    try:
        claims = _claim(sys.argv[1:] if arguments is None else arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return Supervisor(claims, work).run()


def work(claims: Sequence[Claim], whereabouts: Whereabouts, received: str, died: str) -> int:
    """Train the runs in this process; returns 0 if all are done or stopped, else 1. `received` is
    the name of a signal that came already; `died` says how the previous process ended, if it did so
    during the first run."""
    locked = [(run, Lock(run, file, sign=False)) for run, file in claims]
    signals = Signals()
    signals.install()
    signals.received = received
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
    all_well = True
    for index, (run, lock) in enumerate(locked):
        whereabouts.at_run(index)
        lock.sign()  # until now by our parent, which sees to it that a run that waits is begun
        try:
            all_well &= _train(run, signals, whereabouts, died if index == 0 else "")
        finally:
            lock.release()
    return 0 if all_well else 1


def _claim(names: list[str]) -> list[Claim]:
    """Lock all runs at once, so that waiting ones are shown as queued."""
    runs = [RunDir(Path(name).absolute()) for name in names]
    if not runs or any(name.startswith("-") for name in names):
        raise UserError(_USAGE)
    for run in runs:
        if not run.config_path.is_file():
            raise UserError(f"{run.path}: not a run directory (no config.yaml in it)")
        check_ours(run)
    inherited = [int(file) for file in os.environ.pop(INHERITED_LOCKS, "").split()]
    files = inherited or [take(run) for run in runs]
    for file in files:
        os.set_inheritable(file, False)
    for run in runs:
        _check_history(run)
    return list(zip(runs, files, strict=True))


def _check_history(run: RunDir) -> None:
    """Raises UserError if the run is done, or has ended and nobody asked to resume it."""
    history = _history(run)
    if not history or not isinstance(last := history[-1], RunEnded):
        return
    if last.status == "done" and not last.unsaved:
        raise UserError(f"{run.path}: this run has already been started and is done; fork it")
    if not run.resume_path.exists():
        raise UserError(
            f"{run.path}: this run has already been started and is over ({last.status});"
            f" `bigmodel-tui run --resume {run.id}` goes on with it"
        )


def _history(run: RunDir) -> list[RunStarted | Restarted | RunEnded]:
    try:
        return lifecycle(run.events_path)
    except OSError as error:
        raise UserError(f"{run.events_path}: cannot be read ({error.strerror})") from None


def _train(run: RunDir, signals: Signals, whereabouts: Whereabouts, died: str) -> bool:
    """Train one run and log how it ended; False if it failed or something of it could not be
    written. Never raises an Exception."""
    try:
        _redirect_output(run)
        history = _history(run)
        log = LogWriter(run.events_path)
        heartbeat = Heartbeat(run, trouble=log.trouble, on_step=whereabouts.at_step)
        journal = Journal(log, restart=_restart(history, log, died), heartbeat=heartbeat)
        for path in (run.resume_path, run.exit_path):
            path.unlink(missing_ok=True)
        complete = True
        try:
            all_well = _train_logged(run, journal, signals)
        finally:
            if not log.close(CLOSE_SECONDS):
                complete = False
                _complain(f"{run.events_path}: its last records could not be written")
            heartbeat.close()
    except UserError as error:
        _complain(str(error))
        return False
    except OSError as error:  # not even an empty log can be had
        _complain(f"{error.filename or run.path}: {error.strerror}")
        return False
    except Exception:
        traceback.print_exc()
        return False
    return all_well and complete


def _complain(line: str) -> None:
    with suppress(OSError):  # `engine.log` may be on the same full disk
        print(line, file=sys.stderr, flush=True)


def _restart(
    history: list[RunStarted | Restarted | RunEnded], log: LogWriter, died: str
) -> Restart | None:
    """The restart that this process makes of the run; None if no step was taken yet."""
    if not any(isinstance(event, RunStarted) for event in history):
        return None
    attempt = 1 + sum(isinstance(event, Restarted) for event in history)
    return Restart(
        attempt=attempt, reason=died or "resume", asked=not died, cut_bytes=log.cut_bytes
    )


def _redirect_output(run: RunDir) -> None:
    """Send stdout and stderr, also those of libraries in C, to the run's `engine.log`."""
    file = open_to_append(run.engine_log_path)
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
    return status != "failed" and journal.complete


def _warner(journal: Journal) -> Callable[[str], None]:
    return lambda line: journal.say(line, "warning")


def _outcome(
    run: RunDir, journal: Journal, steering: Steering
) -> tuple[Literal["done", "stopped", "failed"], str]:
    try:
        if steering.stop_reason(0):
            return "stopped", "stopped before it started"
        config = run.config()
        configure.check(config)
        newest = checkpoint.newest_valid(run, _warner(journal)) if journal.restart else None
        from engine.training import loop  # only now: importing torch takes a second or two

        return loop.train(config, journal, steering, newest.path if newest else None)
    except UserError as error:
        return "failed", str(error)
    except Exception as error:
        traceback.print_exc()
        return "failed", f"{type(error).__name__}: {error}{_memory_wanted(run, error)}"


def _memory_wanted(run: RunDir, error: Exception) -> str:
    """After a lack of memory, how much the run was expected to need; "" after another error."""
    lacks = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if not lacks and "allocate memory" not in str(error):
        return ""
    with suppress(Exception):  # it is said beside the error, not instead of it
        return f" (the run needs about {estimate.needed_bytes(run.config()) / 1e9:.3g} GB)"
    return ""


if __name__ == "__main__":
    sys.exit(main())
