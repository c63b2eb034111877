"""What a person noted about a run, kept in its directory: name, note and tags."""

import json
import os
import secrets
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, structs

from engine.rundir import RunDir
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
    """What was noted; nothing where there is no file, or one that cannot be used."""
    try:
        with path_of(run).open("rb") as file:
            return msgspec.json.decode(file.read(MAX_BYTES + 1)[:MAX_BYTES], type=Remarks)
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return Remarks()


def write(run: RunDir, **changes: object) -> Remarks:
    """Change some of it; the file is written aside and renamed, readable by the owner only.

    Raises UserError if a text is too long or the directory cannot be written.
    """
    remarks = convert(structs.asdict(read(run)) | changes, Remarks)
    final = path_of(run)
    draft = final.with_name(f".meta-{secrets.token_hex(4)}.tmp")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(structs.asdict(remarks), file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(final)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UserError(f"{final}: cannot be written ({error.strerror})") from None
    return remarks
