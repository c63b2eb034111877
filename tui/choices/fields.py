"""The settings that are typed as texts on the launch screen: read and written; pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from presets import dotted_keys, yaml
from presets.schema import RunConfig, plain
from tui.choices import per_optimizer_settings, typed_text


@dataclass(frozen=True)
class Field:
    """A setting that is typed as text; an empty text leaves it to the presets."""

    key: str
    """Its name in the file of the last choice, and the id of its input."""
    label: str
    help: str
    parse: Callable[[str], dict[str, Any]]
    """From text to settings; ConfigError says what is allowed."""
    show: Callable[[RunConfig], str]
    """The same setting of a configuration as text that `parse` understands."""
    about: tuple[str, ...] = ()
    """The settings that it decides, with dotted keys, or the beginnings of such keys."""
    short: str = ""
    """What it is called where two configurations are compared; else its key."""


def _plain_field(key: str, label: str, help_text: str, setting: str, short: str = "") -> Field:
    def show(config: RunConfig) -> str:
        value = dotted_keys.get(plain(config), setting)
        return typed_text.write_value(value) if isinstance(value, float) else str(value)

    def parse(text: str) -> dict[str, Any]:
        return {setting: yaml.parse(text, label)}

    return Field(key, label, help_text, parse, show, (setting,), short)


_RATE_HELP = "a number > 0, such as 3e-4; with several optimizers: all 3e-4, or adam 3e-4, sgd 0.1"

FIELDS = (
    Field(
        "length",
        "Train for",
        "such as 10 epochs or 400 steps",
        partial(typed_text.parse_length, where="train for"),
        typed_text.write_length,
        ("epochs", "steps"),
        "train for",
    ),
    _plain_field("batch", "Batch size", "samples a step, or full", "batch_size", "batch size"),
    replace(
        _plain_field("lr", "Learning rate", _RATE_HELP, per_optimizer_settings.BARE),
        parse=partial(per_optimizer_settings.parse_rates, where="Learning rate"),
    ),
    Field(
        "schedule",
        "Schedule",
        "such as cosine warmup 100; also linear, one-cycle, step, wsd, plateau",
        typed_text.parse_schedule,
        typed_text.write_schedule,
        ("schedule.",),
    ),
    Field(
        "clip",
        "Clip",
        "norm 1, value 0.5, parameter 1, agc 0.01, autoclip 10, zclip 2.5, none",
        typed_text.parse_clip,
        typed_text.write_clip,
        ("clip.",),
    ),
    _plain_field("precision", "Precision", "fp32, tf32, bf16 or fp16", "precision"),
    _plain_field("seed", "Seed", "a whole number >= 0: weights, batches, dropout", "seed"),
    _plain_field("device", "Device", "auto, cpu or cuda:0", "device"),
    Field(
        "more",
        "More",
        "any setting, such as ema_decay=0.99 accumulate=4 model.dropout=0.2",
        partial(typed_text.parse_settings, where="more"),
        lambda config: "",
    ),
)


def compared(before: RunConfig, after: RunConfig) -> list[str]:
    """The fields in which two configurations differ, such as `lr 0.001 -> 0.0003`."""
    return [
        f"{field.short or field.key} {_brief(field.show(before))} -> {_brief(field.show(after))}"
        for field in FIELDS
        if field.show(before) != field.show(after)
    ]


def _brief(text: str) -> str:
    """A number in six digits: a learning rate that a schedule had scaled has many more."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text
