"""Find the logs of other programs at a path, by names and first bytes."""

import os
from collections.abc import Iterator
from pathlib import Path

from engine.runs.run_directory import RunDir
from engine.runs.safe_file_access import open_regular
from presets import UserError
from tui.runs.foreign import protobuf, tensorboard, trainer_state, wandb
from tui.runs.foreign.growing_file import MAX_LINE_BYTES
from tui.runs.foreign.json_document import MAX_BYTES, path_text, records_of
from tui.runs.foreign.record_flattening import parse
from tui.runs.foreign.run import ForeignRun, Kind, told_apart
from tui.runs.foreign.separators import SAMPLE_LINES, read_header
from tui.runs.foreign.text_encoding import TextForm, form_of
from tui.runs.foreign.wandb_csv import exported_runs
from tui.runs.run import Run

MAX_RUNS = 100
MAX_DEPTH = 8
MAX_FOLDERS = 10_000
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
_BELOW = {
    f"{name}{ending}"
    for name in ("metrics", "progress", "results", "history", "log", "logs")
    for ending in (".csv", ".jsonl")
} | {"scalars.json", "metrics.json", "history.json"}
"""Names of the tables that are opened in folders below too; others there may be data."""
_FIRST_BYTES = 4096


def sniff(path: Path) -> Kind | None:
    """The kind of log that a file is, or a folder that holds a single run; None if it is not one.

    Raises OSError.
    """
    if path.is_dir():
        return next(iter(_in_folder(path)), None)
    name, ending = path.name.lower(), path.suffix.lower()
    if tensorboard.is_event_file(name):
        return "tensorboard"
    if name == trainer_state.NAME:
        return "trainer"
    if name == "metrics.csv" and _is_lightning(path.parent):
        return "lightning"
    if ending in (".csv", ".tsv"):
        return "wandb-csv" if exported_runs(_header(path)) else "csv"
    by_ending: dict[str, Kind] = {".wandb": "wandb", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    return by_ending.get(ending) or _by_content(path)


def _by_content(path: Path) -> Kind | None:
    with open_regular(path) as file:
        start = file.read(_FIRST_BYTES)
        if start.startswith(wandb.MAGIC):
            return "wandb"
        if start.lstrip()[:1] in (b"{", b"["):
            start += file.read(MAX_LINE_BYTES - len(start))
    form = form_of(start) or TextForm()
    text = start[form.mark :].decode(form.encoding, "replace")
    lines = [line.encode() for line in text.split(form.newline)[: SAMPLE_LINES + 1]]
    if text.lstrip()[:1] in ("{", "["):
        return _json_kind(path, lines)
    while lines and (lines[0].isspace() or not lines[0] or lines[0].startswith(b"#")):
        del lines[0]
    if "\0" in text or path.suffix == ".json" or not lines:
        return None
    return "csv" if len(read_header(lines[0], lines[1:-1])) > 1 else None


def _json_kind(path: Path, lines: list[bytes]) -> Kind | None:
    """Whether a file is of JSON lines, or one document that holds series or records."""
    there = [line for line in lines if line.strip()]
    try:
        first = parse(there[0])
    except ValueError:
        first = None
    if isinstance(first, dict) and (len(there) > 1 or not records_of(first)[0]):
        return "jsonl"
    if path.stat().st_size > MAX_BYTES:
        return "json"  # which says that it is too large
    try:
        document = parse(path_text(path))
    except ValueError:
        return None
    return "json" if records_of(document)[0] else None


def open_source(path: Path) -> list[Run]:
    """The runs at a path, ours included: usually one for a file; those in and below a folder.

    Raises UserError if there are none, or more than a screen can show.
    """
    try:
        runs = _of_folder(path) if path.is_dir() else _of_file(path, path.name)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if not runs:
        kinds = "TensorBoard, W&B, Lightning, Hugging Face trainer, CSV, JSON or JSON lines"
        raise UserError(f"{path}: neither a run nor a log that can be opened ({kinds})")
    if len(runs) > MAX_RUNS:
        raise UserError(f"{path}: {len(runs)} runs; name a folder with at most {MAX_RUNS}")
    if any(isinstance(run, ForeignRun) and run.kind in ("tensorboard", "wandb") for run in runs):
        protobuf.require()
    return runs


def _of_file(path: Path, label: str) -> list[Run]:
    kind = sniff(path)
    if kind is None:
        return []
    if kind == "jsonl" and path.name == "events.jsonl" and RunDir(path.parent).config_path.exists():
        return [RunDir(path.parent.absolute())]
    if kind == "wandb-csv":
        runs = exported_runs(_header(path))
        return [_run(path, kind, name[:80], name) for name in runs]
    return [_run(path, kind, label)]


def _of_folder(top: Path) -> list[Run]:
    runs: list[Run] = []
    for folder in _folders(top):
        relative = folder.relative_to(top)
        label = str(relative) if relative.parts else top.absolute().name
        if _is_ours(folder):
            runs.append(RunDir(folder.absolute()))
            continue
        runs += [_run(_place(folder, kind), kind, label) for kind in _in_folder(folder)]
        for path in sorted(folder.iterdir()):
            known = path.name in _BELOW or (folder == top and path.suffix in _TABLES)
            if known and path.is_file() and sniff(path) != "lightning":  # that is its folder
                runs += _of_file(path, str(path.relative_to(top)))
        if len(runs) > 100 * MAX_RUNS:
            break
    # Runs of several kinds in one folder get the kind into their labels.
    return told_apart(runs, lambda run: f"{run.label} ({run.title})")


def _folders(top: Path) -> Iterator[Path]:
    """The folder and those below it, except folders that belong to a run."""
    for number, (name, below, _) in enumerate(os.walk(top), 1):
        folder = Path(name)
        yield folder
        closed = _is_ours(folder) or wandb.file_of(folder) is not None
        deep = len(folder.relative_to(top).parts) >= MAX_DEPTH
        if closed or deep or number >= MAX_FOLDERS:
            below.clear()
        below[:] = sorted(each for each in below if not _is_inner(each))


def _is_inner(name: str) -> bool:
    """Whether a folder is a part of the one around it, or hidden."""
    return name.startswith((".", "__")) or trainer_state.CHECKPOINT.fullmatch(name) is not None


def _in_folder(folder: Path) -> list[Kind]:
    """The kinds of logs that this folder as a whole is."""
    kinds: list[Kind] = []
    if tensorboard.files(folder):
        kinds.append("tensorboard")
    if wandb.file_of(folder) is not None:
        kinds.append("wandb")
    if (folder / "metrics.csv").is_file() and _is_lightning(folder):
        kinds.append("lightning")
    if trainer_state.newest(folder) is not None:
        kinds.append("trainer")
    return kinds


def _place(folder: Path, kind: Kind) -> Path:
    """The path that the reader of this kind is given."""
    if kind == "wandb":
        return wandb.file_of(folder) or folder
    return folder / "metrics.csv" if kind == "lightning" else folder


def _is_ours(folder: Path) -> bool:
    return (folder / "config.yaml").is_file() and (folder / "events.jsonl").is_file()


def _is_lightning(folder: Path) -> bool:
    return (folder / "hparams.yaml").is_file() or folder.name.startswith("version_")


def _header(path: Path) -> list[str]:
    with open_regular(path) as file:
        return read_header(file.readline(MAX_LINE_BYTES))


def _run(path: Path, kind: Kind, label: str, part: str = "") -> ForeignRun:
    return ForeignRun(path.absolute(), kind, label, part)
