"""The event log survives any bytes: what was written whole comes out, and nothing else."""

import contextlib
import errno
import os
import tempfile
import threading
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.runs import events, log_reader
from engine.runs.events import LogLine, Restarted, RunEnded, Scalars
from engine.runs.log_reader import LogReader, LogWriter, read_all
from engine.runs.log_writer import Trouble
from support.recorded import wait_for

values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["nan", "inf", "-inf"])
)


def scalars(length):
    """Events whose columns all have this length."""

    def column(items):
        return st.lists(items, min_size=length, max_size=length)

    return st.builds(
        Scalars,
        time=st.floats(0, 2e9),
        step=column(st.integers(1, 10**9)).map(sorted),
        seconds=column(st.floats(0, 1e6)),
        values=st.dictionaries(st.text(max_size=8), column(values), max_size=3),
    )


records = st.one_of(
    st.builds(LogLine, time=st.floats(0, 2e9), level=st.just("info"), message=st.text()),
    st.integers(1, 4).flatmap(scalars),
    st.builds(
        RunEnded,
        time=st.floats(0, 2e9),
        status=st.sampled_from(["done", "stopped", "failed"]),
        reason=st.text(),
        step=st.integers(0, 10**9),
        seconds=st.floats(0, 1e6),
    ),
)
garbage = st.binary(max_size=200).map(lambda data: data.replace(b"\n", b"") or b"?")


@contextlib.contextmanager
def log_file(data: bytes = b""):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.jsonl")
        path.write_bytes(data)
        yield path


@given(records)
def test_an_event_comes_back_equal(event):
    line = events.encode(event)
    assert line.count(b"\n") == 1
    assert events.decode(line.rstrip(b"\n")) == event


@given(st.binary(max_size=2000))
def test_any_bytes_never_raise(data):
    with log_file(data) as path:
        assert read_all(path) == []


@given(st.lists(st.one_of(records, garbage), max_size=8))
def test_whole_records_come_out_between_garbage(items):
    lines = [item + b"\n" if isinstance(item, bytes) else events.encode(item) for item in items]
    with log_file(b"".join(lines)) as path:
        reader = LogReader(path)
        assert reader.read() == [item for item in items if not isinstance(item, bytes)]
        assert reader.damaged == sum(isinstance(item, bytes) for item in items)


@settings(max_examples=50)
@given(st.lists(records, min_size=1, max_size=5), st.data(), st.sampled_from([1, 7, 100, 2**20]))
def test_a_log_that_grows_in_pieces_gives_the_same_events(items, data, max_bytes):
    whole = b"".join(map(events.encode, items))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    with log_file() as path:
        reader, seen = LogReader(path), []
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            with path.open("ab") as file:
                file.write(whole[start:end])
            while new := reader.read(max_bytes):
                seen += new
        assert seen == items
        assert reader.damaged == 0


