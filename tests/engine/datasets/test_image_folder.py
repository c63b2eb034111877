"""Folders of images: their layouts, their pixels, and one line for what cannot be used."""

import numpy as np
import pytest
from PIL import Image

from engine.config import configure
from engine.datasets import _image_tree, image_folder
from presets import ConfigError, UserError


def save(path, colour, size=(12, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def fill(folder, images=30):
    """Dark and bright images, `images` of each."""
    for number in range(images):
        save(folder / "dark" / f"{number}.png", (number, 0, 10))
        save(folder / "bright" / f"{number}.JPG", (200, 250 - number, 255))


def test_a_folder_for_each_class(tmp_path, train):
    fill(tmp_path)
    (tmp_path / "dark" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    config = image_folder.Config(path=str(tmp_path), size=8)
    info, data = image_folder.info(config), image_folder.build(config)
    assert info.names == ("bright", "dark")
    assert info.input_shape == (3, 8, 8)
    assert sum(info.samples.values()) == 60
    for split, samples in info.samples.items():
        x, y = getattr(data, split).x, getattr(data, split).y
        assert (x.shape, x.dtype) == ((samples, 3, 8, 8), np.float32)
        assert (y.shape, y.dtype) == ((samples,), np.int64)
        assert (x.mean(axis=(1, 2, 3))[y == 0] > 0).all()  # bright
    np.testing.assert_allclose(data.train.x.mean(axis=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(data.train.x.std(axis=(0, 2, 3)), 1, atol=1e-4)
    settings = {"dataset.path": config.path, "dataset.size": 8, "epochs": 20, "device": "cpu"}
    events = train(configure.resolve(model="cnn-small", dataset="image-folder", settings=settings))
    test = [event for event in events if getattr(event, "split", "") == "test"]
    assert test[0].values["accuracy"] == 1


def test_folders_for_the_splits(tmp_path):
    fill(tmp_path / "train")
    everything = image_folder.info(image_folder.Config(path=str(tmp_path)))
    assert min(everything.samples["val"], everything.samples["test"]) >= 2
    fill(tmp_path / "test", images=3)
    tested = image_folder.info(image_folder.Config(path=str(tmp_path)))
    assert tested.samples["test"] == 6
    # The tenth that was for the test goes back to training.
    assert tested.samples["train"] == 60 - everything.samples["val"]
    fill(tmp_path / "val", images=2)
    assert image_folder.info(image_folder.Config(path=str(tmp_path))).samples == {
        "train": 60,
        "val": 4,
        "test": 6,
    }


def test_a_new_image_is_noticed_and_others_stay_in_their_split(tmp_path):
    fill(tmp_path)
    config = image_folder.Config(path=str(tmp_path))
    before = _image_tree.listed(config.path).images
    save(tmp_path / "dark" / "later.png", (0, 0, 0))
    after = _image_tree.listed(config.path).images
    for split, images in before.items():
        assert set(images) <= set(after[split])
    assert sum(map(len, after.values())) == 61


def test_grey_pixels_are_those_of_the_file(tmp_path):
    fill(tmp_path)
    values = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    Image.fromarray(values).save(tmp_path / "dark" / "ramp.png")
    pixels = image_folder.pixels_of(tmp_path / "dark" / "ramp.png", "L", 8, 8)
    np.testing.assert_array_equal(pixels, values)
    data = image_folder.build(image_folder.Config(path=str(tmp_path), size=8, colour="grey"))
    assert data.train.x.shape[1:] == (1, 8, 8)


@pytest.mark.parametrize("damage", [b"", b"no image at all", None])
def test_a_damaged_image_is_named(tmp_path, damage):
    fill(tmp_path)
    path = tmp_path / "dark" / "3.png"
    path.write_bytes(path.read_bytes()[:45] if damage is None else damage)
    with pytest.raises(UserError, match=r"3\.png' cannot be read as an image") as caught:
        image_folder.build(image_folder.Config(path=str(tmp_path)))
    assert len(str(caught.value).splitlines()) == 1


def test_one_line_for_folders_that_cannot_be_used(tmp_path):
    def problem(path):
        with pytest.raises(ConfigError) as caught:
            image_folder.info(image_folder.Config(path=str(path)))
        assert len(str(caught.value).splitlines()) == 1
        return str(caught.value)

    assert "missing; expected the path of a folder of images" in problem("")
    assert "No such file" in problem(tmp_path / "nowhere")
    assert "has 0 folders of classes; expected 2 to 1000" in problem(tmp_path)
    (tmp_path / "file").write_text("")
    assert "Not a directory" in problem(tmp_path / "file")
    save(tmp_path / "one" / "1.png", (0, 0, 0))
    save(tmp_path / "two" / "1.png", (0, 0, 0))
    assert "has 2 images (.png, .jpg" in problem(tmp_path)
    assert "images of your choice in" in problem(tmp_path)
    fill(tmp_path / "split" / "train")
    save(tmp_path / "split" / "test" / "unknown" / "1.png", (0, 0, 0))
    assert "unknown' is a class without training images" in problem(tmp_path / "split")


def test_without_pillow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"needs Pillow; pip install 'bigmodel-tui\[images\]'"):
        image_folder.info(image_folder.Config(path=str(tmp_path)))


def test_cifar_10_as_folders_of_png_files(tmp_path):
    for split, images in (("train", 40), ("test", 2)):
        for number, name in enumerate(["airplane", "automobile", "bird"]):
            for image in range(images):
                save(tmp_path / split / name / f"{image:04}.png", (80 * number, 9, image), (32, 32))
    info = image_folder.info(image_folder.Config(path=str(tmp_path)))
    assert info.input_shape == (3, 32, 32)
    assert info.names == ("airplane", "automobile", "bird")
    assert info.samples["test"] == 6
    assert info.samples["train"] + info.samples["val"] == 120


def test_imagenet_with_the_names_of_its_synsets(tmp_path):
    """Photos of different sizes, some of them grey or with an alpha channel, .JPEG endings."""
    for split, images in (("train", 40), ("val", 2)):
        for number, name in enumerate(["n01440764", "n01443537"]):
            for image in range(images):
                size = (60 + image, 40 + 7 * number)
                save(tmp_path / split / name / f"{name}_{image}.JPEG", (200 * number, 0, 0), size)
    grey = tmp_path / "train" / "n01440764" / "n01440764_0.JPEG"
    Image.new("L", (30, 50), 128).save(grey)
    config = image_folder.Config(path=str(tmp_path), size=16)
    info, data = image_folder.info(config), image_folder.build(config)
    assert info.names == ("n01440764", "n01443537")
    assert info.samples["val"] == len(data.val.y) == 4
    assert data.train.x.shape == (info.samples["train"], 3, 16, 16)


def test_cifar_batches_are_refused_in_one_line(tmp_path):
    for name in ("data_batch_1", "batches.meta", "test_batch"):
        (tmp_path / name).write_bytes(b"\x80\x04}.")
    with pytest.raises(
        ConfigError, match=r"has pickles of CIFAR, .*; expected PNG files in train/"
    ):
        image_folder.info(image_folder.Config(path=str(tmp_path)))
