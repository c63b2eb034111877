"""`python -m engine.race RACE_DIR`: run a race to its end."""

import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from engine.race.director import Director
from engine.race.directory import RaceDir
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import INHERITED_LOCKS, Lock
from presets import UserError


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 if the race is done or stopped, 1 if it failed or something of it
    could not be written, 2 if nothing was begun because the arguments cannot be used."""
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal's end is not ours
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1 or given[0].startswith("-"):
        print("usage: python -m engine.race RACE_DIR", file=sys.stderr)
        return 2
    race = RaceDir(Path(given[0]).absolute())
    try:
        race.spec()
        inherited = [int(file) for file in os.environ.pop(INHERITED_LOCKS, "").split()]
        lock = Lock(race.process, inherited[0] if inherited else None)
        log = LogWriter(race.process.events_path)
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        ended = Director(race, log).run()
    except Exception:
        traceback.print_exc()
        log.close()
        return 1
    else:
        unsaved = ended.unsaved if log.close() else "the race's log could not be written to its end"
    finally:
        lock.release()
    with suppress(OSError):  # its output is on the same disk
        print(f"{ended.status}: {ended.reason}", flush=True)
        if unsaved:
            print(f"not saved: {unsaved}", flush=True)
    return 0 if ended.status in ("done", "stopped") and not unsaved else 1


if __name__ == "__main__":
    sys.exit(main())
