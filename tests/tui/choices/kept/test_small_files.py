from msgspec import Struct

from tui.choices.kept import small_files


class Facts(Struct):
    panels: tuple[str, ...] = ()


def test_what_was_saved_is_there_at_the_next_start():
    small_files.save("layout", Facts(("loss",)))
    assert small_files.load("layout", Facts) == Facts(("loss",))
    assert small_files.path_of("layout").stat().st_mode & 0o077 == 0


def test_what_cannot_be_used_is_forgotten():
    assert small_files.load("layout", Facts) == Facts()
    for damage in (b"", b"{", b'{"panels": 3}', b"[" * 100_000, b"\xff"):
        small_files.path_of("layout").parent.mkdir(parents=True, exist_ok=True)
        small_files.path_of("layout").write_bytes(damage)
        assert small_files.load("layout", Facts) == Facts()


def test_a_folder_that_cannot_be_written_costs_nothing(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    small_files.save("layout", Facts(("loss",)))
    assert small_files.load("layout", Facts) == Facts()
