"""The app of one browser window: a process of bounded size that ends with the window."""

import asyncio
import os
import shlex
import signal
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Any

from textual_serve.app_service import AppService

MAX_COLUMNS, MAX_ROWS = 500, 200
"""A larger window is shown at this size: memory and time grow with the cells."""
MIN_COLUMNS, MIN_ROWS = 1, 1
END_SECONDS = 2.0
"""How long an app may take to quit before it is killed."""


def within_bounds(width: int, height: int) -> tuple[int, int]:
    """The size at which a window of `width` x `height` cells is shown; 0 where it is unknown."""
    return (
        min(MAX_COLUMNS, max(MIN_COLUMNS, width or 80)),
        min(MAX_ROWS, max(MIN_ROWS, height or 24)),
    )


class Window(AppService):
    """The app of one browser window, in a process that ends with it."""

    def __init__(self, command: str, **facts: Any) -> None:
        super().__init__(command, **facts)
        self._ended = False
        self._starting = asyncio.Lock()
        """Held while the process is made: it could not be ended before it is known."""

    async def start(self, width: int, height: int) -> None:
        """Start the app in so many cells, unless the window was closed meanwhile."""
        async with self._starting:
            if not self._ended:
                await super().start(width, height)

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        self._process = await asyncio.create_subprocess_exec(
            *shlex.split(self.command),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width=width, height=height),
            start_new_session=True,
        )
        self._stdin = self._process.stdin
        return self._process

    async def stop(self) -> None:
        """Ask the app to quit, and kill it and its helpers if it does not; runs go on."""
        async with self._starting:
            process, reading = self._process, self._task
            ended, self._ended = self._ended, True
        if process is None or reading is None:
            return
        quitting = asyncio.create_task(self._quit(process, ended))
        # Not `asyncio.timeout`: `run` takes the cancelling that it is made of for its own end.
        await asyncio.wait({quitting}, timeout=END_SECONDS)
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        quitting.cancel()
        reading.cancel()
        await asyncio.wait({quitting, reading}, timeout=END_SECONDS)

    async def _quit(self, process: Process, asked: bool) -> None:
        if not asked:
            await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
            await self.send_meta({"type": "quit"})
        await process.wait()
