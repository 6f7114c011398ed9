# SPDX-License-Identifier: Apache-2.0
"""Which degraded image belongs to which clean one: by name in two folders, by key in two LMDB databases.

In folders, ``input/`` holds the degraded images, ``target/`` their partners of the same name. In LMDB, as
the field's training repositories write it, ``input.lmdb/`` and ``target.lmdb/`` hold encoded images by key
and list them in ``meta_info.txt``, a line each: ``00000001.png (720,1280,3) 1``; the key is the name without
its suffix.
"""

from dataclasses import dataclass
from pathlib import Path

from restoregan_core.documents import read_lines
from restoregan_core.images.folders import find_images

LMDB_INPUTS, LMDB_TARGETS = ("input.lmdb", "lq.lmdb"), ("target.lmdb", "gt.lmdb")


@dataclass(frozen=True)
class Pair:
    """Two images of the same scene, degraded and clean. The paths are such as ``read_rgb`` takes."""

    input_path: Path
    target_path: Path


def pairs_in_folders(root: Path, split: str = "") -> list[Pair]:
    """``input/`` and ``target/``; partners have the same path below them, or differ in the suffix alone."""
    for side in ("input", "target"):
        if not (root / side).is_dir():
            raise ValueError(f"{root} does not hold a folder {side}/: pairs lie in input/ and target/")
    return match(root / "input", root / "target")


def match(inputs_root: Path, targets_root: Path) -> list[Pair]:
    """Images with the same path below two folders, suffix aside.

    Raises:
        ValueError: an image on either side has no partner; two images differ in their suffix alone.
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
            raise ValueError(f"{database} does not hold meta_info.txt, which lists its keys")
        names_in = [line.split(" (")[0].strip() for line in read_lines(listing) if line.strip()]
        sides.append({name.rpartition(".")[0] or name: database for name in names_in})
    inputs, targets = sides
    for key in sorted(inputs.keys() ^ targets.keys()):
        raise ValueError(f"key {key!r} of {root} has no partner: it is in only one of the two databases")
    return [Pair(Path(f"{inputs[key]}#{key}"), Path(f"{targets[key]}#{key}")) for key in sorted(inputs)]


def _by_name(root: Path) -> dict[Path, Path]:
    found: dict[Path, Path] = {}
    for path in find_images(root):
        name = path.relative_to(root).with_suffix("")
        if name in found:
            raise ValueError(f"{path} and {found[name]} differ in their suffix alone: which is meant?")
        found[name] = path
    return found
