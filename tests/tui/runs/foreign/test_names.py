"""What the names of other programs' metrics mean here."""

import pytest

from tui.runs.foreign import names


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("loss", "train/loss"),
        ("Loss/train", "train/loss"),
        ("train_loss_step", "train/loss"),
        ("train_loss_epoch", "train_loss_epoch"),
        ("valid_loss", "val/loss"),
        ("eval_loss", "val/loss"),
        ("eval/accuracy", "val/accuracy"),
        ("test_acc", "test/accuracy"),
        ("learning_rate", "lr"),
        ("train/learning_rate", "lr"),
        ("lr-AdamW", "lr"),
        ("train/grad_norm", "grad_norm"),
        ("box_loss", "box_loss"),
        ("val_lr", "val_lr"),
        ("epoch_loss", "train/loss"),
        ("epoch", "epoch"),
        ("train_val_loss", "train_val_loss"),
        ("val/f1", "val/f1"),
        ("", ""),
        ("a\x1b[31mb", "a\ufffd[31mb"),
    ],
)
def test_what_a_name_means(theirs: str, ours: str) -> None:
    assert names.ours(theirs) == ours


def test_of_two_names_that_mean_the_same_the_first_is_taken_for_it() -> None:
    known = names.Names(3)
    assert [known("train_loss"), known("loss"), known("train_loss")] == [
        "train/loss",
        "loss",
        "train/loss",
    ]
    assert [known("x" * 300), known("y"), known.refused] == ["x" * 200 + "…", None, 1]
