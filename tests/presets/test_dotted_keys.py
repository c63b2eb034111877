"""Settings by dotted keys: what is taken apart is put together again."""

import pytest

from presets import ConfigError, dotted_keys

TREE = {"optimizer": {"lr": 0.1, "betas": [0.9, 0.99]}, "groups": {"lr_scale": {"a.*": 2}}, "n": 3}


def test_a_tree_is_taken_apart_and_put_together():
    flat = dotted_keys.flatten(TREE, whole=("groups.lr_scale",))
    assert flat == {
        "optimizer.lr": 0.1,
        "optimizer.betas": [0.9, 0.99],
        "groups.lr_scale": {"a.*": 2},
        "n": 3,
    }
    again: dict = {}
    for key, value in flat.items():
        assert dotted_keys.get(TREE, key) == value
        dotted_keys.put(again, key, value)
    assert again == TREE


def test_only_named_mappings_are_values():
    assert dotted_keys.flatten(TREE)["groups.lr_scale.a.*"] == 2
    assert dotted_keys.flatten({"a": {"b": {}}, "c.d": 1}) == {"c.d": 1}


def test_a_value_has_no_parts():
    with pytest.raises(ConfigError, match=r"n\.a\.b: n\.a is a value, not a mapping"):
        dotted_keys.put(dict(TREE), "n.a.b", 1)
    with pytest.raises(KeyError):
        dotted_keys.get(TREE, "optimizer.eps")


def test_the_parts_of_a_key():
    assert dotted_keys.split("model.head.width") == ("model", "head.width")
    assert dotted_keys.split("seed") == ("seed", "")
    assert (dotted_keys.last("model.head.width"), dotted_keys.last("seed")) == ("width", "seed")
