"""One table in every form that people's tools write: the same points come out of each."""

import json
import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from support.foreign_runs import Watched, load, metrics, said

STEPS = (10, 20, 1000, 1500)
LOSSES = ("1.0", "0.5", "0.125", "2.0")
EXPECTED = {
    "train/loss": ([10, 20, 1000, 1500], ["1.0", "0.5", "0.125", "2.0"]),
    "val/loss": ([10, 20, 1000, 1500], ["2.0", "1.0", "0.25", "4.0"]),
}


def table(delimiter: str, commas: str) -> str:
    """The table with a delimiter and numbers of a kind: plain, decimal commas or thousands."""
    lines = [delimiter.join(("step", "loss", "val_loss"))]
    for step, loss in zip(STEPS, LOSSES, strict=True):
        cells = [f"{step}", f"{float(loss):.4f}", f"{2 * float(loss):.4f}"]
        if commas == "decimal":
            cells = [cell.replace(".", ",") for cell in cells]
        elif commas == "thousands":
            cells[0] = f"{step:,}"
        quoted = [f'"{cell}"' if "," in cell and delimiter == "," else cell for cell in cells]
        lines.append(delimiter.join(quoted))
    return "\n".join([*lines, ""])


@pytest.mark.parametrize(
    ("delimiter", "commas", "newline", "encoding"),
    [
        *product((",", ";", "\t", "|", "   "), ("", "decimal", "thousands"), "\n", ["utf-8"]),
        *product((",", ";"), [""], ("\n", "\r\n", "\r"), ("utf-8-sig", "utf-16", "utf-16-le")),
        *product([";"], ["decimal"], ["\r\n"], ("utf-16-be", "utf-32")),
    ],
)
def test_a_table_in_every_form(
    tmp_path: Path, delimiter: str, commas: str, newline: str, encoding: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table(delimiter, commas).replace("\n", newline).encode(encoding))
    state = load(path)
    assert metrics(state) == EXPECTED
    assert state.damaged == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("text", [True, False])
def test_json_lines_in_every_form(tmp_path: Path, encoding: str, text: bool) -> None:
    rows = [
        {"step": step, "loss": float(loss), "val_loss": 2 * float(loss)}
        for step, loss in zip(STEPS, LOSSES, strict=True)
    ]
    if text:
        rows = [{key: str(value) for key, value in row.items()} for row in rows]
    path = tmp_path / "a.jsonl"
    path.write_bytes("".join(json.dumps(row) + "\n" for row in rows).encode(encoding))
    assert metrics(load(path)) == EXPECTED


SERIES = {"loss": [1.0, 0.5], "val_loss": [2.0, 1.0]}
RECORDS = [{"loss": 1.0, "val_loss": 2.0}, {"loss": 0.5, "val_loss": 1.0}]


@pytest.mark.parametrize(
    "document",
    [
        SERIES,
        {"history": SERIES, "params": {"epochs": 2}},
        {"config": {"lr": 0.1}, "metrics": SERIES},
        RECORDS,
        {"lr": 0.1, "log": RECORDS},
        {"1": RECORDS[0], "2": RECORDS[1]},
        {key: {"0": a, "1": b} for key, (a, b) in SERIES.items()},
        {"train": {"loss": SERIES["loss"]}, "val": {"loss": SERIES["val_loss"]}},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_documents_in_every_form(tmp_path: Path, document: Any, indent: int | None) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document, indent=indent))
    assert metrics(load(path)) == {
        "train/loss": ([1, 2], ["1.0", "0.5"]),
        "val/loss": ([1, 2], ["2.0", "1.0"]),
    }


def test_a_json_document_that_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"loss": [1.0, 0.5]}))
    watched = Watched(path)
    watched.catch_up()
    path.write_text('{"loss": [1.0, 0.5,')
    os.utime(path, ns=(1, 1))
    watched.catch_up()
    path.write_text(json.dumps({"loss": [1.0, 0.5, 0.25]}))
    assert metrics(watched.catch_up()) == {"train/loss": ([1, 2, 3], ["1.0", "0.5", "0.25"])}


