"""Checkpoints under kills and mutations; the large numbers are slow tests."""

import os
import random
import resource
import signal
import time

import msgspec
import pytest

from engine.runs import checkpoint, control
from engine.runs.checkpoint import MANIFEST, newest_valid
from engine.training.saving import checkpoint_writer, snapshot
from presets import UserError
from support.forged import FILES, forge, plain_write, reseal
from support.forked import in_child, last_checkpoint, wait


def kill_while_writing(run, taken, kills, seed):
    """Kill a process that writes checkpoints one after another, again and again; returns how many
    kills left the newest complete checkpoint unloadable, or lost an acknowledged one."""
    random_ = random.Random(seed)
    bad = 0
    for _ in range(kills):
        reading, writing = os.pipe()

        def work(writing=writing):
            checkpoint_writer.remove_drafts(run)
            found = newest_valid(run)
            step = found.step if found else 0
            while True:
                step += 1
                plain_write(run, step, fill=taken.write)
                os.write(writing, b"%d\n" % step)
                checkpoint_writer.rotate(run)

        pid = in_child(work)
        os.close(writing)
        acknowledged = int(os.read(reading, 100).split()[-1])
        time.sleep(random_.random() * 0.06)  # the kill falls anywhere into the next ones
        os.kill(pid, signal.SIGKILL)
        assert wait(pid) == -signal.SIGKILL
        rest = os.read(reading, 65536).split()
        os.close(reading)
        acknowledged = int(rest[-1]) if rest else acknowledged
        found = newest_valid(run, lambda line: None)
        if found is None or found.step < acknowledged:
            bad += 1
            continue
        snapshot.load(found)
    return bad


def test_a_kill_during_a_checkpoint(saved):
    taken = snapshot.load(last_checkpoint(saved))
    assert kill_while_writing(saved, taken, 10, "few") == 0


@pytest.mark.slow
@pytest.mark.figure("SIGKILL during a checkpoint, 200 times", asked="the newest complete one loads")
def test_200_kills_during_a_checkpoint(saved, measured):
    taken = snapshot.load(last_checkpoint(saved))
    bad = kill_while_writing(saved, taken, 200, "many")
    measured(f"{bad} left no newest one that loads")
    assert bad == 0


def mutate(random_, data):
    """One of: bits flipped, bytes cut out, repeated, or replaced by what parsers stumble over."""
    data = bytearray(data)
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(len(data) + 1)
        match random_.randrange(5):
            case 0 if at < len(data):
                data[at] ^= 1 << random_.randrange(8)
            case 1:
                del data[at : at + random_.randint(1, 40)]
            case 2:
                data[at:at] = data[at : at + random_.randint(1, 40)]
            case 3:
                evil = [b"\x1b]0;x\x07", b"{" * 2000, b"1e999", b"-1", b"\xff\xfe", b"null", b'"']
                data[at : at + random_.randint(0, 9)] = random_.choice(evil)
            case _:
                del data[at:]
    return bytes(data)


def mutated_checkpoints(run, count, seed):
    """Load mutated checkpoints, whose manifests agree with the mutated files as often as not;
    returns how many were refused, each in one line, and the seconds of the slowest."""
    random_ = random.Random(seed)
    lines, slowest = [], 0.0
    item = last_checkpoint(run)
    originals = {name: (item.path / name).read_bytes() for name in (*FILES, MANIFEST)}
    for _ in range(count):
        name = random_.choice(list(originals))
        data = mutate(random_, originals[name])
        for other, original in originals.items():
            if (item.path / other).read_bytes() != original:
                (item.path / other).write_bytes(original)
        began = time.process_time()
        try:
            if name == MANIFEST and random_.random() < 0.5:
                body = mutate(random_, msgspec.json.encode(item.manifest))
                (item.path / MANIFEST).write_bytes(reseal(body))
            elif name != MANIFEST and random_.random() < 0.5:
                forge(item, name, data)
            else:
                (item.path / name).write_bytes(data)
            snapshot.load(checkpoint.read(item.path))
        except UserError as error:
            lines.append(str(error))
        slowest = max(slowest, time.process_time() - began)
    assert [line for line in lines if len(line.splitlines()) != 1 or len(line) > 600] == []
    return len(lines), slowest


def mutated_commands(run, count, seed):
    """Take mutated command files; returns how many were refused, each in one line, and the seconds
    of the slowest."""
    random_ = random.Random(seed)
    control.send(run, "set", control.Arguments(lr=0.1, epochs=3))
    (sent,) = run.control_path.glob("*.json")
    original = sent.read_bytes()
    refused, slowest = 0, 0.0
    inbox = control.Inbox(run)
    for number in range(count):
        began = time.process_time()
        (run.control_path / f"{number}.json").write_bytes(mutate(random_, original))
        for request in inbox.take(at_once=True):
            if isinstance(request, control.Refused):
                refused += 1
                assert len(request.reason.splitlines()) == 1
        slowest = max(slowest, time.process_time() - began)
        for path in run.control_path.glob("*.taken"):
            path.unlink()
    return refused, slowest


def test_mutations_are_refused_in_one_line(saved):
    assert mutated_checkpoints(saved, 150, "few")[0] > 75
    assert mutated_commands(saved, 150, "few")[0] > 75


@pytest.mark.slow
@pytest.mark.figure(
    "10,000 mutated checkpoints and control files",
    asked="no traceback, one line, <= 1 s, <= 200 MB",
)
def test_10000_mutations(saved, measured):
    before = peak()
    refused, slow = mutated_checkpoints(saved, 6000, "many")
    refused_too, slow_too = mutated_commands(saved, 4000, "many")
    refused, slow, grown = refused + refused_too, max(slow, slow_too), peak() - before
    measured(f"{refused} refused in one line, slowest {slow * 1000:.0f} ms of CPU, +{grown} MB")
    assert refused > 5000
    assert slow <= 1
    assert grown <= 200


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
