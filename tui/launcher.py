"""Start an engine process that outlives this one."""

import os
import subprocess
import sys
from pathlib import Path

from engine.rundir import RunDir
from presets import UserError

_ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds our `engine` package."""


def start(runs: list[RunDir]) -> subprocess.Popen[bytes]:
    """Start one engine process that trains `runs` one after another.

    It has a session of its own, so a hangup of this terminal does not reach it. Poll what is
    returned now and then, or a finished engine stays in the process table.
    Raises UserError if it cannot be started.
    """
    environment = dict(os.environ)
    # The caller's folder may hold another `engine`: -P keeps it off the path, and where
    # PYTHONPATH would put it back, ours goes first.
    if environment.get("PYTHONPATH"):
        environment["PYTHONPATH"] = os.pathsep.join([str(_ROOT), environment["PYTHONPATH"]])
    command = [sys.executable, "-P", "-m", "engine", *(str(run.path.absolute()) for run in runs)]
    try:
        log = os.open(runs[0].engine_log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
                umask=0o077,
            )
        finally:
            os.close(log)
    except OSError as error:
        raise UserError(f"cannot start the engine: {error.strerror}") from None
