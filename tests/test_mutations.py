"""Damaged presets and logs: never a traceback, never more than one line, never slow or large."""

import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import presets
from engine.runs import log_reader
from presets import ConfigError, yaml
from presets.convert import convert
from presets.schema import Preset, Recipe, run_config
from support.mutating import MEGABYTES, mutate
from support.recorded import record


def complaints(data: bytes) -> list[str]:
    """What is said of a preset or configuration by each of those that may read it."""
    said = []
    for build in (
        lambda plain: convert(plain, Preset),
        lambda plain: convert(plain, Recipe),
        lambda plain: run_config(plain, "mutated.yaml"),
    ):
        try:
            build(yaml.parse(data, "mutated.yaml"))
        except ConfigError as error:
            said.append(str(error))
    return said


def check(rounds: int, folder: Path) -> tuple[int, float, float]:
    """How many were refused, the slowest in seconds of the processor (the machine may be busy),
    and the growth of memory in MB."""
    chance = random.Random(0)
    texts = [path.read_bytes() for path in Path(presets.__file__).parent.glob("*/*.yaml")]
    run = record(folder, "r", steps=40)
    texts.append(run.config_path.read_bytes())
    events = run.events_path.read_bytes()
    written = log_reader.read_all(run.events_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused, slowest = 0, 0.0
    for number in range(rounds):
        began = time.process_time()
        if number % 2:
            run.events_path.write_bytes(mutate(events, chance))
            seen = log_reader.read_all(run.events_path)
            assert all(event in written for event in seen), "a value that was never written"
            refused += len(seen) < len(written)
        else:
            said = complaints(mutate(chance.choice(texts), chance))
            assert not any("\n" in line for line in said)
            refused += len(said) == 3
        slowest = max(slowest, time.process_time() - began)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return refused, slowest, grown


def test_damaged_presets_and_logs_are_refused_in_one_line(tmp_path: Path) -> None:
    refused, _, grown = check(300, tmp_path)
    assert refused > 100
    assert grown < MEGABYTES


@pytest.mark.slow
@pytest.mark.figure(
    "10,000 mutated presets and logs", asked="no traceback, one line, <= 1 s, <= 200 MB"
)
def test_ten_thousand_of_them(tmp_path: Path, measured: Callable[[str], None]) -> None:
    refused, slowest, grown = check(10_000, tmp_path)
    measured(f"{refused} refused or cut, slowest {slowest * 1000:.0f} ms of CPU, +{grown:.0f} MB")
    assert refused > 3000
    assert slowest <= 1
    assert grown < MEGABYTES
