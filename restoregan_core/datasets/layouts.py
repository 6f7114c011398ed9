# SPDX-License-Identifier: Apache-2.0
"""The layouts in which the field's data sets are published, read as they come out of their archives."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from restoregan_core.datasets.pair_matching import Pair, match, pairs_in_folders, pairs_in_lmdb
from restoregan_core.documents import read_lines
from restoregan_core.images.folders import find_images


def gopro(root: Path, split: str, blur: str = "blur") -> list[Pair]:
    """GOPRO_Large: ``train/GOPR0372_07_00/{blur,blur_gamma,sharp}/000047.png``.

    ``blur`` averages frames as the camera recorded them, ``blur_gamma`` in linear light: two different sets.
    """
    pairs = []
    for scene in _subfolders(root / split):
        for side in (blur, "sharp"):
            if not (scene / side).is_dir():
                raise ValueError(f"{scene} does not hold a folder {side}/")
        pairs += match(scene / blur, scene / "sharp")
    return pairs


def realblur(root: Path, split: str, camera: str = "J") -> list[Pair]:
    """RealBlur: ``RealBlur_J_train_list.txt`` has a line for each pair, the clean file before the blurred.

    J are the camera's JPEGs, R images developed from raw. Paths in the list are relative to ``root``.
    """
    listing = root / f"RealBlur_{camera}_{split}_list.txt"
    if not listing.is_file():
        raise ValueError(f"{root} does not hold {listing.name}, which says what belongs to the {split} split")
    pairs = []
    for number, line in enumerate(read_lines(listing), 1):
        names = line.split()
        if not names:
            continue
        if len(names) < 2:
            raise ValueError(f"{listing}, line {number}: expected a clean and a blurred file, got {line!r}")
        target, given = root / names[0], root / names[1]
        for path in (target, given):
            if not path.is_file():
                raise ValueError(f"{listing}, line {number}: {path} does not exist")
        pairs.append(Pair(given, target))
    return pairs


def rain800(root: Path, split: str) -> list[Pair]:
    """Rain800: ``training/1.jpg``, ``test_syn/1.jpg``; each holds the clean image left, the rainy right."""
    folder = _first(root, {"train": ("training", "train"), "test": ("test_syn", "test")}[split])
    return [Pair(Path(f"{path}#right"), Path(f"{path}#left")) for path in find_images(folder)]


def rain1800(root: Path, split: str = "") -> list[Pair]:
    """Rain100L, Rain100H and their training sets, as first published and as republished; ``root`` holds one.

    First: ``norain-1.png`` or ``norain-001.png`` beside ``rain-1.png``, or in ``norain/`` and ``rain/``.
    Republished: ``norain/norain-1.png`` and ``rain/X2/norain-1x2.png``. Partners have the same number.
    """
    clean: dict[int, Path] = {}
    rainy: dict[int, Path] = {}
    for path in find_images(root):
        found = re.fullmatch(r"(no)?rain-(\d+)(x2)?", path.stem)
        if not found:
            continue
        # The republished rainy images are named norain too: their folder and the x2 tell them apart.
        side = clean if found[1] and not found[3] else rainy
        number = int(found[2])
        if number in side:
            raise ValueError(f"{path} and {side[number]} have the same number: give the folder of one set")
        side[number] = path
    for number in sorted(clean.keys() ^ rainy.keys()):
        raise ValueError(f"{clean.get(number) or rainy.get(number)} has no partner under {root}")
    return [Pair(rainy[number], clean[number]) for number in sorted(clean)]


def rain14000(root: Path, split: str) -> list[Pair]:
    """Rain14000: ``training/rainy_image/1_14.jpg``, one of 14 rains over ``training/ground_truth/1.jpg``."""
    folder = _first(root, {"train": ("training", "train"), "test": ("testing", "test")}[split])
    targets = {path.stem: path for path in find_images(folder / "ground_truth")}
    pairs = []
    for path in find_images(folder / "rainy_image"):
        name = path.stem.rpartition("_")[0]
        if name not in targets:
            raise ValueError(f"{path} has no partner {name} in {folder / 'ground_truth'}")
        pairs.append(Pair(path, targets[name]))
    return pairs


def raindrop(root: Path, split: str) -> list[Pair]:
    """RainDrop: ``train/data/0_rain.png`` and ``train/gt/0_clean.png``; ``test_a`` is the test split.

    ``root`` may be one of ``train``, ``test_a`` and ``test_b`` itself.
    """
    folder = root if (root / "data").is_dir() else root / {"train": "train", "test": "test_a"}[split]
    sides = []
    for side, ending in (("data", "_rain"), ("gt", "_clean")):
        sides.append({path.stem.removesuffix(ending): path for path in find_images(folder / side)})
    inputs, targets = sides
    for name in sorted(inputs.keys() ^ targets.keys()):
        raise ValueError(f"{inputs.get(name) or targets.get(name)} has no partner in {folder}")
    return [Pair(inputs[name], targets[name]) for name in sorted(inputs)]


def reds(root: Path, split: str, blur: str = "blur", sharp: str = "sharp") -> list[Pair]:
    """REDS: ``train/train_blur/000/00000000.png`` and ``train/train_sharp/...``; ``val`` is the test split.

    ``blur_bicubic/X4`` with ``sharp_bicubic/X4`` are the images downscaled by four.
    """
    name = {"train": "train", "test": "val"}[split]
    base = root / name if (root / name).is_dir() else root
    return match(base / f"{name}_{blur}", base / f"{name}_{sharp}")


LAYOUTS: dict[str, Callable[[Path, str], list[Pair]]] = {
    "folders": pairs_in_folders,
    "lmdb": pairs_in_lmdb,
    "gopro": gopro,
    "gopro_gamma": partial(gopro, blur="blur_gamma"),
    "realblur_j": partial(realblur, camera="J"),
    "realblur_r": partial(realblur, camera="R"),
    "rain800": rain800,
    "rain1800": rain1800,
    "rain14000": rain14000,
    "raindrop": raindrop,
    "reds": reds,
    "reds_x4": partial(reds, blur="blur_bicubic/X4", sharp="sharp_bicubic/X4"),
}
"""Name -> what finds the pairs of (root, split). ``split`` means nothing to folders, lmdb and rain1800."""


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _first(root: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise ValueError(f"{root} does not hold a folder {' or '.join(names)}")
