"""Hypothesis strategies for every event, made from its type: all that may be written, with the ends
of each range often."""

import functools
import sys
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from engine.runs.events import AnyEvent

TYPES = get_args(AnyEvent)
_WORDS = [
    "",
    "a",
    "train/loss",
    "val/accuracy",
    "实验一 学习率",
    "e\u0301" * 8,
    "\x1b[31m\n",
    "x" * 999,
]
_KEYS = [
    *("lr", "loss", "accuracy", "grad_norm", "clipped", "clip/layer", "mfu", "dead", "宽"),
    *("model", "optimizer", "clip", "name", "steps", "epochs", "batch_size", "target", "parent"),
    *("diagnostics", "train/loss", "val/loss", "lr_factor", "clip_mode", "clip_threshold"),
]
_LARGEST = sys.float_info.max


_SETTINGS: list[Any] = [
    *(None, True, -(2**63), 2**64 - 1, 0.0, 1e-3, -_LARGEST, _LARGEST, *_WORDS, [], {}, [1]),
    {"mode": "norm", "threshold": -_LARGEST, "name": [1], "every": {}},
    {"mode": "agc", "ratio": "0", "name": "宽", "lr": 2**64 - 1, "type": None},
]
"""Values where a setting may be anything."""


@functools.cache
def event_of(kind: type) -> st.SearchStrategy[Any]:
    """Events of a kind as plain data: each value within its type, whether or not they fit."""
    return _of(inspect.type_info(kind))


def _of(  # noqa: PLR0911, PLR0912
    kind: inspect.Type, size: int = 3
) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.IntType():
            low = kind.ge if kind.ge is not None else -(2**63)
            high = kind.le if kind.le is not None else 2**63 - 1
            middle = st.integers(max(low, 0), min(high, 100))
            return middle | st.sampled_from([low, high])
        case inspect.FloatType():
            low = kind.ge if kind.ge is not None else -_LARGEST
            high = kind.le if kind.le is not None else _LARGEST if kind.lt is None else kind.lt - 1
            middle = st.floats(max(low, -10), min(high, 10))
            return middle | st.sampled_from([low, high])
        case inspect.StrType():
            return st.sampled_from(_WORDS)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.UnionType():
            return st.one_of(*map(_of, kind.types))
        case inspect.ListType():
            return st.lists(_of(kind.item_type), max_size=size)
        case inspect.TupleType():
            return st.tuples(*map(_of, kind.item_types)).map(list)
        case inspect.DictType():
            return st.dictionaries(st.sampled_from(_KEYS), _of(kind.value_type), max_size=size)
        case inspect.AnyType():
            return st.sampled_from(_SETTINGS)
        case inspect.StructType():
            fields = {field.encode_name: _of(field.type) for field in kind.fields}
            tag = {} if kind.tag is None else {str(kind.tag_field): st.just(kind.tag)}
            return st.fixed_dictionaries(tag | fields)
        case _:
            raise TypeError(kind)


@st.composite
def fitting(draw: st.DrawFn, kind: type) -> Any:  # noqa: PLR0912
    """An event of a kind as plain data whose parts fit together."""
    event = draw(event_of(kind))
    match event["kind"]:
        case "scalars":
            event["step"] = sorted(event["step"]) or [1]
            long = len(event["step"])
            event["seconds"] = _long(event["seconds"], long, 0.5)
            columns = event["values"] or {"train/loss": []}
            event["values"] = {key: _long(column, long, "nan") for key, column in columns.items()}
        case "layers":
            event["names"] = list(dict.fromkeys(event["names"])) or ["conv1"]
            long = len(event["names"])
            event["kinds"] = _long(event["kinds"], long, "Linear") if event["kinds"] else []
            names = ("update_ratio", "grad_norm", "weight_norm", "dead")
            columns = dict(zip(names, event["values"].values(), strict=False)) | event["values"]
            event["values"] = {key: _long(column, long, "inf") for key, column in columns.items()}
        case "histograms":
            event["names"] = list(dict.fromkeys(event["names"])) or ["conv1"]
            event["low"], event["high"] = sorted((event["low"], event["high"]))
            if event["high"] - event["low"] < 1e-3:
                event["low"], event["high"] = -1e-3, 1e-3
            rows = _long(event["counts"], len(event["names"]), [1])
            event["counts"] = [_counts(row, 2) for row in rows]
        case "confusion":
            long = len(event["names"]) or 2
            event["counts"] = [_counts(row, long) for row in _long(event["counts"], long, [1])]
        case "predictions":
            for sample in event["samples"]:
                sample["pixels"] = [_long(row, 2, 255) for row in sample["pixels"]]
        case "outputs":
            for sample in event["samples"]:
                sample["spectrogram"] = [_long(row, 2, 255) for row in sample["spectrogram"]]
                spans = sample["spans"] if sample["spectrogram"] else []
                sample["spans"] = [span | {"begin": 0, "end": 2} for span in spans]
        case "game":
            cells = event["rows"] * event["columns"]
            event["moves"] = [
                move | {"move": min(move["move"], cells - 1), "policy": []}
                for move in event["moves"]
            ]
        case "episode":
            seen = [_long(row, 2, 0.0) for row in event["observations"]] or [[0.0, 1.0]]
            event["observations"], event["every"], event["length"] = seen, 1, len(seen)
            event["policies"] = _long(
                [_long(row, 2, 0.5) for row in event["policies"]], len(seen), [0.5, 0.5]
            )
            for key, filler in (("actions", 0), ("values", 0.0)):
                event[key] = _long(event[key], len(seen), filler)
        case "gap" | "profiled":
            ends = sorted((event["first_step"], event["last_step"]))
            event["first_step"], event["last_step"] = ends
    return event


def _counts(values: list[int], length: int) -> list[int]:
    """Counts that are as large as some together may be."""
    return [min(value, 2**48) for value in _long(values, length, 1)]


def _long(values: list[Any], length: int, filler: Any) -> list[Any]:
    return (values + [filler] * length)[:length]


def sealed(event: Any) -> bytes:
    """The line of an event with a right CRC, without its newline."""
    from zlib import crc32

    body = msgspec.json.encode(event)
    return body[:-1] + b',"crc":"%08x"}' % crc32(body)
