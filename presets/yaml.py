"""A strict, safe reader and writer for the YAML that configures a run.

Only plain data is read: mappings with text keys, lists, text, numbers, true/false and null.
Compared with YAML 1.1 it refuses aliases, tags, duplicate keys, files over 64 KiB and nesting
over 20, and it knows fewer surprises: `no` is text, `010` is ten, `1e-3` is a number.
"""

import math
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.emitter import Emitter
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.representer import SafeRepresenter
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner
from yaml.serializer import Serializer

from presets.errors import ConfigError
from presets.regular_files import open_regular

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20

_NULL, _BOOL, _INT, _FLOAT, _STR = (
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str")
)


class _Resolver(BaseResolver):
    """The rules that say which plain words are numbers, booleans or null; for reading and
    writing."""


for _tag, _pattern, _first in (
    (_NULL, r"~|null|", ["~", "n", ""]),
    (_BOOL, r"true|false", list("tf")),
    (_INT, r"[-+]?[0-9]{1,18}", list("-+0123456789")),
    (
        _FLOAT,
        r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,4})?|[-+]?\.inf|\.nan",
        list("-+0123456789."),
    ),
):
    _Resolver.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _first)


class _Loader(Reader, Scanner, Parser, Composer, _Resolver):
    """PyYAML's parser, stopped at the first alias, tag or nesting that is too deep."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        _Resolver.__init__(self)
        self._depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, AliasEvent):
            raise _error(event, "aliases (*name) are not allowed")
        if getattr(event, "tag", None) is not None:
            raise _error(event, f"tags ({event.tag}) are not allowed")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _error(event, f"nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Dumper(Emitter, Serializer, SafeRepresenter, _Resolver):
    """PyYAML's writer with our resolver, so that text such as '1e-3' is quoted."""

    def __init__(self, stream: Any, **options: Any) -> None:
        Emitter.__init__(self, stream, width=100, allow_unicode=True)
        Serializer.__init__(self)
        SafeRepresenter.__init__(self, sort_keys=False)
        self.default_flow_style: Any = None  # one line for what holds only scalars
        _Resolver.__init__(self)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _error(where: Any, problem: str) -> ConfigError:
    return ConfigError(f"line {where.start_mark.line + 1}: {problem}")


def _value(node: Node) -> Any:
    if isinstance(node, MappingNode):
        return _mapping(node)
    if isinstance(node, SequenceNode):
        return [_value(item) for item in node.value]
    assert isinstance(node, ScalarNode)
    return _scalar(node)


def _mapping(node: MappingNode) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key: Hashable = _value(key_node) if isinstance(key_node, ScalarNode) else None
        if not isinstance(key, str):
            raise _error(key_node, "a key must be text")
        if key in result:
            raise _error(key_node, f"duplicate key {key!r}")
        result[key] = _value(value_node)
    return result


def _scalar(node: ScalarNode) -> str | int | float | bool | None:
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL:
        return bool(node.value == "true")
    if node.tag == _INT:
        return int(node.value)
    if node.tag == _FLOAT:
        number = float(node.value.replace(".inf", "inf").replace(".nan", "nan"))
        if not math.isfinite(number):
            raise _error(node, f"expected a finite number, got {node.value[:40]}")
        return number
    return str(node.value)


def parse(text: str | bytes, source: str = "text") -> Any:
    """Read one YAML document.

    Raises ConfigError, in one line that begins with `source`, for anything but plain data.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise ConfigError(f"{source}: {size} bytes is over the limit of {MAX_BYTES}")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        node = _Loader(text).get_single_node()
        return None if node is None else _value(node)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        problem = error.problem or error.context or "not valid YAML"
        raise ConfigError(f"{source}: {where}{problem}") from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise ConfigError(f"{source}: not valid YAML text ({str(error).splitlines()[0]})") from None


def read(path: Path) -> Any:
    """Read a YAML file; ConfigError names the file and the line."""
    try:
        with open_regular(path) as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    return parse(text, str(path))


def dump(data: Any) -> str:
    """Write plain data as YAML that `parse` reads back equal."""
    return str(yaml.dump(data, Dumper=_Dumper))
