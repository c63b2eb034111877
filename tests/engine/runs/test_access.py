"""Files that others see whole or not at all."""

import pytest

from engine.runs import safe_file_access


def test_what_was_there_stays_until_all_is_written(tmp_path):
    path = tmp_path / "facts"
    path.write_bytes(b"before")
    with safe_file_access.replacing(path) as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path, error):
    path = tmp_path / "facts"
    path.write_bytes(b"before")

    def half() -> None:
        with safe_file_access.replacing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        half()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced(tmp_path):
    safe_file_access.replace_file(tmp_path / "facts", b"whole")
    assert (tmp_path / "facts").read_bytes() == b"whole"
    assert len(list(tmp_path.iterdir())) == 1
