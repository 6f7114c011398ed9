"""Folders of real pairs: ``input/`` holds degraded pictures, ``target/`` their partners of the same name."""

from dataclasses import dataclass
from pathlib import Path

from restoregan_core.data.pictures import check_same_size, find_pictures


@dataclass(frozen=True)
class Pair:
    """Two files that show the same scene, degraded and clean."""

    input_path: Path
    target_path: Path


def find_pairs(folder: str | Path, check: bool = True) -> list[Pair]:
    """The pairs of a folder, sorted by name. Partners have the same path below ``input/`` and ``target/``,
    or differ in the suffix alone.

    Args:
        check: also read each pair, so that a bad file stops the program at its start and not hours later.

    Raises:
        ValueError: a folder is missing or empty, a picture lacks its partner, cannot be read, or differs
            from it in size; the message names the file.
    """
    root = Path(folder)
    sides = []
    for side in ("input", "target"):
        if not (root / side).is_dir():
            raise ValueError(f"{root} holds no folder {side}/: pairs lie in input/ and target/")
        sides.append({p.relative_to(root / side).with_suffix(""): p for p in find_pictures(root / side)})
    inputs, targets = sides
    for name in sorted(inputs.keys() ^ targets.keys()):
        present, missing = (inputs[name], "target") if name in inputs else (targets[name], "input")
        raise ValueError(f"{present} has no partner in {root / missing}")
    pairs = [Pair(inputs[name], targets[name]) for name in sorted(inputs)]
    if check:
        for pair in pairs:
            check_same_size([pair.target_path, pair.input_path])
    return pairs
