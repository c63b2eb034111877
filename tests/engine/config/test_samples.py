"""Samples of data sets, to be looked at: without torch, a little of a file, errors as one line."""

from pathlib import Path

import numpy as np
import pytest

from engine.config import configure, dataset_preview, registry
from engine.config.dataset_preview import Images, Passage, Points, Rows
from presets import ConfigError, UserError
from presets.schema import Component


def data(name: str, **options: object) -> Component:
    section, _ = configure.section("dataset", name)
    kind = section.pop("type")
    del section["name"]
    return Component(name=name, type=kind, options={**section, **options})


@pytest.mark.parametrize(("name", "size"), [("digits", 8), ("fashion-mnist", 28)])
def test_images_of_each_class(name: str, size: int) -> None:
    found = dataset_preview.of(data(name))
    assert isinstance(found, Images)
    assert found.pixels.shape == (dataset_preview.MOST_IMAGES, size, size)
    assert found.pixels.dtype == np.uint8
    assert found.pixels.max() == 255
    assert set(found.labels) == set("0123456789")


def test_points_of_each_class_however_many_there_are() -> None:
    found = dataset_preview.of(data("spirals", samples=10_000_000))
    assert isinstance(found, Points)
    assert found.places.shape == (dataset_preview.MOST_POINTS, 2)
    assert set(found.labels) == {0, 1, 2}


def test_the_beginning_of_a_text(tmp_path: Path) -> None:
    found = dataset_preview.of(data("bible-en"))
    assert isinstance(found, Passage)
    assert found.text.startswith("In the beginning")
    path = tmp_path / "long.txt"
    path.write_text("ä" * 10_000)
    found = dataset_preview.of(data("text", path=str(path)))
    assert isinstance(found, Passage)
    assert found.text == "ä" * (dataset_preview.MOST_CHARACTERS // 2)


def test_the_first_rows_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "flowers.csv"
    path.write_text("size;kind\n" + "".join(f"{n};rose\n" for n in range(20_000)))
    found = dataset_preview.of(data("csv", path=str(path)))
    assert isinstance(found, Rows)
    assert found.names == ("size", "kind")
    assert found.rows[:2] == (("0", "rose"), ("1", "rose"))
    assert len(found.rows) == dataset_preview.MOST_ROWS


def test_images_of_a_folder_class_by_class(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for label, color in (("dark", (0, 0, 0)), ("red", (255, 0, 0))):
        (tmp_path / label).mkdir()
        for number in range(30):
            image.new("RGB", (9, 9), color).save(tmp_path / label / f"{number}.png")
    found = dataset_preview.of(data("image-folder", path=str(tmp_path), size=8))
    assert isinstance(found, Images)
    assert found.labels[:4] == ("dark", "red", "dark", "red")
    assert found.pixels.shape == (dataset_preview.MOST_IMAGES, 8, 8, 3)
    assert found.pixels[1, 0, 0].tolist() == [255, 0, 0]
    grey = dataset_preview.of(data("image-folder", path=str(tmp_path), size=8, colour="grey"))
    assert isinstance(grey, Images)
    assert grey.pixels.shape == (dataset_preview.MOST_IMAGES, 8, 8)


@pytest.mark.parametrize("name", ["text", "csv", "image-folder"])
def test_what_is_not_there_is_one_line(name: str, tmp_path: Path) -> None:
    for path in ("", str(tmp_path / "absent")):
        with pytest.raises(ConfigError, match=r"^dataset.path: "):
            dataset_preview.of(data(name, path=path))


def test_whatever_a_data_set_raises_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def sample(config: object) -> None:
        raise KeyError("no\nsuch thing")

    monkeypatch.setattr(registry.module("dataset", "digits"), "sample", sample)
    with pytest.raises(UserError, match=r"^digits: no sample to be shown \(KeyError: .*\)$"):
        dataset_preview.of(data("digits"))
    monkeypatch.delattr(registry.module("dataset", "digits"), "sample")
    assert dataset_preview.of(data("digits")) is None
