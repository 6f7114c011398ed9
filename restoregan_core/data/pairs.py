"""Real pairs: degraded pictures and their clean partners, in folders, LMDB databases or a published layout.

In folders, ``input/`` holds the degraded pictures, ``target/`` their partners of the same name. In LMDB, as
the field's training repositories write it, ``input.lmdb/`` and ``target.lmdb/`` hold encoded pictures by key
and list them in ``meta_info.txt``, a line each: ``00000001.png (720,1280,3) 1``; the key is the name without
its suffix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from restoregan_core.images.folders import check_same_size, find_pictures, read_rgb

LMDB_INPUTS, LMDB_TARGETS = ("input.lmdb", "lq.lmdb"), ("target.lmdb", "gt.lmdb")


@dataclass(frozen=True)
class Pair:
    """Two pictures of the same scene, degraded and clean. The paths are such as ``read_rgb`` takes."""

    input_path: Path
    target_path: Path


def find_pairs(
    folder: str | Path, check: bool = True, layout: str = "folders", split: str = "train"
) -> list[Pair]:
    """The pairs of a folder, in a fixed order.

    Args:
        check: also read each pair, so that a bad file stops the program at its start and not hours later.
        layout: ``folders``, ``lmdb``, or a published one, see ``layouts.LAYOUTS``.
        split: ``train`` or ``test``, where the layout has both.

    Raises:
        ValueError: no such layout or split, a folder is missing or empty, a picture lacks its partner, cannot
            be read, or differs from it in size; the message names the file.
    """
    from restoregan_core.data.layouts import LAYOUTS

    if layout not in LAYOUTS:
        raise ValueError(f"no layout {layout!r}; there are: {', '.join(LAYOUTS)}")
    if split not in ("train", "test"):
        raise ValueError(f"split={split!r} must be train or test")
    if not Path(folder).is_dir():
        raise ValueError(f"{folder} is not a folder")
    pairs = LAYOUTS[layout](Path(folder), split)
    if not pairs:
        raise ValueError(f"{folder} holds no {split} pairs in the layout {layout!r}")
    if check:
        for pair in pairs:
            check_same_size([pair.target_path, pair.input_path])
    return pairs


def pairs_in_folders(root: Path, split: str = "") -> list[Pair]:
    """``input/`` and ``target/``; partners have the same path below them, or differ in the suffix alone."""
    for side in ("input", "target"):
        if not (root / side).is_dir():
            raise ValueError(f"{root} holds no folder {side}/: pairs lie in input/ and target/")
    return match(root / "input", root / "target")


def match(inputs_root: Path, targets_root: Path) -> list[Pair]:
    """Pictures with the same path below two folders, suffix aside.

    Raises:
        ValueError: a picture on either side has no partner; two pictures differ in their suffix alone.
    """
    inputs, targets = (_by_name(root) for root in (inputs_root, targets_root))
    for name in sorted(inputs.keys() ^ targets.keys()):
        present, missing = (inputs[name], targets_root) if name in inputs else (targets[name], inputs_root)
        raise ValueError(f"{present} has no partner in {missing}")
    return [Pair(inputs[name], targets[name]) for name in sorted(inputs)]


def pairs_in_lmdb(root: Path, split: str = "") -> list[Pair]:
    """``input.lmdb`` and ``target.lmdb`` (or ``lq.lmdb`` and ``gt.lmdb``) with the same keys.

    Raises:
        ValueError: a database or its ``meta_info.txt`` is missing, or a key is in one of them only.
    """
    sides = []
    for names in (LMDB_INPUTS, LMDB_TARGETS):
        database = next((root / name for name in names if (root / name).is_dir()), None)
        if database is None:
            raise ValueError(f"{root} holds neither {names[0]} nor {names[1]}")
        listing = database / "meta_info.txt"
        if not listing.is_file():
            raise ValueError(f"{database} holds no meta_info.txt, which lists its keys")
        names_in = [line.split(" (")[0].strip() for line in listing.read_text().splitlines() if line.strip()]
        sides.append({name.rpartition(".")[0] or name: database for name in names_in})
    inputs, targets = sides
    for key in sorted(inputs.keys() ^ targets.keys()):
        raise ValueError(f"key {key!r} of {root} has no partner: it is in only one of the two databases")
    return [Pair(Path(f"{inputs[key]}#{key}"), Path(f"{targets[key]}#{key}")) for key in sorted(inputs)]


def without_shared_backgrounds(pairs: Sequence[Pair], held_out: Sequence[Pair]) -> list[Pair]:
    """The pairs whose clean picture is none of the held-out ones.

    546 of Rain100H's 1800 training pairs show a background of its test set; the field calls the other 1254
    the strict set. Pictures are compared by content (mean difference of 16 x 16 thumbnails up to 2 of 255,
    mirror images too), so that file names do not matter.
    """
    seen = np.stack([_thumbnail(pair.target_path) for pair in held_out])
    known: dict[Path, bool] = {}
    for pair in pairs:
        if pair.target_path not in known:
            one = _thumbnail(pair.target_path)
            mirrored = one.reshape(16, 16, 3)[:, ::-1].reshape(-1)
            distance = min(float(np.abs(seen - side).mean(1).min()) for side in (one, mirrored))
            known[pair.target_path] = distance <= 2
    return [pair for pair in pairs if not known[pair.target_path]]


def _thumbnail(path: Path) -> np.ndarray:
    small = cv2.resize(read_rgb(path), (16, 16), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).reshape(-1)


def _by_name(root: Path) -> dict[Path, Path]:
    found: dict[Path, Path] = {}
    for path in find_pictures(root):
        name = path.relative_to(root).with_suffix("")
        if name in found:
            raise ValueError(f"{path} and {found[name]} differ in their suffix alone: which is meant?")
        found[name] = path
    return found
