"""The settings that are typed as texts on the launch screen: read and written; pure."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from presets import ConfigError, UserError, dotted_keys, yaml
from presets.schema import Clip, ClipMode, RunConfig, Schedule, plain


@dataclass(frozen=True)
class Field:
    """A setting that is typed as text; empty text leaves it to the presets."""

    key: str
    label: str
    help: str
    parse: Callable[[str], dict[str, Any]]
    """From text to settings; ConfigError says what is allowed."""
    show: Callable[[RunConfig], str]
    """The same setting of a configuration as text that `parse` understands."""
    about: tuple[str, ...] = ()
    """The settings that it decides, with dotted keys, or the beginnings of such keys."""


def _parse_length(text: str) -> dict[str, Any]:
    words = text.split()
    unit = words[1] if len(words) == 2 else "epochs"
    if len(words) not in (1, 2) or unit.rstrip("s") not in ("epoch", "step"):
        raise ConfigError(f"train for: expected '10 epochs' or '400 steps', got {text!r}")
    return {unit.rstrip("s") + "s": yaml.parse(words[0])}


def parse_clip(text: str) -> dict[str, Any]:
    """Settings from a mode and its limit, such as `norm 1.0`, or `none`. Raises ConfigError."""
    mode, _, limit = text.partition(" ")
    if mode == "none" and not limit:
        return {"clip.mode": "none"}
    modes = [name for name in get_args(ClipMode) if name != "none"]
    if mode not in modes or not limit.strip():
        raise ConfigError(
            f"clip: expected 'none', or a limit after {', '.join(modes)}, such as 'norm 1.0', "
            f"got {text!r}"
        )
    key = Clip().changed(cast("Any", mode), None).limit_key
    return {"clip.mode": mode, f"clip.{key}": yaml.parse(limit, "clip")}


def parse_schedule(text: str) -> dict[str, Any]:
    """Settings from a type, perhaps `warmup` and steps, perhaps other keys of a schedule.

    Raises ConfigError.
    """
    kind, *words = text.split() or [""]
    given: dict[str, Any] = {"schedule.type": kind, "schedule.warmup_steps": 0}
    while words:
        word = words.pop(0)
        key, equals, value = word.partition("=")
        if word == "warmup" and words:
            key, value = "warmup_steps", words.pop(0)
        elif not equals:
            example = "'cosine', 'cosine warmup 100' or 'wsd decay_share=0.3'"
            raise ConfigError(f"schedule: expected {example}, got {text!r}")
        given[f"schedule.{key}"] = yaml.parse(value, f"schedule.{key}")
    return given


def _show_schedule(config: RunConfig) -> str:
    """The same in words, what is as usual left out."""
    schedule, usual = config.schedule, Schedule()
    words: list[str] = [schedule.type]
    if schedule.warmup_steps:
        words.append(f"warmup {schedule.warmup_steps}")
    for key in schedule.__struct_fields__:
        value = getattr(schedule, key)
        if key not in ("type", "warmup_steps") and value != getattr(usual, key):
            words.append(f"{key}={written(value)}")
    return " ".join(words)


def _parse_more(text: str) -> dict[str, Any]:
    """Any settings by their dotted keys, as `run --set` takes them."""
    given = {}
    for word in _words(text):
        key, equals, value = word.partition("=")
        if not (key and equals):
            raise ConfigError(f"more: expected KEY=VALUE such as ema_decay=0.999, got {word!r}")
        given[key] = yaml.parse(value, key)
    return given


def pairs(texts: Iterable[str]) -> dict[str, Any]:
    """The settings of `--set KEY=VALUE`, with values as YAML would read them."""
    given: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key.strip() and equals):
            raise UserError(f"--set: expected KEY=VALUE such as optimizer.lr=3e-4, got {text!r}")
        given[key.strip()] = yaml.parse(value, f"--set {key.strip()}")
    return given


def _words(text: str) -> list[str]:
    """Split at spaces, but not within quotes, lists and mappings."""
    words, word, depth, quote = [], "", 0, ""
    for character in text:
        if quote:
            escaped = quote == '"' and (len(word) - len(word.rstrip("\\"))) % 2
            quote = "" if character == quote and not escaped else quote
        elif character in "'\"" and word[-1:] in ("=", "[", "{", ",", ":", " "):
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character.isspace() and depth <= 0:
            words.append(word)
            word = ""
            continue
        word += character
    return [word for word in [*words, word] if word]


def write_more(settings: Mapping[str, Any]) -> str:
    """Settings with dotted keys as text that is read back as the same."""
    return " ".join(f"{key}={written(value)}" for key, value in settings.items())


def written(value: Any) -> str:
    """A value as YAML on one line: short where that says the same."""
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, str):
        simple = bool(value) and all(c.isalnum() or c in "_-./+~" for c in value)
        if simple and yaml.parse(value) == value:
            return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _show_length(config: RunConfig) -> str:
    return f"{config.steps} steps" if config.steps else f"{config.epochs} epochs"


def _show_clip(config: RunConfig) -> str:
    clip = config.clip
    return clip.mode if clip.mode == "none" else f"{clip.mode} {written(clip.limit)}"


def _plain_field(key: str, label: str, help_text: str, setting: str) -> Field:
    def show(config: RunConfig) -> str:
        value = dotted_keys.get(plain(config), setting)
        return written(value) if isinstance(value, float) else str(value)

    def parse(text: str) -> dict[str, Any]:
        return {setting: yaml.parse(text, label)}

    return Field(key, label, help_text, parse, show, (setting,))


FIELDS = (
    Field(
        "length",
        "Train for",
        "such as 10 epochs or 400 steps",
        _parse_length,
        _show_length,
        ("epochs", "steps"),
    ),
    _plain_field("batch", "Batch size", "samples a step, or full", "batch_size"),
    _plain_field("rate", "Learning rate", "a number > 0, such as 3e-4", "optimizer.lr"),
    Field(
        "schedule",
        "Schedule",
        "such as cosine warmup 100; also linear, one-cycle, step, wsd, plateau",
        parse_schedule,
        _show_schedule,
        ("schedule.",),
    ),
    Field(
        "clip",
        "Clip",
        "norm 1, value 0.5, parameter 1, agc 0.01, autoclip 10, zclip 2.5, none",
        parse_clip,
        _show_clip,
        ("clip.",),
    ),
    _plain_field("precision", "Precision", "fp32, tf32, bf16 or fp16", "precision"),
    _plain_field("seed", "Seed", "a whole number >= 0: weights, batches, dropout", "seed"),
    _plain_field("device", "Device", "auto, cpu or cuda:0", "device"),
    Field(
        "more",
        "More",
        "any setting, such as ema_decay=0.99 accumulate=4 model.dropout=0.2",
        _parse_more,
        lambda config: "",
    ),
)
