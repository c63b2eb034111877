"""Imitation and self-play: losses and means against NumPy, players, games in the log."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from engine import tasks
from engine.config import configure, registry
from engine.config.padding_constants import IGNORED
from engine.config.registry import DatasetInfo
from engine.games import games_by_name
from engine.games.connect_four import ConnectFour
from engine.games.go import Go
from engine.games.players import RandomPlayer, WinOrBlock
from engine.models import board_net
from engine.runs.events import decode, encode
from engine.tasks.imitation import Imitation
from engine.tasks.players import boards
from engine.tasks.self_play import SelfPlay
from support.held import held

INFO = DatasetInfo(input_shape=(10, 5, 5), num_outputs=27, input="board", samples={})


class Fixed(nn.Module):
    """A network with these outputs, whatever it sees."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = nn.Parameter(torch.tensor(outputs))

    def forward(self, x):
        return self.outputs.expand(len(x), -1)


def net(info=INFO, seed=0):
    torch.manual_seed(seed)
    return board_net.build(board_net.Config(channels=8, blocks=1), info)


@pytest.fixture(autouse=True)
def few_games(monkeypatch):
    monkeypatch.setattr(boards, "GAMES", 6)


def samples(count=40):
    torch.manual_seed(1)
    x = torch.rand(count, 10, 5, 5)
    y = torch.stack([torch.randint(26, (count,)), torch.randint(-1, 2, (count,))], dim=1)
    y[::7, 1] = IGNORED
    return x, y


def test_the_loss_and_the_means_of_imitation():
    x, y = samples()
    model, task = net().eval(), Imitation(Go(5))
    with torch.no_grad():
        output = model(x)
    logits, value = output[:, :-1].double().numpy(), np.tanh(output[:, -1].double().numpy())
    move, result = y.numpy().T
    nats = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), move]
    known_ones = result != IGNORED
    squares = ((value - result) ** 2)[known_ones]
    loss = nats.mean() + 0.5 * squares.sum() / len(y)
    assert task.loss(output, y).item() == pytest.approx(loss, rel=1e-5)
    order = np.argsort(-logits, axis=1)
    means = task.evaluate(model, held(x, y))
    assert list(means) == list(task.rules.metrics)
    assert means["loss"] == pytest.approx(loss, rel=1e-5)
    assert means["accuracy"] == pytest.approx((order[:, 0] == move).mean())
    assert means["top3"] == pytest.approx((order[:, :3] == move[:, None]).any(axis=1).mean())
    assert means["value_mse"] == pytest.approx(squares.mean(), rel=1e-5)
    assert task.metrics(output, y)["accuracy"].item() == pytest.approx(means["accuracy"])


def test_the_loss_and_the_means_of_self_play():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(84, 1))
    x, y = torch.rand(50, 2, 6, 7), torch.randint(-1, 2, (50,)).float()
    task = SelfPlay(ConnectFour())
    with torch.no_grad():
        value = np.tanh(model(x)[:, 0].double().numpy())
    loss = ((value - y.numpy()) ** 2).mean()
    assert task.loss(model(x), y).item() == pytest.approx(loss, rel=1e-5)
    means = task.evaluate(model, held(x, y))
    assert list(means) == list(task.rules.metrics)
    assert means["loss"] == pytest.approx(loss, rel=1e-5)
    decided = y.numpy() != 0
    right = (np.sign(value) == y.numpy())[decided].mean()
    assert means["accuracy"] == pytest.approx(right)


def test_a_player_passes_only_where_it_makes_sense():
    """The likeliest move is a pass; the second one lies in the middle."""
    logits = [0.0] * 27
    logits[25], logits[12] = 9.0, 5.0
    player = Imitation(Go(5)).player(Fixed(logits))
    assert player.choose([Go(5), Go(5).play(12)]) == [12, 0]
    ahead = Go(5).play(12).play(25)
    assert player.choose([ahead]) == [25]


def test_weights_that_are_not_finite_still_play_and_think_nothing():
    for task, start, count in (
        (Imitation(Go(5)), Go(5), 27),
        (SelfPlay(ConnectFour()), ConnectFour(), 1),
    ):
        model = Fixed([math.nan] * count)
        (move,) = task.player(model).choose([start])
        assert move in start.legal()
        (event,) = task.pictures(model, held(*samples(2)), step=1, split="val")
        assert decode(encode(event)[:-1]) == event
        assert all(each.value is None or abs(each.value) == 1 for each in event.moves)


def test_afterstates_are_asked_for_who_moved_and_ends_are_known():
    """All columns are alike to this network, but one wins at once."""
    position = ConnectFour()
    for column in (0, 0, 1, 1, 2, 2):
        position = position.play(column)
    task = SelfPlay(ConnectFour())
    (thought,) = task.thoughts(Fixed([0.3]), [position])
    assert thought.value == 1
    assert thought.policy[3] == max(thought.policy)
    assert thought.policy[4] == pytest.approx(
        math.exp((math.tanh(0.3) - 1) / 0.1) * thought.policy[3]
    )
    assert task.player(Fixed([0.3])).choose([position]) == [3]


