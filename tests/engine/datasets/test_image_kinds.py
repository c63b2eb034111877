"""Images are read as what they show, and folders as people keep them."""

import numpy as np
import pytest
from PIL import Image

from engine.datasets import _image_tree, _user_files, image_folder
from presets import ConfigError, UserError

RAMP = np.linspace(0, 255, 64).round().astype(np.uint8).reshape(8, 8)
WHITE = Image.new("RGB", (8, 8), "white")


def shown(path, mode="RGB"):
    return image_folder.pixels_of(path, mode, 8, 8).astype(int)


def alpha(mode):
    """Black, where it is not transparent: its alpha is 255 - RAMP, so that RAMP is shown."""
    black = Image.new({"LA": "L", "RGBA": "RGB", "P": "RGB"}[mode], (8, 8), 0)
    image = black.convert({"P": "RGBA"}.get(mode, mode))
    image.putalpha(Image.fromarray(255 - RAMP))
    return image


def palette():
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    return image


@pytest.mark.parametrize(
    ("name", "image", "options", "expected"),
    [
        ("grey.png", Image.fromarray(RAMP), {}, RAMP),
        ("16.png", Image.fromarray(RAMP.astype(np.uint16) * 257), {}, RAMP),
        ("16.tif", Image.fromarray(RAMP.astype(np.uint16) * 257), {}, RAMP),
        ("16.pgm", Image.fromarray(RAMP.astype(np.uint16) * 257), {}, RAMP),
        ("rgba.png", alpha("RGBA"), {}, RAMP),
        ("la.png", alpha("LA"), {}, RAMP),
        ("rgba.webp", alpha("RGBA"), {"lossless": True, "exact": True}, RAMP),
        ("palette.png", palette(), {"transparency": 0}, np.full((8, 8), 255)),
        ("key.png", Image.new("L", (8, 8), 7), {"transparency": 7}, np.full((8, 8), 255)),
        ("bit.png", Image.fromarray(RAMP > 127), {}, (RAMP > 127) * 255),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_kind_of_pixels_is_what_a_viewer_shows(  # noqa: PLR0917 (one case a row)
    tmp_path, name, image, options, expected, mode
):
    image.save(tmp_path / name, **options)
    found = shown(tmp_path / name, mode)
    found = found if mode == "L" else found.max(axis=2)
    np.testing.assert_allclose(found, expected, atol=1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_an_image(tmp_path, orientation):
    """Each of the eight ways to hold a camera, undone by numpy."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    colours = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=2)
    Image.fromarray(colours).save(tmp_path / "turned.png", exif=exif)
    expected = {
        1: colours,
        2: colours[:, ::-1],
        3: colours[::-1, ::-1],
        4: colours[::-1],
        5: colours.transpose(1, 0, 2),
        6: np.rot90(colours, -1),
        7: colours[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(colours),
    }[orientation]
    np.testing.assert_array_equal(shown(tmp_path / "turned.png"), expected)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_data_turns_nothing(tmp_path):
    WHITE.save(tmp_path / "odd.jpg", exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")
    assert shown(tmp_path / "odd.jpg").min() == 255


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full((8, 8), 0.5, np.float32), "its pixels are real numbers; expected 8 or 16 bits"),
        (np.full((8, 8), 70_000, np.int32), "its pixels have 32 bits; expected 8 or 16"),
    ],
)
def test_pixels_whose_white_nobody_knows_are_refused(tmp_path, values, reason):
    Image.fromarray(values).save(tmp_path / "odd.tif")
    with pytest.raises(UserError, match=reason):
        shown(tmp_path / "odd.tif")


def fill(folder, images=12):
    folder.mkdir(parents=True)
    for number in range(images):
        WHITE.save(folder / f"{number}.png")


def said(root):
    info = image_folder.info(image_folder.Config(path=str(root)))
    return info.samples, "\n".join((*info.notes, *info.cautions))


@pytest.mark.parametrize("train", ["train", "Training"])
@pytest.mark.parametrize("val", ["val", "valid", "validation", "dev", "Valid"])
@pytest.mark.parametrize("test", ["test", "testing"])
def test_folders_of_splits_have_many_names(tmp_path, train, val, test):
    for split, images in ((train, 12), (val, 4), (test, 5)):
        for name in "ab":
            fill(tmp_path / split / name, images)
    samples, told = said(tmp_path)
    assert samples == {"train": 24, "val": 8, "test": 10}
    assert f"val is read from {val}/" in told
    assert f"test is read from {test}/" in told


def test_what_is_not_used_is_said(tmp_path):
    for folder in ("train/a", "train/b", "extra/a"):
        fill(tmp_path / folder, 60)
    fill(tmp_path / "train" / "empty", 0)
    WHITE.save(tmp_path / "train" / "loose.png")
    (tmp_path / "train" / "a" / "labels.txt").write_text("")
    samples, told = said(tmp_path)
    assert sum(samples.values()) == 120
    assert "val is a tenth of train/" in told
    assert "not used: extra/" in told
    assert "images in no class's folder, passed over: train/loose.png" in told
    assert "no images by their names, passed over: labels.txt" in told
    assert "classes without training images: empty" in told
    fill(tmp_path / "valid" / "a")
    fill(tmp_path / "dev" / "a")
    with pytest.raises(ConfigError, match="has dev and valid; expected one folder for val"):
        said(tmp_path)


def test_folders_below_a_class_are_part_of_it(tmp_path):
    for folder in ("a/sub", "b/sub/deep", "b/train"):
        fill(tmp_path / folder, 40)
    (tmp_path / "a" / "sub" / "loop").symlink_to(tmp_path / "a")
    samples, told = said(tmp_path)
    assert sum(samples.values()) == 120
    assert "folders below a class count for the class: a/sub, sub/deep, b/train" in told
    assert "b/train would be a split as SPLIT/CLASS" in told
    for number in range(3):  # noticed, however deep
        WHITE.save(tmp_path / "b" / "sub" / "deep" / f"new{number}.png")
        assert sum(said(tmp_path)[0].values()) == 121 + number


CLUTTER = ["._0.png", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", ".ipynb_checkpoints"]


@pytest.mark.parametrize("name", [*CLUTTER, "@eaDir", ".hidden.png"])
def test_clutter_is_passed_over(tmp_path, name):
    for folder in "ab":
        fill(tmp_path / folder, 40)
    clean = said(tmp_path)
    for folder in (tmp_path, tmp_path / "a"):
        if "." in name.strip("."):
            (folder / name).write_bytes(b"\x00\x05\x16\x07")
        else:
            fill(folder / name)
    assert _user_files.is_clutter(name)
    assert said(tmp_path) == clean
    image_folder.build(image_folder.Config(path=str(tmp_path), size=8))


def test_a_class_may_have_the_name_of_a_split(tmp_path):
    for folder in ("train", "car"):
        fill(tmp_path / folder, 40)
    assert _image_tree.listed(str(tmp_path)).classes == ["car", "train"]
