"""Game records: what is read of them, and what is said of wrong ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.games import sgf
from engine.games.position import FIRST, SECOND

PASS = 25


def record(text):
    (found,) = sgf.read(text)
    return found


def points(text, size=5):
    """Moves written as in SGF, such as "aa bc"."""
    return [(ord(y) - 97) * size + ord(x) - 97 for x, y in text.split()]


def test_a_game_with_all_that_programs_write():
    found = record(
        "(;GM[1]FF[4]CA[UTF-8]AP[Test:1]SZ[5]KM[6.5]\n"
        "PB[Black \\] (not a tree;]PW[White\\\\]RE[W+3.5]C[a [bracket\\] and ; more]\n"
        ";B[cc];W[cd]C[two\nlines];B[bd];W[]\n;B[tt]BL[30])\n"
    )
    assert found.moves == [
        *zip((1, -1, 1), points("cc cd bd"), strict=True),
        (SECOND, PASS),
        (FIRST, PASS),
    ]
    assert (found.begin.size, found.begin.komi, found.result, found.line) == (5, 6.5, SECOND, 1)
    assert [move for _, move in found.positions()] == [*points("cc cd bd"), PASS, PASS]


def test_the_main_line_is_the_first_of_each_variation():
    found = record("(;SZ[5];B[aa](;W[bb](;B[cc];W[dd])(;B[ce]))(;W[ee];B[ea](;W[eb])))")
    assert [move for _, move in found.moves] == points("aa bb cc dd")


def test_set_up_stones_and_handicap():
    found = record("(;SZ[5]HA[2]AB[aa:bb][ee]AW[ae]AE[bb];W[cc];B[dd];AW[ec];W[eb])")
    position, _ = next(found.positions())
    assert [n for n, stone in enumerate(position.cells) if stone == FIRST] == points("aa ba ab ee")
    assert position.cells[points("ae").pop()] == SECOND
    assert position.to_move == SECOND
    assert [move for _, move in found.moves] == points("cc dd")  # until stones are set up again
    twice = record("(;SZ[5];B[aa];B[bb];W[cc])")
    assert [position.to_move for position, _ in twice.positions()] == [FIRST, FIRST, SECOND]


def test_several_games_in_a_file():
    first, second = sgf.read("(;SZ[5];B[aa])\n\n(;SZ[9]RE[B+R];B[ii])\n")
    assert (first.line, second.line, second.begin.size, second.result) == (1, 3, 9, FIRST)


@pytest.mark.parametrize(
    ("said", "result"),
    [("B+R", 1), ("W+12.5", -1), ("0", 0), ("Draw", 0), ("Void", None), ("?", None), ("", None)],
)
def test_results(said, result):
    assert record(f"(;SZ[5]RE[{said}];B[aa])").result == result


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: expected a game record, which begins with '(;'"),
        ("\n\nhello", "line 3: expected '(;', with which a game begins"),
        ("(;SZ[5]\n;B[aa", "line 2: expected one of ( ) ; or a property such as B[dd]"),
        ("(;SZ[5]\n;B[aa]\n", "line 2: the file ends inside the game that begins in line 1"),
        ("(;SZ[5];[aa])", "line 1: expected the name of a property before '['"),
        ("(;SZ[5]\n!;B[aa])", "line 2: expected one of ( ) ; or a property such as B[dd]"),
        ("(;SZ[52])", "line 1: expected a square board of 2 to 19 lines, got SZ[52]"),
        ("(;SZ[9:13])", "line 1: expected a square board of 2 to 19 lines, got SZ[9:13]"),
        ("(;GM[2])", "line 1: expected a game of Go (GM[1]), got GM[2]"),
        ("\n(;SZ[5];B[ff])", "line 2: in the game that begins here, [ff] is no point of its board"),
        ("(;SZ[5];B[aa:bb])", "line 1: in the game that begins here, [aa:bb] is no point"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text, said):
    with pytest.raises(sgf.SgfError) as caught:
        sgf.read(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_illegal_move_has_its_number_and_its_reason():
    found = sgf.read("\n(;SZ[5];B[aa];W[aa])")[0]
    with pytest.raises(sgf.SgfError, match=r"line 2: move 2 of .* \(a5: not an empty point\)"):
        list(found.positions())


def test_what_comes_after_the_end_of_a_game_is_left_out():
    found = record("(;SZ[5];B[];W[];B[aa])")
    assert [move for _, move in found.positions()] == [PASS, PASS]


def test_a_deep_tree_is_no_matter():
    text = "(;SZ[5]" + "(;B[]" * 20_000 + ")" * 20_000 + ")"
    assert len(record(text).moves) == 20_000


@given(st.text(alphabet="();[]BWSZABKMRE:+.abst\\ \n15-", max_size=80))
def test_whatever_a_file_holds_is_read_or_refused(text):
    for content in (text, f"(;SZ[5]{text})", f"(;SZ[5];B[aa]{text}"):
        said = "line 1: "
        try:
            for found in sgf.read(content):
                assert all(0 <= move <= found.begin.size**2 for _, move in found.moves)
                list(found.positions())
        except sgf.SgfError as error:
            said = str(error)
        assert said.startswith("line ")
        assert "\n" not in said
