"""Texts that a person types, as settings with dotted keys, and settings as such texts; pure.

The launch screen, the prompts, the race set-up and the command line all read their texts here.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from presets import ConfigError, yaml
from presets.schema import Clip, ClipMode, RunConfig, Schedule

_EXAMPLE = "KEY=VALUE such as optimizer.lr=3e-4"


def parse_length(text: str, where: str) -> dict[str, Any]:
    """`epochs` or `steps` from `10`, `10 epochs` or `400 steps`. Raises ConfigError."""
    words = text.split()
    unit = words[1].rstrip("s") if len(words) == 2 else "epoch"
    if len(words) not in (1, 2) or unit not in ("epoch", "step"):
        raise ConfigError(f"{where}: expected '10 epochs' or '400 steps', got {text!r}")
    return {f"{unit}s": yaml.parse(words[0], where)}


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
    """Settings from a type, optionally `warmup` and steps, optionally other keys of a schedule.

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


def parse_assignments(texts: Iterable[str], where: str) -> dict[str, Any]:
    """Settings from texts `KEY=VALUE`, with values as YAML reads them. Raises ConfigError."""
    given: dict[str, Any] = {}
    for text in texts:
        key, value = split_assignment(text, where)
        given[key] = yaml.parse(value, f"{where} {key}")
    return given


def parse_settings(text: str, where: str) -> dict[str, Any]:
    """Settings from one text with `KEY=VALUE` between spaces. Raises ConfigError."""
    return parse_assignments(words(text), where)


def split_assignment(text: str, where: str, expected: str = _EXAMPLE) -> tuple[str, str]:
    """The key and the value of `KEY=VALUE`, as texts. Raises ConfigError."""
    key, equals, value = text.partition("=")
    if not (key.strip() and equals):
        raise ConfigError(f"{where}: expected {expected}, got {text!r}")
    return key.strip(), value


def words(text: str) -> list[str]:
    """A text of settings split at spaces that are outside quotes, lists and mappings."""
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


def write_length(config: RunConfig) -> str:
    """How long a run trains, as `parse_length` reads it."""
    return f"{config.steps} steps" if config.steps else f"{config.epochs} epochs"


def write_clip(config: RunConfig) -> str:
    """The clipping of a run, as `parse_clip` reads it."""
    clip = config.clip
    return clip.mode if clip.mode == "none" else f"{clip.mode} {write_value(clip.limit)}"


def write_schedule(config: RunConfig) -> str:
    """The schedule of a run, as `parse_schedule` reads it, without what has its default value."""
    schedule, usual = config.schedule, Schedule()
    words: list[str] = [schedule.type]
    if schedule.warmup_steps:
        words.append(f"warmup {schedule.warmup_steps}")
    for key in schedule.__struct_fields__:
        value = getattr(schedule, key)
        if key not in ("type", "warmup_steps") and value != getattr(usual, key):
            words.append(f"{key}={write_value(value)}")
    return " ".join(words)


def write_settings(settings: Mapping[str, Any]) -> str:
    """Settings with dotted keys, as `parse_settings` reads them."""
    return " ".join(f"{key}={write_value(value)}" for key, value in settings.items())


def write_value(value: Any) -> str:
    """A value as YAML on one line, in its short form where that is read back as the same."""
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, str):
        simple = bool(value) and all(c.isalnum() or c in "_-./+~" for c in value)
        if simple and yaml.parse(value) == value:
            return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
