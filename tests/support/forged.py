"""Checkpoints made by hand: small ones, and mutated ones whose manifest agrees with them."""

from zlib import crc32

import msgspec

from engine.runs import checkpoint
from engine.runs.checkpoint import MANIFEST, STATE, TENSORS, WEIGHTS, sealed
from engine.training.saving import checkpoint_writer

FILES = (WEIGHTS, TENSORS, STATE)


def plain_write(run, step, *, best=False, finite=True, fill=None, reason="interval"):
    """A checkpoint of three small files."""

    def write(folder):
        for name in FILES:
            (folder / name).write_bytes(name.encode() * step)

    facts = {"step": step, "reason": reason, "best": best, "finite": finite}
    return checkpoint_writer.write(run, **facts, fill=fill or write)


def forge(item, name, data):
    """Replace a file and make the manifest agree with it."""
    (item.path / name).write_bytes(data)
    with (item.path / name).open("rb") as file:
        digest = checkpoint.digest(file)
    facts = checkpoint.FileFacts(bytes=len(data), sha256=digest)
    manifest = msgspec.structs.replace(item.manifest, files={**item.manifest.files, name: facts})
    (item.path / MANIFEST).write_bytes(sealed(manifest))
    return checkpoint.read(item.path)


def reseal(body):
    return body[:-1] + b',"crc":"%08x"}' % crc32(body)
