"""The event log survives any bytes: what was written whole comes out, and nothing else."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import events
from engine.events import LogLine, RunEnded, Scalars
from engine.log import LogReader, LogWriter, read_all

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
        step=column(st.integers(1, 10**9)),
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


def test_the_record_after_a_torn_one_is_not_lost(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    writer = LogWriter(path)
    original = os.write
    answers = iter([10])

    def write(file, data):
        keep = next(answers, None)
        if keep is None:
            raise OSError(28, "No space left on device")
        return original(file, data[:keep])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space"):
        writer.append(LogLine(level="info", message="lost"))
    monkeypatch.setattr(os, "write", original)
    kept = LogLine(level="info", message="kept")
    writer.append(kept)
    writer.close()
    assert read_all(path) == [kept]


@pytest.mark.parametrize(
    ("value", "written"),
    [(float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "-inf"), (0.1, 0.1)],
)
def test_number(value, written):
    assert events.number(value) == written
