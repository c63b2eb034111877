"""Data sets: what is announced is what is loaded, and it is always the same."""

import subprocess
import sys

import numpy as np
import pytest

from engine.config import configure, registry
from engine.datasets import spirals

NAMES = ["digits", "fashion-mnist", "spirals", "bible-en"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "bible-en"])
def test_info_is_what_build_loads(name):
    config = configure.resolve(dataset=name)
    info = configure.dataset_info(config)
    data = registry.build("dataset", config.dataset)
    for split, samples in info.samples.items():
        x, y = getattr(data, split).x, getattr(data, split).y
        assert x.shape == (samples, *info.input_shape)
        assert (x.dtype, y.dtype, y.shape) == (np.float32, np.int64, (samples,))
        assert set(np.unique(y)) == set(range(info.num_outputs))
        assert np.isfinite(x).all()
        assert np.abs(x).max() < 10


@pytest.mark.parametrize("name", NAMES)
def test_the_same_every_time(name):
    model = "gpt-mini" if name == "bible-en" else "mlp"
    component = configure.resolve(model=model, dataset=name).dataset
    first, second = (registry.build("dataset", component) for _ in range(2))
    for split in ("train", "val", "test"):
        np.testing.assert_array_equal(getattr(first, split).x, getattr(second, split).x)
        np.testing.assert_array_equal(getattr(first, split).y, getattr(second, split).y)


def test_fashion_mnist_is_normalised_by_its_training_split():
    data = registry.build("dataset", configure.resolve(dataset="fashion-mnist").dataset)
    assert abs(data.train.x.mean()) < 1e-3
    assert abs(data.train.x.std() - 1) < 1e-3


@pytest.mark.parametrize("samples", [30, 31, 149, 150, 151, 1500])
def test_spirals_sizes(samples):
    config = spirals.Config(samples=samples)
    data, sizes = spirals.build(config), spirals.info(config).samples
    assert sizes["val"] == sizes["test"] == max(30, samples // 5)
    for split, expected in sizes.items():
        counts = np.bincount(getattr(data, split).y)
        assert counts.sum() == expected
        assert np.ptp(counts) <= 1


def test_spirals_depend_on_their_own_seed():
    one, two = (spirals.build(spirals.Config(seed=seed)) for seed in (0, 1))
    assert not np.array_equal(one.train.x, two.train.x)
    assert not np.array_equal(one.val.x, one.test.x)


def test_fresh_spirals_are_a_pure_function_of_seed_and_epoch():
    config = spirals.Config(samples=60, fresh=True)
    draw = spirals.build(config).draw_train
    np.testing.assert_array_equal(draw(3, 7).x, spirals.build(config).draw_train(3, 7).x)
    assert not np.array_equal(draw(3, 7).x, draw(3, 8).x)
    assert not np.array_equal(draw(3, 7).x, draw(4, 7).x)
    assert not spirals.info(config).fixed
    fixed = spirals.Config(samples=60)
    assert spirals.build(fixed).draw_train is None
    np.testing.assert_array_equal(spirals.build(fixed).val.x, spirals.build(config).val.x)


def test_components_are_checked_without_torch():
    code = (
        "import sys; from engine.config import configure, registry\n"
        "for kind in configure.KINDS:\n"
        "    for name in registry.names(kind): registry.module(kind, name).Config()\n"
        "import engine.__main__\n"
        "assert configure.plan(configure.resolve()).steps == 400\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