@pytest.mark.parametrize(
    ("name", "cells", "seconds"),
    [
        ("elapsed", ("0:01:30", "0:02:30"), [90, 150]),
        ("elapsed", ("1 day, 0:00:01", "1 day, 0:00:03"), [86401, 86403]),
        ("elapsed_time", ("0m 10s", "1m 20s"), [10, 80]),
        ("elapsed", ("1h 2m 3s", "1h 2m 4s"), [3723, 3724]),
        ("elapsed", ("12.5s", "25s"), [12.5, 25]),
        ("time", ("14:00:00", "14:00:10"), [0, 10]),
        ("time", ("23:59:55", "00:00:05"), [0, 10]),
        ("timestamp", ("2026/01/02 03:04:05", "2026/01/02 03:04:10"), [0, 5]),
        ("timestamp", ("02.01.2026 03:04:05", "02.01.2026 03:04:10"), [0, 5]),
        ("date", ("1/2/2026 11:59:55 PM", "1/3/2026 12:00:05 AM"), [0, 10]),
        ("date", ("31/01/2026 23:59:55", "01/02/2026 00:00:05"), [0, 10]),
        ("date", ("20260102_030405", "20260102_030410"), [0, 5]),
        ("date", ("Fri Jan  2 03:04:05 2026", "Fri Jan  2 03:04:07 2026"), [0, 2]),
        ("date", ("Fri, 02 Jan 2026 03:04:05 +0000", "Fri, 02 Jan 2026 03:04:07 +0000"), [0, 2]),
        ("date", ("2026-01-02 03:04:05,250", "2026-01-02 03:04:05,750"), [0, 0.5]),
        ("date", ("2026-01-02T03:04:05Z", "2026-01-02T03:04:07Z"), [0, 2]),
        ("timestamp", ("1767322005000000", "1767322010000000"), [0, 5]),
        ("timestamp", ("1767322005000000000", "1767322010000000000"), [0, 5]),
        ("timestamp", ("1767322005000", "1767322010000"), [0, 5]),
    ],
)
def test_times_in_every_form(
    tmp_path: Path, name: str, cells: tuple[str, str], seconds: list[float]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'step,{name},loss\n1,"{cells[0]}",1\n2,"{cells[1]}",2\n')
    state = load(path)
    assert state.seconds.values.tolist() == pytest.approx(seconds, abs=1e-3)
    assert len(state.metrics["train/loss"]) == 2


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("87.8%", 87.8),
        ("1 234", 1234),
        ("1'234.5", 1234.5),
        ("1,234,567.5", 1234567.5),
        ("tensor(0.5)", 0.5),
        ("tensor(0.5, device='cuda:0')", 0.5),
        ("tensor([0.5], grad_fn=<MeanBackward0>)", 0.5),
        ("np.float64(0.25)", 0.25),
        ("1.#INF", float("inf")),
        ("\N{MINUS SIGN}2.5", -2.5),
        ("5e-4", 0.0005),
    ],
)
def test_numbers_in_every_form(tmp_path: Path, cell: str, value: float) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'step,score\n1,"{cell}"\n2,1\n', encoding="utf-8")
    assert load(path).metrics["score"].values.tolist() == [value, 1]


@pytest.mark.parametrize("cell", ["1_2", "v1.0", "2.1.3", "12:30", "1.5GiB", "0x10"])
def test_what_is_no_number_is_left_out_with_a_word(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"step,loss,note\n1,1,{cell}\n2,1,{cell}\n")
    state = load(path)
    assert state.metrics.keys() == {"train/loss"}
    assert "the column note holds no numbers: it is left out" in said(state)


def test_a_comma_that_may_mean_either_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step;tokens\n1;1,000\n2;2,000\n")
    state = load(path)
    assert metrics(state) == {"tokens": ([1, 2], ["1000.0", "2000.0"])}
    assert any("may be 1000 or 1.000" in line for line in said(state))
