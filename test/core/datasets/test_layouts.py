# SPDX-License-Identifier: Apache-2.0
"""Promises about published data sets: the tree of each archive gives the pairs that its publisher means."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.images.folders import read_rgb


def names(root: Path, **options: str) -> list[tuple[str, str]]:
    return [
        (pair.input_path.relative_to(root).as_posix(), pair.target_path.relative_to(root).as_posix())
        for pair in find_pairs(root, **options)  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(("layout", "folder"), [("gopro", "blur"), ("gopro_gamma", "blur_gamma")])
def test_gopro_keeps_its_two_kinds_of_blur_apart(tmp_path: Path, write_image, layout, folder) -> None:
    for split, scene in (
        ("train", "GOPR0372_07_00"),
        ("train", "GOPR0374_11_00"),
        ("test", "GOPR0384_11_00"),
    ):
        for side in ("blur", "blur_gamma", "sharp"):
            write_image(tmp_path / split / scene / side / "000047.png")
    assert names(tmp_path, layout=layout, split="train") == [
        (f"train/{scene}/{folder}/000047.png", f"train/{scene}/sharp/000047.png")
        for scene in ("GOPR0372_07_00", "GOPR0374_11_00")
    ]
    assert len(names(tmp_path, layout=layout, split="test")) == 1


@pytest.mark.parametrize("camera", ["J", "R"])
def test_realblur_follows_its_list_in_which_the_clean_file_comes_first(
    tmp_path: Path, write_image, camera: str
) -> None:
    base = f"RealBlur-{camera}_ECC_IMCORR_centroid_itensity_ref/scene001"
    write_image(tmp_path / base / "gt/gt_1.png")
    write_image(tmp_path / base / "blur/blur_1.png")
    write_image(tmp_path / base / "gt/gt_2.png")  # not in the list
    listing = tmp_path / f"RealBlur_{camera}_test_list.txt"
    listing.write_text(f"{base}/gt/gt_1.png {base}/blur/blur_1.png\n")
    layout = f"realblur_{camera.lower()}"
    assert names(tmp_path, layout=layout, split="test") == [
        (f"{base}/blur/blur_1.png", f"{base}/gt/gt_1.png")
    ]
    with pytest.raises(ValueError, match=f"RealBlur_{camera}_train_list.txt"):
        find_pairs(tmp_path, layout=layout, split="train")
    listing.write_text(f"{base}/gt/gt_9.png {base}/blur/blur_1.png\n")
    with pytest.raises(ValueError, match=r"line 1: .*gt_9\.png does not exist"):
        find_pairs(tmp_path, layout=layout, split="test")


def test_rain800_has_the_clean_half_on_the_left(tmp_path: Path) -> None:
    both = np.zeros((6, 16, 3), np.uint8)
    both[:, 8:] = 200
    (tmp_path / "training").mkdir()
    cv2.imwrite(str(tmp_path / "training/1.png"), both)
    (pair,) = find_pairs(tmp_path, layout="rain800", split="train")
    assert (read_rgb(pair.target_path) == 0).all()
    assert (read_rgb(pair.input_path) == 200).all()
    assert read_rgb(pair.input_path).shape == (6, 8, 3)


@pytest.mark.parametrize(
    ("rainy", "clean"),
    [
        ("rain-{}.png", "norain-{}.png"),
        ("rain-00{}.png", "norain-00{}.png"),
        ("rain/rain-{}.png", "norain/norain-{}.png"),
        ("rain/X2/norain-{}x2.png", "norain/norain-{}.png"),
        ("rain/X2/norain-{}x2.png", "norain-{}.png"),
    ],
)
def test_rain1800_is_read_by_its_old_names_and_its_new(tmp_path: Path, write_image, rainy, clean) -> None:
    for number in (1, 2):
        write_image(tmp_path / rainy.format(number))
        write_image(tmp_path / clean.format(number))
    expected = [(rainy.format(n), clean.format(n)) for n in (1, 2)]
    assert names(tmp_path, layout="rain1800") == expected


def test_rain1800_names_an_image_whose_partner_is_missing(tmp_path: Path, write_image) -> None:
    write_image(tmp_path / "norain-001.png")
    write_image(tmp_path / "rain-001.png")
    write_image(tmp_path / "rain-002.png")
    with pytest.raises(ValueError, match=r"rain-002\.png has no partner"):
        find_pairs(tmp_path, layout="rain1800")


def test_rain14000_gives_each_rain_its_one_clean_image(tmp_path: Path, write_image) -> None:
    write_image(tmp_path / "testing/ground_truth/901.jpg")
    for rain in (1, 14):
        write_image(tmp_path / f"testing/rainy_image/901_{rain}.jpg")
    assert names(tmp_path, layout="rain14000", split="test") == [
        (f"testing/rainy_image/901_{rain}.jpg", "testing/ground_truth/901.jpg") for rain in (1, 14)
    ]


@pytest.mark.parametrize("inner", ["train/", ""])
def test_reds_is_read_as_unpacked(tmp_path: Path, write_image, inner: str) -> None:
    for side in ("blur", "sharp", "blur_bicubic/X4", "sharp_bicubic/X4"):
        write_image(tmp_path / f"{inner}train_{side}/000/00000000.png")
    for layout, kind in (("reds", ""), ("reds_x4", "_bicubic/X4")):
        assert names(tmp_path, layout=layout, split="train") == [
            (f"{inner}train_blur{kind}/000/00000000.png", f"{inner}train_sharp{kind}/000/00000000.png")
        ]


@pytest.mark.parametrize("below", ["", "test_a"])
def test_raindrop_pairs_rain_with_clean(tmp_path: Path, write_image, below: str) -> None:
    for split in ("train", "test_a", "test_b"):
        for number in (0, 10):
            write_image(tmp_path / split / f"data/{number}_rain.png")
            write_image(tmp_path / split / f"gt/{number}_clean.png")
    pairs = find_pairs(tmp_path / below, layout="raindrop", split="test")
    assert [(p.input_path.name, p.target_path.name) for p in pairs] == [
        ("0_rain.png", "0_clean.png"),
        ("10_rain.png", "10_clean.png"),
    ]
    assert {p.input_path.parent.parent.name for p in pairs} == {"test_a"}
    (tmp_path / "test_a/gt/0_clean.png").unlink()
    with pytest.raises(ValueError, match=r"0_rain\.png has no partner"):
        find_pairs(tmp_path / below, layout="raindrop", split="test")
