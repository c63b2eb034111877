"""Games as data: records become samples, and self-play becomes targets."""

import numpy as np
import pytest

from engine.config import configure, registry
from engine.config.padding_constants import IGNORED
from engine.datasets import go_7x7, sgf
from engine.datasets._games import bitboards, boards, records, self_play
from engine.datasets._games.self_play import Turn
from engine.games.connect_four import ConnectFour
from engine.games.go import Go
from engine.games.planes import planes
from engine.games.position import FIRST, SECOND
from presets import ConfigError


def every(source):
    return source.batch(np.arange(len(source)))


def record(size=5, moves="aa bb cc dd", result="B+3.5"):
    turns = ";".join(f"{'BW'[n % 2]}[{move}]" for n, move in enumerate(moves.split()))
    return f"(;GM[1]FF[4]SZ[{size}]KM[6.5]RE[{result}];{turns})\n"


@pytest.fixture
def folder(tmp_path):
    """Six games in files and folders, among other things."""
    (tmp_path / "more").mkdir()
    for number, result in enumerate(("B+3.5", "W+R", "0", "Void", "B+R")):
        (tmp_path / f"{number}.sgf").write_text(record(result=result))
    (tmp_path / "more" / "last.SGF").write_bytes(
        record().replace("FF[4]", "FF[4]PB[J\xf6rg]").encode("latin-1")
    )
    (tmp_path / "notes.txt").write_text("no game")
    return tmp_path


def test_the_games_that_come_along():
    config = configure.resolve(recipe="go-imitation")
    info, data = configure.dataset_info(config), registry.build("dataset", config.dataset)
    assert (info.input_shape, info.num_outputs, info.task) == ((10, 7, 7), 51, "imitation")
    for split, samples in info.samples.items():
        found = every(getattr(data, split))
        assert found.x.shape == (samples, 10, 7, 7)
        assert (found.x.dtype, found.y.dtype, found.y.shape) == (np.float32, np.int64, (samples, 2))
        assert set(np.unique(found.y[:, 1])) == {-1, 1}
        # nobody plays where a stone lies
        move, empty = found.y[:, 0], found.x[:, :6].sum(axis=1).reshape(samples, 49) == 0
        stones = move < 49
        assert empty[np.flatnonzero(stones), move[stones]].all()
    assert sum(info.samples.values()) == 14235  # 16,599 moves less those made by chance


def test_no_game_is_in_two_splits():
    games = records.embedded().splits
    assert {split: len(found) for split, found in games.items()} == {
        "train": 480,
        "val": 60,
        "test": 60,
    }
    moves = {split: {id(game) for game in found} for split, found in games.items()}
    assert len(set.union(*moves.values())) == 600


