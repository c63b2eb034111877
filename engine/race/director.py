"""The process of a race: it makes the runs that are missing and starts engines for them.

It holds no state: what is left to do follows from the race's directory, so a race that was killed
goes on where it was.
"""

import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from engine.config import configure
from engine.race import devices, same_start
from engine.race.directory import RaceDir
from engine.race.plan import PlannedRun
from engine.race.results import RaceReader, RaceResults, RunResult
from engine.race.spec import RaceSpec
from engine.runs import control, run_directory, start_process
from engine.runs.control import Inbox, Refused
from engine.runs.events import CommandAnswered, LogLine, RunEnded, StateChanged
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from engine.runs.signs_of_life import health
from presets import UserError
from presets.schema import plain

POLL_SECONDS = 0.2
MAX_TRIES = 3
"""The number of engines that a run gets before it counts as failed."""


class Director:
    """The driver of one race: it starts engines until the race has ended."""

    def __init__(self, race: RaceDir, log: LogWriter) -> None:
        self._race = race
        self._log = log
        self._reader = RaceReader(race)
        self._inbox = Inbox(race.process, POLL_SECONDS)
        self._workers: list[subprocess.Popen[bytes]] = []
        self._tries: Counter[str] = Counter()
        self._paused = False
        self._told: set[str] = set()
        """Runs that were told to pause."""
        self._stopping = ""
        """Why the race is to stop; "" while it is not."""
        self._unsaved = ""
        """What of its runs could not be written."""
        self._now = False
        """Whether its engines are to be gone at once."""

    def run(self) -> RunEnded:
        """Run the race; returns how it ended, which is in its log too."""
        began = time.monotonic()
        for command in self._inbox.take(at_once=True):
            self._say(f"{command.id}: a command from before this process began is void")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: self._stop(signal.Signals(received).name))
        try:
            status, reason = self._to_the_end()
        except UserError as error:
            status, reason = "failed", str(error)
        self._end_workers()
        dropped = self._log.trouble().dropped
        log = f"{dropped} records of the race's log could not be written" if dropped else ""
        ended = RunEnded(
            status=status,  # type: ignore[arg-type]
            reason=reason,
            step=0,
            seconds=time.monotonic() - began,
            unsaved="; ".join(filter(None, [self._unsaved, log])),
        )
        self._log.append(ended)
        return ended

    def _to_the_end(self) -> tuple[str, str]:
        while True:
            spec = self._race.spec()
            results = self._reader.read(spec)
            self._unsaved = results.unsaved
            if unfair := same_start.mismatches(results):
                return "failed", f"not a fair race: {unfair[0]}"
            if self._stopping:
                return "stopped", self._stopping
            if results.ended:
                return "done", f"all {spec.num_runs} runs are over"
            pending = [run for run in (results.finals or results.trials) if not run.ended]
            self._start(spec, self._with_tries_left(pending))
            self._tend(spec)

    def _with_tries_left(self, pending: Sequence[RunResult]) -> list[PlannedRun]:
        """The runs that may get an engine: those that engines left unfinished too often count as
        failed."""
        found = []
        for result in pending:
            planned = result.planned
            run = self._race.run(planned.name)
            if run_directory.locked(run):
                continue  # an engine of an earlier director is still at work on it
            self._tries[planned.name] += 1
            if self._tries[planned.name] <= MAX_TRIES:
                found.append(planned)
                continue
            seen = health.read_exit(run, run_directory.holder(run))
            self._give_up(run, f"{seen or result.reason or 'its engine died'}, {MAX_TRIES} times")
        return found

    def _give_up(self, run: RunDir, reason: str) -> None:
        self._say(f"{run.id}: {reason}", error=True)
        with suppress(OSError):
            log = LogWriter(run.events_path)
            log.append(RunEnded(status="failed", reason=reason, step=0, seconds=0.0))
            log.close()

    def _start(self, spec: RaceSpec, planned: Sequence[PlannedRun]) -> None:
        places = devices.places(spec)
        for index, place in enumerate(places):
            mine = planned[index :: len(places)]
            runs = [self._prepared(spec, run, place) for run in mine]
            if runs:
                self._workers.append(start_process.start(runs, resume=True))
                where = f" on {place}" if place else ""
                self._say(f"engine {self._workers[-1].pid}{where}: {len(runs)} runs")

    def _prepared(self, spec: RaceSpec, planned: PlannedRun, place: str | None) -> RunDir:
        run = self._race.run(planned.name)
        with suppress(UserError):
            if run.config_path.is_file() and run.config():
                return run
        # Whoever made it was killed before it had a whole configuration.
        shutil.rmtree(run.path, ignore_errors=True)
        config = planned.config(spec, place)
        configure.check(config)
        run_directory.make(run, plain(config))
        return run

    def _tend(self, spec: RaceSpec) -> None:
        """Obey commands and check that the race stays fair, until all workers are gone."""
        while True:
            busy = [worker for worker in self._workers if worker.poll() is None]
            self._obey()
            results = self._reader.read(spec)
            self._pass_on_pause(results)
            if self._stopping or same_start.mismatches(results):
                self._end_workers()
                busy = []
            going_on = [
                run.planned.name
                for run in (*results.trials, *results.finals)
                if not run.ended and run_directory.locked(self._race.run(run.planned.name))
            ]
            if not busy and (self._stopping or not going_on):
                self._workers = []
                return
            time.sleep(POLL_SECONDS)

    def _obey(self) -> None:
        for command in self._inbox.take(at_once=True):
            if isinstance(command, Refused):
                self._say(f"a command was refused: {command.reason}", error=True)
                continue
            known = command.name in ("pause", "resume", "stop")
            self._log.append(
                CommandAnswered(
                    id=command.id,
                    command=command.name,
                    outcome="applied" if known else "rejected",
                    step=0,
                    reason="" if known else "a race can be paused, resumed and stopped",
                )
            )
            if command.name == "stop":
                self._now |= command.arguments.now
                self._stop("stop command")
            elif known:
                self._pause(command.name == "pause")

    def _pause(self, paused: bool) -> None:
        self._paused = paused
        state = StateChanged(state="paused" if paused else "running", step=0, reason="command")
        self._log.append(state)
        if not paused:
            for name in self._told:
                with suppress(UserError):
                    control.send(self._race.run(name), "resume")
            self._told.clear()

    def _pass_on_pause(self, results: RaceResults) -> None:
        """Pause or resume the runs that train by now: the engines go through queues of their
        own."""
        for run in (*results.trials, *results.finals) if self._paused else ():
            name = run.planned.name
            if run.status == "running" and not run.ended and name not in self._told:
                with suppress(UserError):
                    control.send(self._race.run(name), "pause")
                    self._told.add(name)

    def _stop(self, reason: str) -> None:
        self._now |= bool(self._stopping)  # a second time
        self._stopping = self._stopping or reason

    def _end_workers(self) -> None:
        """Stop the workers' runs after the current step, or at once if a second stop comes; they
        can be resumed."""
        self._terminate()
        hurried = False
        while any(worker.poll() is None for worker in self._workers):
            if self._now and not hurried:
                self._terminate()  # an engine that is told twice is gone within two seconds
                hurried = True
            time.sleep(POLL_SECONDS / 4)
            self._obey()

    def _terminate(self) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                worker.terminate()

    def _say(self, message: str, *, error: bool = False) -> None:
        self._log.append(LogLine(level="error" if error else "info", message=message))
        with suppress(OSError):
            print(message, flush=True)
