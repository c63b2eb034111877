"""The command line on recorded runs: what it prints, and one line for each mistake."""

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import presets
from engine.runs import run_directory
from engine.runs.events import Evaluation, RunStarted, Scalars
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from support.exporting import begun
from support.recorded import record
from tui import cli
from tui.commands import reporters
from tui.commands.export import tables as export
from tui.runs import loading, meta
from tui.runs.state.store import RunState

HEADER = "step,time,train/loss,train/accuracy,grad_norm,clipped,lr"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli.cli, list(arguments))


def refusal(*arguments: str) -> str:
    """The one line that a command prints which must end with status 2."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("bigmodel-tui: ")
    return line.removeprefix("bigmodel-tui: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--optimizer adm",
            "unknown optimizer 'adm': did you mean adam or radam or nadam? known: adadelta,",
        ),
        ("--model nosuch", "unknown model 'nosuch': known: actor-critic, "),
        ("--dataset nosuch", "unknown dataset 'nosuch': known: bible-en, "),
        ("--recipe quick", "unknown recipe 'quick': did you mean quickstart? known: "),
        ("--lr -1", "optimizer.lr: expected a number > 0.0, got -1"),
        ("--lr fast", "optimizer.lr: expected a number, got 'fast'"),
        ("--lr ''", "--lr: expected a value, got ''"),
        ("--lr .inf", "--lr: line 1: expected a finite number, got .inf"),
        ("--set optimizer.lr=fast", "optimizer.lr: expected a number, got 'fast'"),
        ("--set optimizer.lr", "--set: expected KEY=VALUE such as optimizer.lr=3e-4, got 'opt"),
        ("--set =3", "--set: expected KEY=VALUE such as optimizer.lr=3e-4, got '=3'"),
        ("--set speed=3", "speed: unknown key; allowed: accumulate, activation_checkpointing, "),
        ("--set 'seed=[1'", "--set seed: line 1: "),
        ("--set 'seed=*a'", "--set seed: line 1: aliases (*name) are not allowed"),
        ("--epochs 1 --steps 2", "--epochs and --steps exclude each other; give one of them"),
        ("--clip-norm 1 --no-clip", "--clip-norm and --no-clip exclude each other; give one of"),
        ("--clip-norm 0", "clip.threshold: expected a number > 0.0, got 0"),
        ("--clip-value x", "clip.threshold: expected a number, got 'x'"),
        ("--batch-size half", "batch_size: expected a whole number or full, got 'half'"),
        (
            "--dataset spirals --set dataset.fresh=true --batch-size full",
            "batch_size: spirals draws new samples every epoch and has no full batch",
        ),
        ("--epochs 1.5", "epochs: expected a whole number or null, got 1.5"),
        (
            "--schedule cosin",
            "schedule.type: expected one of constant, linear, cosine, one-cycle, step, "
            "exponential, wsd, plateau, inverse-sqrt, got 'cosin'",
        ),
        ("--set precision=1.0e9", "precision: expected one of fp32, tf32, bf16, fp16, got 1000"),
        ("--seed -1", "seed: expected a whole number >= 0, got -1"),
        ("--device tpu", "device: expected auto, cpu, cuda or cuda:N, got 'tpu'"),
        ("--threads 0", "threads: expected a whole number >= 1, got 0"),
        ("--target 'acc > 1'", "target: expected text such as 'val/accuracy >= 0.97' or "),
        (f"--name {'x' * 81}", "name: "),
        ("--speed 1", "No such option '--speed'"),
        ("--lr", "Option '--lr' requires an argument; see `bigmodel-tui"),
        ("extra", "Got unexpected extra argument (extra); see `bigmodel-tui run --help`"),
    ],
)
def test_a_bad_run_is_refused_in_one_line_and_makes_no_directory(
    runs_root: Path, arguments: str, message: str
) -> None:
    line = refusal("run", *shlex.split(arguments))
    assert line.startswith(message)
    assert list(runs_root.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show"], "Missing argument 'RUN'; see `bigmodel-tui show --help`"),
        (["show", "nosuch"], "no run 'nosuch' in "),
        (["show", ""], "no run '' in "),
        (["show", "./nosuch"], "./nosuch: not a run directory (no config.yaml and no events"),
        (["export", "nosuch", "--format", "csv"], "no run 'nosuch' in "),
        (["export", "nosuch"], "Missing option '--format'"),
        (["export", "nosuch", "--format", "xml"], "Invalid value for '--format': 'xml' is not"),
        (["watch", "nosuch"], "no run 'nosuch' in "),
        (["watch"], "no runs in "),
        (["lst"], "No such command 'lst'"),
        (["show", "no\x1b[31msuch"], "no run 'no\\x1b[31msuch' in "),
    ],
)
def test_bad_usage(runs_root: Path, arguments: list[str], message: str) -> None:
    assert refusal(*arguments).startswith(message)


@pytest.mark.parametrize("command", [["ls"], ["run", "--steps", "3"], ["watch"], ["show", "x"]])
def test_a_runs_directory_that_is_a_file(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "runs"
    file.touch()
    line = refusal(*command, "--runs-dir", str(file))
    assert re.match(rf"runs directory {file}: cannot be (read|written) \(", line)


def test_a_missing_runs_directory_is_an_empty_one(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    result = invoke("ls", "--runs-dir", str(missing))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"bigmodel-tui: no runs in {missing} yet; `bigmodel-tui` or ")
    assert not missing.exists()


@pytest.mark.parametrize("command", [[], ["watch", "r"]])
def test_the_app_needs_a_terminal(runs_root: Path, command: list[str]) -> None:
    record(runs_root, "r")
    assert refusal(*command).startswith("the app needs a terminal on its input and output")


def test_watch_takes_what_is_at_work_else_the_newest(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[list[str]] = []

    def open_app(
        root: Path, runs: list[RunDir], *, race: None, ascii_only: bool, no_mouse: bool
    ) -> int:
        assert root == runs_root
        assert race is None
        assert (ascii_only, no_mouse) == (True, bool(opened))
        opened.append([run.id for run in runs])
        return 0

    monkeypatch.setattr(cli, "open_app", open_app)
    first, _, third = (record(runs_root, name) for name in ("run-1", "run-2", "run-3"))
    assert invoke("watch", "--ascii").exit_code == 0
    lock = run_directory.Lock(first)
    try:
        invoke("--ascii", "watch", "--no-mouse")
    finally:
        lock.release()
    invoke("--ascii", "--no-mouse", "watch", "run-2", str(third.path), "run-2")
    assert opened == [["run-3"], ["run-1"], ["run-2", "run-3"]]


def test_the_option_of_a_command_wins_over_the_one_before_it(tmp_path: Path) -> None:
    record(tmp_path / "a", "in-a")
    record(tmp_path / "b", "in-b")
    before = invoke("--runs-dir", str(tmp_path / "a"), "ls")
    both = invoke("--runs-dir", str(tmp_path / "a"), "ls", "--runs-dir", str(tmp_path / "b"))
    assert "in-a" in before.stdout
    assert "in-b" not in before.stdout
    assert "in-b" in both.stdout
    assert "in-a" not in both.stdout


def test_ls_shows_a_run_a_line(runs_root: Path) -> None:
    record(runs_root, "20260101-first", steps=6)
    record(runs_root, "20260102-second", steps=4, status=None, name="my run")
    lines = invoke("ls").stdout.splitlines()
    assert re.fullmatch(r"id +status +name +lr +progress +best val/accuracy +age", lines[0])
    assert re.fullmatch(
        r"20260101-first +done +adam steps=6 +0\.001 +6/6 +0\.8571 +\d+ d", lines[1]
    )
    assert re.fullmatch(r"20260102-second +crashed +my run +0\.001 +4/4 +0\.8000 +\d+ d", lines[2])
    assert len(lines) == 3


def test_ls_json_is_an_object_a_run(runs_root: Path) -> None:
    record(runs_root, "first")
    run = record(runs_root, "second", status=None, name="mine")
    first, second = (json.loads(line) for line in invoke("ls", "--json").stdout.splitlines())
    assert (first["id"], first["status"], first["step"], first["pid"]) == ("first", "done", 6, None)
    assert second["name"] == "mine"
    assert second["status"] == "crashed"
    assert second["best_val_accuracy"] == pytest.approx(6 / 7)
    assert second["path"] == str(run.path)
    assert first.keys() == second.keys()


def test_show_json(runs_root: Path) -> None:
    run = record(runs_root, "20260101-abc", steps=6, seed=5)
    shown = json.loads(invoke("show", "2026", "--json").stdout)
    assert shown["id"] == "20260101-abc"
    assert shown["status"] == "done"
    assert shown["reason"] == "10 epochs"
    assert shown["config"]["seed"] == 5
    assert (shown["steps"], shown["planned_steps"], shown["pid"]) == (6, 6, None)
    assert shown["best"]["val/accuracy"] == {"step": 6, "value": pytest.approx(6 / 7)}
    assert shown["best"]["train/loss"] == {"step": 6, "value": pytest.approx(1 / 6)}
    assert "test/loss" not in shown["best"]
    assert shown["last"]["grad_norm"] == pytest.approx(1 / 3)
    assert shown["test"] == {"loss": pytest.approx(1 / 3), "accuracy": pytest.approx(6 / 7)}
    assert shown["events_path"] == str(run.events_path)
    assert shown["damaged"] == 0


def test_a_name_that_a_person_gave_is_known_to_the_command_line(runs_root: Path) -> None:
    record(runs_root, "first")
    run = record(runs_root, "second", name="as configured")
    meta.write(run, name="the good one")
    listed = [json.loads(line) for line in invoke("ls", "--json").stdout.splitlines()]
    assert {row["id"]: row["name"] for row in listed}[run.id] == "the good one"
    assert json.loads(invoke("show", run.id, "--json").stdout)["name"] == "the good one"
    assert "the good one" in invoke("ls").stdout
    assert "the good one" in invoke("show", run.id).stdout


def test_show_is_readable(runs_root: Path) -> None:
    record(runs_root, "abc")
    text = invoke("show", "abc").stdout
    assert "status      done: 10 epochs\n" in text
    assert "  optimizer.lr              0.001\n" in text
    assert re.search(r"  val/accuracy +0\.8571 +0\.8571 at step 6\n", text)


def test_numbers_that_json_lacks_are_text(runs_root: Path) -> None:
    run = record(runs_root, "abc", status=None)
    log = LogWriter(run.events_path)
    values = {"train/loss": ["nan"], "grad_norm": ["inf"]}
    log.append(Scalars(step=[7], seconds=[1.0], values=values))
    log.append(Evaluation(split="val", step=7, epoch=1, seconds=1, values={"loss": "nan"}))
    log.close()
    shown = json.loads(invoke("show", "abc", "--json").stdout, parse_constant=pytest.fail)
    assert (shown["last"]["train/loss"], shown["last"]["grad_norm"]) == ("nan", "inf")
    assert shown["best"]["train/loss"]["step"] == 6
    row = invoke("export", "abc", "--format", "csv").stdout.splitlines()[-1]
    assert row.startswith("7,1.0,nan,,inf,,,")


def test_a_run_by_prefix_path_and_ambiguous_prefix(runs_root: Path) -> None:
    record(runs_root, "2026-a")
    record(runs_root, "2026-ab")
    assert refusal("show", "2026") == f"run '2026' is ambiguous in {runs_root}: 2026-a, 2026-ab"
    assert "2026-a\n" in invoke("show", "2026-a").stdout  # an exact id is not ambiguous
    assert "2026-ab\n" in invoke("show", str(runs_root / "2026-ab")).stdout


def test_a_damaged_log_is_shown_with_a_count(runs_root: Path) -> None:
    run = record(runs_root, "abc", steps=6)
    lines = run.events_path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"0", b"1", 1)
    run.events_path.write_bytes(b"\xff\x00\x1b[2J\n" + b"".join(lines[:-1]) + lines[-1][:30])
    shown = invoke("show", "abc")
    assert shown.exit_code == 0
    assert "damaged     2 lines of the log skipped" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert json.loads(invoke("show", "abc", "--json").stdout)["damaged"] == 2
    exported = invoke("export", "abc", "--format", "csv")
    assert exported.stderr == "bigmodel-tui: 2 damaged lines of the log were skipped\n"
    assert len(exported.stdout.splitlines()) == 1 + 5


def test_a_log_that_cannot_be_read(runs_root: Path) -> None:
    run = record(runs_root, "abc")
    run.events_path.unlink()
    run.events_path.mkdir()
    assert refusal("show", "abc") == f"{run.events_path}: cannot be read (Is a directory)"


def test_what_a_run_says_does_not_control_the_terminal(runs_root: Path) -> None:
    evil = "\x1b]0;owned\x07\u202e\x9b31m"
    run = record(runs_root, "abc", status="failed", reason=f"bad {evil}", name=f"n{evil}")
    log = LogWriter(run.events_path)
    values = {f"m{evil}": [1.0]}
    log.append(Scalars(step=[7], seconds=[1.0], values=values))
    log.close()
    for command in (["ls"], ["show", "abc"], ["export", "abc", "--format", "csv"]):
        printed = invoke(*command).stdout.replace("\n", "")
        assert printed.isprintable()
        assert "\N{REPLACEMENT CHARACTER}" in printed
    for command in (["ls", "--json"], ["show", "abc", "--json"]):
        printed = invoke(*command).stdout
        assert printed.isascii()
        assert printed.strip().isprintable()
        assert evil in json.loads(printed)["name"]


def exported(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_a_step_and_every_digit(runs_root: Path, tmp_path: Path) -> None:
    run = record(runs_root, "abc", steps=6)
    text = invoke("export", "abc", "--format", "csv").stdout
    head = text.splitlines()[0]
    assert head == f"{HEADER},samples_per_second,val/loss,val/accuracy,test/loss,test/accuracy"
    rows = exported(text)
    state = loading.load(run)
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    for name in ("train/loss", "train/accuracy", "grad_norm", "clipped", "lr"):
        assert [float(row[name]) for row in rows] == state.metrics[name].values.tolist()
    assert [float(row["time"]) for row in rows] == state.seconds.values.tolist()
    assert [bool(row["val/loss"]) for row in rows] == [False, True] * 3
    assert [row["test/loss"] for row in rows[:-1]] == [""] * 5
    assert float(rows[-1]["test/loss"]) == state.last("test/loss")
    file = tmp_path / "out.csv"
    result = invoke("export", "abc", "--format", "csv", "--output", str(file))
    assert (result.exit_code, result.output) == (0, "")
    assert file.read_text() == text


def test_csv_of_a_run_without_steps_is_the_header(runs_root: Path) -> None:
    run = record(runs_root, "abc", steps=2)
    run.events_path.unlink()
    (head,) = invoke("export", "abc", "--format", "csv").stdout.splitlines()
    assert head == "step,time"


def test_csv_keeps_an_evaluation_whose_step_a_damaged_log_lost() -> None:
    state = begun(
        Scalars(step=[1], seconds=[0.5], values={"train/loss": [2.0]}),
        Evaluation(split="val", step=2, epoch=1, seconds=1, values={"loss": 1.5}),
    )
    written = io.StringIO()
    export.write_csv(state, written)
    rows = exported(written.getvalue())
    assert [(row["step"], row["train/loss"], row["val/loss"]) for row in rows] == [
        ("1", "2.0", ""),
        ("2", "", "1.5"),
    ]


def test_a_file_that_cannot_be_written(runs_root: Path, tmp_path: Path) -> None:
    record(runs_root, "abc")
    line = refusal("export", "abc", "--format", "csv", "--output", str(tmp_path))
    assert line == f"{tmp_path}: cannot be written (Is a directory)"


def test_presets_lists_every_preset_with_its_size() -> None:
    text = invoke("presets").stdout
    lines = invoke("presets", "--json").stdout.splitlines()
    entries = [json.loads(line) for line in lines]
    for kind in presets.KINDS:
        names = [entry["name"] for entry in entries if f"{entry['kind']}s" == kind]
        assert names == presets.names(kind)
        assert f"{kind}\n" in text
    by_name = {entry["name"]: entry for entry in entries}
    assert by_name["mlp"]["num_parameters"] == 59338
    assert "59,338 parameters on digits" in text
    assert by_name["digits"]["samples"] == {"train": 1257, "val": 270, "test": 270}
    assert "1,257 train, 270 val, 270 test; 10 classes" in text
    assert by_name["gd"]["run"] == {"batch_size": "full", "steps": 300}
    assert by_name["quickstart"]["steps"] == 400
    assert "steps" not in by_name["gpt2-small"]  # its sizes follow from a person's data


def test_our_own_mistake_is_one_line_and_its_traceback_is_for_the_asking(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(root: Path) -> None:
        raise KeyError("lost\nit")

    monkeypatch.setattr("engine.runs.run_directory.list_runs", broken)
    result = invoke("ls")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("bigmodel-tui: unexpected KeyError: ")
    assert "BIGMODEL_TRACEBACK=1" in line
    monkeypatch.setenv("BIGMODEL_TRACEBACK", "1")
    with pytest.raises(KeyError):
        CliRunner().invoke(cli.cli, ["ls"], catch_exceptions=False)


def test_a_reader_that_leaves_early_is_no_error(runs_root: Path) -> None:
    record(runs_root, "abc", steps=3000)
    code = "from tui.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code, "export", "abc", "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b"step,")
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("blocks", ["█░", "#."])
@pytest.mark.parametrize("width", [1, 10, 20, 39, 79, 200])
def test_the_progress_bar_fits(width: int, blocks: str, tmp_path: Path) -> None:
    state = loading.load(record(tmp_path, "abc", steps=6))
    line = reporters.bar(state, width, blocks)
    assert len(line) == width
    if width >= 20:
        assert "step 6/6" in line
    if width >= 79:
        assert line.startswith(blocks[0] * 15)
        assert "epoch 3.0  train/loss 0.1833  val/accuracy 0.8571" in line
    assert reporters.bar(RunState(run=state.run), 79, blocks).startswith(blocks[1] * 15)


def test_the_progress_bar_of_half_a_run(tmp_path: Path) -> None:
    state = loading.load(record(tmp_path, "abc", steps=6))
    assert isinstance(state.started, RunStarted)
    state.started = RunStarted(
        config={},
        device="cpu",
        num_parameters=1,
        planned_steps=12,
        steps_per_epoch=2,
        samples={},
    )
    line = reporters.bar(state, 200, "#.")
    assert line.startswith("#" * 15 + "." * 15 + "  step 6/12  epoch 3.0")