@given(st.lists(records, min_size=1, max_size=3), st.data())
def test_a_flipped_byte_never_becomes_a_wrong_value(items, data):
    whole = bytearray(b"".join(map(events.encode, items)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with log_file(bytes(whole)) as path:
        seen = read_all(path)
        assert len(seen) < len(items)
        remaining = iter(items)
        assert all(event in remaining for event in seen)  # in order, and none that was not written


def test_a_line_without_its_end_is_not_yet():
    line = events.encode(LogLine(level="info", message="hello"))
    with log_file(line[:-1]) as path:
        reader = LogReader(path)
        assert reader.read() == []
        path.write_bytes(line)
        assert len(reader.read()) == 1
        assert reader.damaged == 0


def test_a_missing_log_is_empty():
    assert LogReader(Path("/nowhere/events.jsonl")).read() == []


def test_unknown_kinds_are_counted_not_shown():
    body = b'{"kind":"from_the_future","time":1.0}'
    line = body[:-1] + b',"crc":"%08x"}\n' % events.crc32(body)
    with log_file(line) as path:
        reader = LogReader(path)
        assert reader.read() == []
        assert (reader.unknown, reader.damaged) == (1, 0)


def test_deep_nesting_is_damage():
    body = b'{"kind":"run_started","config":' + b'{"a":' * 10**5
    line = body[:-1] + b',"crc":"%08x"}' % events.crc32(body[:-1] + b"}")
    with pytest.raises(events.DamagedLineError):
        events.decode(line)


class Disk:
    """Stands for `os.write`: refuses or delays when told to."""

    def __init__(self, monkeypatch):
        self.error = 0
        """The errno of every write; 0 for a disk that works."""
        self.takes = 0
        """How many bytes the first write takes before the error comes."""
        self.free = threading.Event()
        self.free.set()
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, file, data):
        assert self.free.wait(60)
        if not self.error:
            return self._write(file, data)
        if self.takes:
            taken, self.takes = self.takes, 0
            return self._write(file, data[:taken])
        raise OSError(self.error, os.strerror(self.error))


@pytest.fixture
def disk(monkeypatch):
    disk = Disk(monkeypatch)
    yield disk
    disk.error = 0
    disk.free.set()


def block(*steps):
    columns = {"train/loss": [1 / step for step in steps]}
    return Scalars(step=list(steps), seconds=[float(step) for step in steps], values=columns)


def test_a_disk_that_is_full_for_a_while_costs_nothing(tmp_path, disk):
    path = tmp_path / "events.jsonl"
    writer = LogWriter(path)
    disk.error, disk.takes = errno.ENOSPC, 10
    events = [block(step) for step in range(1, 9)]
    for event in events:
        writer.append(event)
    wait_for(lambda: writer.trouble().reason)
    assert writer.trouble() == Trouble("No space left on device", 8, 0)
    assert not writer.sync(0.01)
    disk.error = 0
    assert writer.sync()
    assert writer.trouble() == Trouble("", 0, 0)
    assert writer.written == 8
    assert writer.close()
    reader = LogReader(path)
    assert (reader.read(), reader.damaged) == (events, 0)


def test_after_an_unknown_error_the_torn_line_is_ended(tmp_path, disk):
    path = tmp_path / "events.jsonl"
    writer = LogWriter(path)
    disk.error, disk.takes = errno.EIO, 10
    writer.append(block(1))
    wait_for(lambda: writer.trouble().reason)
    disk.error = 0
    writer.append(block(2))
    assert writer.close()
    reader = LogReader(path)
    assert [event.step for event in reader.read()] == [[1], [2]]
    assert reader.damaged == 1


@pytest.mark.parametrize("limit", [{"max_records": 3}, {"max_bytes": 500}])
def test_what_does_not_fit_into_memory_becomes_a_gap(tmp_path, disk, limit):
    path = tmp_path / "events.jsonl"
    writer = LogWriter(path, **limit)
    disk.error = errno.ENOSPC
    for step in range(1, 21, 2):
        writer.append(block(step, step + 1))
    wait_for(lambda: writer.trouble().reason)
    lost = writer.dropped
    assert 0 < lost < 10
    disk.error = 0
    assert writer.flush()
    writer.append(block(21))
    assert writer.close()
    *kept, gap, last = read_all(path)
    assert [event.step[0] for event in kept] == list(range(1, 21 - 2 * lost, 2))
    assert (gap.records, gap.first_step, gap.last_step) == (lost, 21 - 2 * lost, 20)
    assert gap.reason in ("No space left on device", "the disk is too slow")
    assert last.step == [21]


def test_a_disk_that_hangs_holds_up_nobody(tmp_path, disk):
    path = tmp_path / "events.jsonl"
    writer = LogWriter(path, max_records=5)
    disk.free.clear()
    for step in range(1, 11):
        writer.append(block(step))
    assert writer.dropped >= 5
    assert not writer.sync(0.01)
    assert not writer.close(0.01)
    disk.free.set()


def test_close_gives_up_on_a_full_disk(tmp_path, disk):
    path = tmp_path / "events.jsonl"
    writer = LogWriter(path)
    writer.append(block(1))
    assert writer.flush()
    disk.error, disk.takes = errno.EFBIG, 5
    writer.append(block(2))
    assert not writer.close(0.01)
    wait_for(lambda: not writer._thread.is_alive())
    disk.error = 0
    again = LogWriter(path)
    assert again.cut_bytes == 5
    again.append(block(3))
    assert again.close()
    reader = LogReader(path)
    assert ([event.step for event in reader.read()], reader.damaged) == ([[1], [3]], 0)


@pytest.mark.parametrize("torn", [b"", b"x", b"{" * 200_000], ids=["nothing", "a letter", "long"])
@pytest.mark.parametrize("whole", [b"", events.encode(block(1))], ids=["empty", "a record"])
def test_reopening_cuts_a_torn_tail(tmp_path, whole, torn):
    path = tmp_path / "events.jsonl"
    path.write_bytes(whole + torn)
    writer = LogWriter(path)
    assert writer.cut_bytes == len(torn)
    writer.append(block(2))
    assert writer.close()
    assert path.read_bytes() == whole + events.encode(read_all(path)[-1])


def test_records_reach_the_disk_once_a_second_and_when_asked(tmp_path, monkeypatch):
    synced = []
    original = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (synced.append(1), original(file)))
    writer = LogWriter(tmp_path / "events.jsonl")
    for step in range(1, 101):
        writer.append(block(step))
    assert writer.flush()
    assert writer.sync()
    # The first record at once, all others together when asked; more only if a second has passed.
    assert 1 <= len(synced) <= 10
    before = len(synced)
    assert writer.close()
    assert len(synced) == before


