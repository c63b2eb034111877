"""Start processes: an engine or a race, which outlive this one, or a helper that is asked."""

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from engine.runs import locking, run_directory
from engine.runs.run_directory import INHERITED_LOCKS, Lock, RunDir, UnlockableError
from engine.runs.safe_file_access import open_to_append
from engine.runs.signs_of_life import identity
from presets import UserError

_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds our `engine` package."""


def start(runs: list[RunDir], *, resume: bool = False) -> subprocess.Popen[bytes]:
    """Start one engine process that trains `runs` one after another.

    With `resume` it goes on with runs that were stopped, failed or crashed. It has a session of its
    own, so a hangup of this terminal does not reach it. Poll the returned process now and then, or
    a finished engine stays in the process table. Raises UserError if it cannot be started.
    """
    for run in runs:
        run_directory.check_ours(run)
    try:
        return start_process("engine", runs, resume=resume)
    except UnlockableError:
        for run in () if resume else runs:
            run_directory.discard(run)
        raise


def start_process(
    module: str, places: list[RunDir], *, resume: bool = False
) -> subprocess.Popen[bytes]:
    """Start `python -m MODULE PATH ...` in a session of its own. It prints to the first
    `engine.log` and inherits the locks of these directories. Raises UserError if it cannot be
    started."""
    environment = _environment()
    taken: list[Lock] = []
    try:
        taken.extend(Lock(place, sign=False) for place in places)
    except UserError:
        for lock in taken:
            lock.release()
        raise
    files = [lock.file for lock in taken]
    environment[INHERITED_LOCKS] = " ".join(map(str, files))
    command = [
        sys.executable,
        "-P",
        "-m",
        module,
        *(str(place.path.absolute()) for place in places),
    ]
    try:
        for place in places if resume else ():
            place.resume_path.touch(mode=0o600)
        with _open_log(places[0]) as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
                umask=0o077,
                pass_fds=files,
            )
        for place in places:
            locking.hand_over(place.path, identity.of(process.pid))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise UserError(f"cannot start the engine: {error.strerror}{where}") from None
    else:
        return process
    finally:
        for lock in taken:
            lock.release()


def _open_log(run: RunDir) -> BinaryIO:
    return os.fdopen(open_to_append(run.engine_log_path), "ab")


def ask(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `python -m MODULE ...` as a helper that is asked over pipes; its error output is
    dropped. It ends soon after this process does."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    """The environment for a child, in which no other `engine` is found before this one.

    The caller's folder may hold another `engine`: -P keeps it off the path, and where PYTHONPATH
    would put it back, ours goes first.
    """
    environment = dict(os.environ)
    if environment.get("PYTHONPATH"):
        environment["PYTHONPATH"] = os.pathsep.join([str(_ROOT), environment["PYTHONPATH"]])
    return environment
