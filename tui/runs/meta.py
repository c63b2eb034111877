"""Remarks of a person about a run, kept in its directory: name, note and tags."""

import json
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, structs

from engine.runs.run_directory import RunDir
from engine.runs.safe_file_access import open_regular, replace_file
from presets import UserError
from presets.convert import convert

MAX_BYTES = 64 * 1024


class Remarks(Struct, frozen=True, kw_only=True):
    """The contents of `meta.json`."""

    name: Annotated[str, Meta(max_length=80)] = ""
    """Replaces the name that the settings make."""
    note: Annotated[str, Meta(max_length=500)] = ""
    tags: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=40)], ...], Meta(max_length=20)
    ] = ()


def path_of(run: RunDir) -> Path:
    """The file in the run's directory."""
    return run.path / "meta.json"


def read(run: RunDir) -> Remarks:
    """The remarks; empty ones where there is no file, or one that cannot be used."""
    try:
        with open_regular(path_of(run)) as file:
            return msgspec.json.decode(file.read(MAX_BYTES + 1)[:MAX_BYTES], type=Remarks)
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return Remarks()


def write(run: RunDir, **changes: object) -> Remarks:
    """Change some remarks; the file is written aside and renamed, readable by the owner only.

    Raises UserError if a text is too long or the directory cannot be written.
    """
    remarks = convert(structs.asdict(read(run)) | changes, Remarks)
    try:
        replace_file(path_of(run), json.dumps(structs.asdict(remarks)).encode())
    except OSError as error:
        raise UserError(f"{path_of(run)}: cannot be written ({error.strerror})") from None
    return remarks