@pytest.mark.parametrize("name", ["go", "connect-four"])
def test_the_game_in_the_log_follows_the_rules(name):
    if name == "go":
        task, model, start = Imitation(Go(5, komi=2.5), seed=3), net(), Go(5)
    else:
        task, start = SelfPlay(ConnectFour(), seed=3), ConnectFour()
        model = nn.Sequential(nn.Flatten(), nn.Linear(84, 1))
    some, random = held(*samples(2)), torch.get_rng_state()
    games = [task.pictures(model, some, step=n, split="val")[0] for n in range(8)]
    assert torch.equal(torch.get_rng_state(), random)
    (again,) = task.pictures(model, some, step=0, split="val")
    assert again.moves == games[0].moves
    assert len({event.players for event in games}) == 2  # either begins
    for event in games:
        assert decode(encode(event)[:-1]) == event
        begin = games_by_name.begin(event.game, event.rows, event.columns, event.komi)
        positions = list(games_by_name.replay(begin, [move.move for move in event.moves]))
        assert len(positions) == len(event.moves) + 1
        assert {1: "first", -1: "second", 0: "draw"}[positions[-1].winner] == event.result
        for position, move in zip(positions, event.moves, strict=False):
            cells = {position.cell(legal) for legal in position.legal()}
            assert {cell for cell, _ in move.policy} <= cells
        if name == "go":
            assert event.komi == 2.5
        mine = event.players.index("model")
        for position, move in list(zip(positions, event.moves, strict=False))[mine::2]:
            shares = dict(move.policy)
            chosen = position.cell(move.move)
            if chosen is not None:
                assert shares.get(chosen, 0) == max(shares.values(), default=0)
    assert start.number == 0


def test_references():
    x = torch.zeros(10, 10, 5, 5)
    x[:, 0, :2] = 1  # ten stones on 25 points
    y = torch.zeros(10, 2, dtype=torch.int64)
    y[:4, 0] = 7
    train = held(x, y)._samples
    found = {(r.metric, r.name): r.value for r in Imitation(Go(5)).references(train, held(x, y))}
    assert found["accuracy", "most frequent move"] == pytest.approx(0.6)
    assert found["accuracy", "empty point by chance"] == pytest.approx(1 / 16)
    assert found["win_rate", "random"] < 0.5
    boards_, wins = torch.zeros(4, 2, 6, 7), torch.tensor([1.0, 1.0, -1.0, 0.0])
    found = SelfPlay(ConnectFour()).references(train, held(boards_, wins))
    assert {r.metric: r.value for r in found}["accuracy"] == pytest.approx(2 / 3)
    assert {r.metric: r.value for r in found}["win_rate"] < 0.5


def test_the_win_rate_is_that_of_the_match():
    assert boards.win_rate(WinOrBlock(0), ConnectFour(), seed=0) >= 0.25
    assert boards.win_rate(RandomPlayer(0), ConnectFour(), seed=0) < 0.4
    assert boards.win_rate(WinOrBlock(0), ConnectFour(), seed=1) == boards.win_rate(
        WinOrBlock(0), ConnectFour(), seed=1
    )


@pytest.mark.parametrize("recipe", ["go-imitation", "connect-four"])
def test_a_target_of_the_win_rate_is_allowed(recipe):
    config = configure.resolve(recipe=recipe, settings={"target": "val/win_rate >= 0.9"})
    assert config.stop_target().reached(0.95)
    info = configure.dataset_info(config)
    assert "win_rate" in tasks.of(config, info).rules.metrics


@pytest.mark.parametrize(
    ("info", "output"), [(INFO, 27), (INFO, 1), (INFO, 8)], ids=["cells", "value", "columns"]
)
def test_the_size_of_a_board_net(info, output):
    from msgspec import structs
    from torch.utils.flop_counter import FlopCounterMode

    config, info = board_net.Config(channels=8), structs.replace(info, num_outputs=output)
    model = board_net.build(config, info).eval()
    cost = board_net.cost(config, info)
    assert cost.num_parameters == sum(weight.numel() for weight in model.parameters())
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        assert model(torch.rand(3, 10, 5, 5)).shape == (3, output)
    assert cost.multiply_adds == counter.get_total_flops() // 2 // 3


def test_a_batch_of_positions_overfits():
    config = configure.resolve(recipe="go-imitation")
    info = configure.dataset_info(config)
    task = tasks.of(config, info)
    data = registry.build("dataset", config.dataset).val.batch(np.arange(0, 320, 20))
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    model = net(info)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        task.loss(model(x), y).backward()
        optimizer.step()
    output = model(x)
    assert task.metrics(output, y)["accuracy"] == 1
    assert (output[:, -1].sign() == y[:, 1]).all()
