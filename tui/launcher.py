"""Start an engine process that outlives this one."""

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from engine import rundir
from engine.rundir import INHERITED_LOCKS, Lock, RunDir
from presets import UserError

_ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds our `engine` package."""


def start(runs: list[RunDir], *, resume: bool = False) -> subprocess.Popen[bytes]:
    """Start one engine process that trains `runs` one after another.

    With `resume` it goes on with runs that were stopped, failed or crashed.

    It has a session of its own, so a hangup of this terminal does not reach it. Poll what is
    returned now and then, or a finished engine stays in the process table.
    Raises UserError if it cannot be started.
    """
    for run in runs:
        rundir.check_ours(run)
    environment = dict(os.environ)
    # The caller's folder may hold another `engine`: -P keeps it off the path, and where
    # PYTHONPATH would put it back, ours goes first.
    if environment.get("PYTHONPATH"):
        environment["PYTHONPATH"] = os.pathsep.join([str(_ROOT), environment["PYTHONPATH"]])
    locks = [Lock(run, sign=False) for run in runs]
    files = [lock.file for lock in locks]
    environment[INHERITED_LOCKS] = " ".join(map(str, files))
    command = [sys.executable, "-P", "-m", "engine", *(str(run.path.absolute()) for run in runs)]
    try:
        for run in runs if resume else ():
            run.resume_path.touch(mode=0o600)
        with _open_log(runs[0]) as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
                umask=0o077,
                pass_fds=files,
            )
    except OSError as error:
        raise UserError(f"cannot start the engine: {error.strerror}") from None
    finally:
        for lock in locks:
            lock.release()


def _open_log(run: RunDir) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    return os.fdopen(os.open(run.engine_log_path, flags, 0o600), "ab")
