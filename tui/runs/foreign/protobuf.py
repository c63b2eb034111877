"""Make message classes of Google's protobuf library, with only the fields that are read here.

The libraries of these formats bring hundreds of megabytes and no usable reader: TensorBoard's stops
at the first damage and computes checksums in Python, and `wandb` reads its files only in Go. So the
framing is read here and the messages by protobuf, which checks lengths. Text stays bytes, since it
need not be valid UTF-8.
"""

import functools
import importlib.util
from typing import Any

from presets import UserError

Fields = dict[str, tuple[int, str]]
"""The fields of a message: number and type by name. A type is `double`, `float`, `int64`, `bytes`
or the name of a message, with a `*` behind it for a repeated field."""


def require() -> None:
    """Raises UserError, in one line, if the libraries are not installed."""
    for module in ("google.protobuf", "google_crc32c"):
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise UserError(
                "TensorBoard and W&B logs need optional packages; install with"
                " pip install 'bigmodel-tui[logs]'"
            )


def messages(package: str, table: dict[str, Fields]) -> dict[str, Any]:
    """A class for each message of the table, by name."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto2"
    )
    for name, known in table.items():
        message = file.message_type.add(name=name)
        for field, (number, said) in known.items():
            many, kind = said.endswith("*"), said.rstrip("*")
            made = message.field.add(name=field, number=number)
            made.label = kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL
            if kind in table:
                made.type, made.type_name = kinds.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                made.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in table
    }


@functools.cache
def decode_error() -> type[Exception]:
    """The error that `FromString` raises for bytes that are not such a message."""
    from google.protobuf import message

    error: type[Exception] = message.DecodeError
    return error


def text(value: bytes) -> str:
    """Bytes as text, with replacement characters where they are not UTF-8."""
    return value.decode("utf-8", "replace")