def test_a_log_that_was_cut_is_followed_from_there(tmp_path):
    path = tmp_path / "events.jsonl"
    lines = [events.encode(block(step)) for step in range(1, 5)]
    path.write_bytes(b"".join(lines))
    reader = LogReader(path)
    assert len(reader.read()) == 4
    path.write_bytes(lines[0] + lines[1][:10])
    assert reader.read() == []
    new = events.encode(block(7))
    path.write_bytes(lines[0] + new)
    assert [event.step for event in reader.read()] == [[7]]
    assert reader.damaged == 0


def test_a_pipe_in_place_of_a_log_is_refused(tmp_path):
    os.mkfifo(tmp_path / "events.jsonl")
    with pytest.raises(OSError, match="not a regular file"):
        LogReader(tmp_path / "events.jsonl").read()


def test_the_lifecycle_and_the_tail_are_found_without_reading_the_rest(tmp_path):
    path = tmp_path / "events.jsonl"
    assert log_reader.lifecycle(path) == []
    ended = RunEnded(status="stopped", reason="", step=1, seconds=1.0)
    restarted = Restarted(step=0, checkpoint="", attempt=1, reason="resume")
    writer = LogWriter(path)
    for event in (ended, *(block(step) for step in range(1, 200)), restarted):
        writer.append(event)
    assert writer.close()
    with path.open("ab") as file:
        file.write(b'{"kind":"run_ended"}\n{"kind":"run_')
    assert log_reader.lifecycle(path) == [ended, restarted]
    assert log_reader.tail(path, 1000)[-1] == restarted
    assert len(log_reader.tail(path, 1000)) < 20


@pytest.mark.figure("500 single-bit flips in a log", asked="0 wrong values, <= 2 records lost each")
def test_single_bit_flips_cost_at_most_two_records(tmp_path, measured):
    """500 random flips: no wrong value is read, and the damage stays where it is."""
    path = tmp_path / "events.jsonl"
    written = [block(*range(step, step + 3)) for step in range(1, 301, 3)]
    whole = b"".join(map(events.encode, written))
    newlines = [place for place, byte in enumerate(whole) if byte == 10]
    random = Random(0)
    places = random.sample(range(len(whole)), 450) + random.sample(newlines[:-1], 50)
    wrong, worst, uncounted = 0, 0, 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        reader = LogReader(path)
        seen = reader.read()
        remaining = iter(written)
        wrong += sum(event not in remaining for event in seen)
        worst = max(worst, len(written) - len(seen))
        torn_end = damaged[-1:] != b"\n"
        uncounted += len(seen) < len(written) and not reader.damaged and not torn_end
    measured(f"{wrong} wrong values, <= {worst} records lost per flip")
    assert (wrong, uncounted) == (0, 0)
    assert worst <= 2


@pytest.mark.parametrize(
    ("value", "written"),
    [(float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "-inf"), (0.1, 0.1)],
)
def test_number(value, written):
    assert events.number(value) == written