def test_a_turned_sample_is_the_position_of_the_turned_game():
    """The move lies where the stone of the turned board would."""
    source = boards.of(records.embedded().splits["val"][:1])
    as_played = every(source)
    for way in range(boards.SYMMETRIES):
        turned = boards.Boards(
            source._bits, source._targets, source._shape, np.full(len(source), way)
        )
        found = every(turned)
        board = np.rot90(as_played.x, way // 2, axes=(2, 3))
        board = board[..., ::-1] if way % 2 else board
        np.testing.assert_array_equal(found.x, board)
        for move, other in zip(as_played.y[:, 0], found.y[:, 0], strict=True):
            if move == 49:
                assert other == 49
                continue
            stone = np.zeros((7, 7))
            stone[move // 7, move % 7] = 1
            stone = np.rot90(stone, way // 2)
            stone = stone[:, ::-1] if way % 2 else stone
            assert stone.reshape(-1)[other] == 1
        np.testing.assert_array_equal(found.y[:, 1], as_played.y[:, 1])


def test_symmetries_follow_from_seed_and_epoch():
    data = registry.build("dataset", configure.resolve(recipe="go-imitation").dataset)
    index = np.arange(200)

    def drawn(seed, epoch):
        return data.draw_train(seed, epoch).batch(index).x

    np.testing.assert_array_equal(drawn(1, 2), drawn(1, 2))
    assert not np.array_equal(drawn(1, 2), drawn(1, 3))
    assert not np.array_equal(drawn(1, 2), drawn(2, 2))
    assert data.draw_train(1, 2).fingerprint() != data.draw_train(1, 3).fingerprint()


def test_samples_are_the_positions_of_their_games():
    game = records.embedded().splits["test"][0]
    source = boards.of([game])
    positions = [position for position, _ in game.record.positions()][game.skipped :]
    np.testing.assert_array_equal(every(source).x, planes(positions))
    moves = [move for _, move in game.record.moves][game.skipped :]
    assert every(source).y[:, 0].tolist() == moves
    results = [game.record.result * position.to_move for position in positions]
    assert every(source).y[:, 1].tolist() == results


def test_a_folder_of_records(folder):
    config = sgf.Config(path=str(folder))
    info, data = sgf.info(config), sgf.build(config)
    assert info.samples == {"train": 16, "val": 4, "test": 4}
    assert info.notes == ("6 games of Go on 5x5, most with a komi of 6.5",)
    assert sgf.begin(config).komi == 6.5
    results = np.concatenate([every(split).y[:, 1] for split in (data.train, data.val, data.test)])
    assert sorted(np.unique(results)) == [IGNORED, -1, 0, 1]


def test_one_file_of_many_games(tmp_path):
    path = tmp_path / "all.sgf"
    path.write_text(record() * 3 + record(size=9))
    info = sgf.info(sgf.Config(path=str(path)))
    assert info.samples == {"train": 4, "val": 4, "test": 4}
    assert info.cautions == ("1 games on other boards than 5x5 were left out",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("hello", "'wrong.sgf', line 1: expected '(;'"),
        ("\n" + record(moves="aa aa"), "line 2: move 2 of the game that begins here is not legal"),
        (record(size=40), "line 1: expected a square board of 2 to 19 lines, got SZ[40]"),
    ],
)
def test_a_wrong_file_is_one_line_with_its_name(folder, content, said):
    (folder / "wrong.sgf").write_text(content)
    with pytest.raises(ConfigError) as caught:
        sgf.info(sgf.Config(path=str(folder)))
    line = str(caught.value).replace(f"{folder}/", "")
    assert said in line
    assert "wrong.sgf" in line
    assert "\n" not in line


def test_what_is_missing_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"has no file that ends in \.sgf"):
        sgf.info(sgf.Config(path=str(tmp_path)))
    with pytest.raises(ConfigError, match="cannot be read"):
        sgf.info(sgf.Config(path=str(tmp_path / "none")))
    (tmp_path / "one.sgf").write_text(record() * 2)
    with pytest.raises(ConfigError, match="has 2 games on boards of one size; expected 3 or more"):
        sgf.info(sgf.Config(path=str(tmp_path)))


def turn(game, best, *, over=False, result=0.0, strayed=False):
    one = np.array
    return Turn(
        one([game]),
        one([[1 << game, 0]]),
        one([best], np.float32),
        one([strayed]),
        one([over]),
        one([result], np.float32),
    )


def test_the_targets_of_td_lambda():
    """Three moves, the last one wins; by hand from the definition."""
    moves = [turn(0, 0.2), turn(0, 0.4), turn(0, 1.0, over=True, result=1.0)]
    _, targets = self_play.learned(moves, 1, trace=0.5)
    # the board after move 2: minus the win; after move 1: minus (half its value, half its target)
    np.testing.assert_allclose(targets, [-1.0, -(0.5 * 0.4 + 0.5 * -1.0)])
    _, results = self_play.learned(moves, 1, trace=1.0)
    np.testing.assert_allclose(results, [-1, 1])
    _, one_step = self_play.learned(moves, 1, trace=0.0)
    np.testing.assert_allclose(one_step, [-1, -0.4], rtol=1e-6)


def test_a_move_by_chance_says_nothing_about_those_before_it():
    moves = [turn(0, 0.2), turn(0, 0.4, strayed=True), turn(0, 1.0, over=True, result=1.0)]
    _, targets = self_play.learned(moves, 1, trace=1.0)
    np.testing.assert_allclose(targets, [-1, -0.4], rtol=1e-6)


def position_of(planes_of_one):
    """The position of a held-out board, whose first plane has the discs of who just moved."""
    mine, other = planes_of_one.reshape(2, 42)
    first = FIRST if mine.sum() > other.sum() else SECOND
    return ConnectFour(tuple((mine - other).astype(int) * first), -first)


def best(position, depth):
    """The result for who moves, as far as `depth` moves show it; 0 where they do not."""
    if position.winner is not None:
        return position.winner * position.to_move
    if not depth:
        return 0
    return max(-best(position.play(move), depth - 1) for move in position.legal())


def test_held_out_boards_have_the_results_that_a_search_finds():
    split = self_play.held_out(400, 0)
    assert split.x.shape == (400, 2, 6, 7)
    assert split.y.tolist() == [-1] * 200 + [1] * 200
    for planes_of_one, result in zip(split.x[::8], split.y[::8], strict=True):
        assert -best(position_of(planes_of_one), 2) == result
    again = self_play.held_out(400, 0)
    np.testing.assert_array_equal(split.x, again.x)
    assert not np.array_equal(split.x, self_play.held_out(400, 1).x)


def test_the_rules_are_known_where_a_game_ends():
    """Three in a row for who moves: the fourth is worth 1, whatever the model says."""
    import torch

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(84, 1))
    board = np.zeros((1, 2), np.int64)
    for column in (0, 1, 2):
        board[0, 0] |= bitboards.moves(board)[0, column]
        board[0, 1] |= bitboards.moves(board)[0, column]
    with torch.no_grad():
        values = self_play.worth(model, torch.device("cpu"), board, bitboards.moves(board))
    assert values[0, 3] == 1
    assert (np.abs(values[0, [0, 1, 2, 4, 5, 6]]) < 1).all()
    full = np.array([[bitboards._COLUMN[0], 0]])
    with torch.no_grad():
        assert self_play.worth(model, torch.device("cpu"), full, bitboards.moves(full))[0, 0] < -1


def test_the_board_that_games_begin_with():
    assert go_7x7.begin(go_7x7.Config()).cells == Go(7).cells


def test_boards_to_be_looked_at():
    found = go_7x7.sample(go_7x7.Config())
    assert found.pixels.shape == (24, 7, 7)
    assert set(np.unique(found.pixels)) == {0, 127, 255}
    dark, bright = ((found.pixels == grey).sum(axis=(1, 2)) for grey in (0, 255))
    assert (np.abs(dark.astype(int) - bright) < 9).all()
    assert len(found.labels) == 24
    assert all(label == "pass" or label[0] in "abcdefg" for label in found.labels)
