"""The YAML reader: any bytes in, plain data or one clear error out."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presets import ConfigError, yaml

PLAIN_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
PLAIN = st.recursive(
    PLAIN_LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
# Pieces of YAML's own syntax, which random characters rarely hit.
SYNTAX = st.lists(
    st.sampled_from(
        [
            *"[]{}:,-?!&*|>'\"%@`#~ \n\t\0",
            *("\n  ", "a: ", "- ", "---\n", "...\n", "<<: ", "!!int ", "&a ", "*a", "%YAML 9.9\n"),
            *("1e-3", "0x1f", "1_000", "12:30:45", "no", "null", ".inf", "2024-01-01"),
            *("\ufeff", "\x85", "\u2028", "é", "\ud800"),
        ]
    ),
    max_size=30,
).map("".join)


def is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(is_plain(item) for item in value)
    return (
        value is None
        or type(value) in (str, int, bool)
        or (type(value) is float and math.isfinite(value))
    )


def check_reads_or_refuses(source: str | bytes) -> None:
    try:
        value = yaml.parse(source, "some.yaml")
    except ConfigError as error:
        text = str(error)
        assert text.startswith("some.yaml: ")
        assert len(text.splitlines()) == 1
    else:
        assert is_plain(value)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes) -> None:
    check_reads_or_refuses(data)


@given(SYNTAX)
def test_any_syntax_is_read_or_refused_in_one_line(text: str) -> None:
    check_reads_or_refuses(text)


@given(PLAIN)
def test_what_is_written_is_read_back_equal(value: object) -> None:
    again = yaml.parse(yaml.dump(value))
    assert again == value
    assert repr(again) == repr(value)  # 1 == 1.0 == True, and -0.0 == 0.0


@pytest.mark.parametrize(
    "text",
    [
        *("1e-3", "no", "yes", "on", "null", "~", "true", "010", "0x1f", "1_000", "12:30", ".inf"),
        *(
            "",
            " a ",
            "a\nb",
            "\n",
            "2024-01-01",
            "<<",
            "=",
            "*a",
            "&a",
            "!x",
            "- a",
            "a: b",
            "--- a",
        ),
        *("#", "'", '"', "%", "@", "`", "\x07", "é", "日本", "\u202e", "\U0001f600"),
    ],
)
def test_text_stays_text(text: str) -> None:
    assert yaml.parse(yaml.dump({text: text})) == {text: text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E+5", 1e5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-3", -3),
        ("010", 10),
        ("12345678901234567890", 12345678901234567890.0),
        ("true", True),
        ("True", "True"),
        ("no", "no"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("null", None),
        ("~", None),
        ("", None),
        ("# nothing but a comment", None),
        ("'1e-3'", "1e-3"),
        ("<<: 1", {"<<": 1}),
        ("{a: [1, {b: c}]}", {"a": [1, {"b": "c"}]}),
    ],
)
def test_words_and_numbers(text: str, value: object) -> None:
    read = yaml.parse(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: duplicate key 'a'"),
        ("a: &x 1\nb: *x\n", "line 2: aliases (*name) are not allowed"),
        ("a: !!python/name:os.system x", "line 1: tags (tag:yaml.org,2002:python/name:os.system)"),
        ("!!set {a, b}", "line 1: tags (tag:yaml.org,2002:set) are not allowed"),
        ("1: a", "line 1: a key must be text"),
        ("[a]: b", "line 1: a key must be text"),
        ("a: .inf", "line 1: expected a finite number, got .inf"),
        ("a: 1\nb: .nan", "line 2: expected a finite number, got .nan"),
        ("a: 1e999", "line 1: expected a finite number, got 1e999"),
        ("a: 1\n--- \nb: 2\n", "line 2: but found another document"),
        ("a: [1, 2", "line 1: "),
        ("\tb: 1", "line 1: "),
        (b"a: \xff\xfe", "not valid YAML text ('utf-8' codec can't decode byte 0xff"),
        ("a: \x07", "not valid YAML text ("),
    ],
)
def test_refusals(text: str | bytes, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        yaml.parse(text, "p.yaml")
    assert str(caught.value).startswith(f"p.yaml: {problem}")
    assert len(str(caught.value).splitlines()) == 1


def test_the_deepest_and_one_deeper() -> None:
    deepest = "[" * (yaml.MAX_DEPTH - 1) + "1" + "]" * (yaml.MAX_DEPTH - 1)
    value = yaml.parse(deepest)
    for _ in range(yaml.MAX_DEPTH - 1):
        (value,) = value
    assert value == 1
    with pytest.raises(ConfigError, match=r"^text: line 1: nested deeper than 20 levels$"):
        yaml.parse(f"[{deepest}]")
    with pytest.raises(ConfigError, match="nested deeper than 20 levels"):
        yaml.parse("[" * 30_000)


@pytest.mark.parametrize("kind", [str, bytes])
def test_the_largest_and_one_byte_more(kind: type) -> None:
    largest = "a: '" + "x" * (yaml.MAX_BYTES - 5) + "'"
    assert len(yaml.parse(largest if kind is str else largest.encode())["a"]) == len(largest) - 5
    more = largest + " "
    with pytest.raises(ConfigError, match=r"^text: 65537 bytes is over the limit of 65536$"):
        yaml.parse(more if kind is str else more.encode())


def test_a_file_that_is_larger_than_memory_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(ConfigError, match="is over the limit of 65536"):
        yaml.read(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        yaml.read(tmp_path / "none.yaml")
    assert str(caught.value) == f"{tmp_path}/none.yaml: cannot be read (No such file or directory)"
    with pytest.raises(ConfigError) as caught:
        yaml.read(tmp_path)
    assert str(caught.value) == f"{tmp_path}: cannot be read (Is a directory)"
