"""A program at the other end of a slow link: bytes take their time, and wait behind each other."""

import heapq
import time

from recordings import Program, Recording

BYTES_PER_SECOND = 10_000
PING_SECONDS = 0.2
PACKET_BYTES = 1000


class SlowProgram(Program):
    """Takes all that the program writes at once, as an SSH server does, and lets it arrive later.

    So nothing ever tells the program that it writes too much.
    """

    free_at = 0.0
    """When what was written so far will have been sent."""
    largest_backlog = 0.0
    """Bytes that waited to be sent."""

    def send(self, keys: str) -> float:
        """Press keys; they arrive half a ping later."""
        return self.send_at(time.perf_counter(), keys)

    def send_at(self, when: float, keys: str) -> float:
        """Press keys at a moment that may be yet to come."""
        heapq.heappush(self._keys, (when + PING_SECONDS / 2, keys))
        return when

    def record(self, seconds: float, *, quiet: float | None = None) -> Recording:
        recording = Recording()
        last = recording.began
        while (now := time.perf_counter()) < recording.began + seconds:
            if quiet is not None and now - last > quiet and not self._chunks:
                break
            self._press(now)
            if chunk := self.terminal.take(0.005):
                for begin in range(0, len(chunk), PACKET_BYTES):
                    packet = chunk[begin : begin + PACKET_BYTES]
                    self.free_at = max(self.free_at, now) + len(packet) / BYTES_PER_SECOND
                    heapq.heappush(self._chunks, (self.free_at + PING_SECONDS / 2, packet))
                backlog = (self.free_at - now) * BYTES_PER_SECOND
                self.largest_backlog = max(self.largest_backlog, backlog)
            while self._chunks and self._chunks[0][0] <= time.perf_counter():
                last, arrived = heapq.heappop(self._chunks)
                recording.chunks.append((last, arrived))
                self._answer(arrived)
        return recording

    def _press(self, now: float) -> None:
        while self._keys and self._keys[0][0] <= now:
            self.terminal.send(heapq.heappop(self._keys)[1])

    def _reply(self, answer: str) -> None:
        self.send(answer)
