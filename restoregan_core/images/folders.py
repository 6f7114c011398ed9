# SPDX-License-Identifier: Apache-2.0
"""Images in folders: found, read as RGB, kept decoded in memory up to a bound."""

import os
import re
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from restoregan_core.images.decoding import MalformedImageError, decode_file

_UNWRITTEN_PAGES = 64
"""So many of an LMDB database's last pages may be missing though it is whole: what was freed before it was written."""
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


def find_images(folder: str | Path) -> list[Path]:
    """All images under a folder, sorted by path; for frames of a video see ``find_frames``.

    Hidden files and folders are left out: thumbnails, checkpoints of notebooks, ``._1.png`` of other file systems.

    Raises:
        ValueError: no such folder, or no image in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder")
    found = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and path.is_file()
    )
    if not found:
        raise ValueError(f"{root} does not hold any images ({', '.join(IMAGE_SUFFIXES)})")
    return found


def find_frames(folder: str | Path) -> list[Path]:
    """All images under a folder, those of each folder as consecutive frames: ``2.png`` before ``10.png``.

    Raises:
        ValueError: as ``find_images``.
    """
    return sorted(find_images(folder), key=frame_order)


def frame_order(path: Path) -> tuple[Path, list[str | int], Path]:
    """A key that sorts frames of a folder as people count, whether or not their numbers are padded with zeros."""
    parts = re.split(r"(\d+)", path.stem)
    return path.parent, [int(part) if number % 2 else part for number, part in enumerate(parts)], path


def read_rgb(path: str | Path) -> np.ndarray:
    """An image as uint8 (H, W, 3) RGB; grey becomes RGB, alpha is dropped, 16 bits become 8.

    What is not a file of its own is named by a fragment, as in a URL: ``1.jpg#left`` and ``1.jpg#right`` are
    the halves of an image, ``input.lmdb#0001`` is what a database holds under that key.

    Raises:
        ValueError: there is no such file or key, or it is not an image that OpenCV can read.
    """
    name, _, fragment = str(path).partition("#")
    if not fragment or Path(path).is_file():
        return _decode(_read_bytes(Path(path)), path)
    if fragment in ("left", "right"):
        both_HWC = _decode(_read_bytes(Path(name)), name)
        half = both_HWC.shape[1] // 2
        if both_HWC.shape[1] % 2:
            raise ValueError(
                f"{name} is {both_HWC.shape[1]} px wide: two images side by side have an even width"
            )
        return np.ascontiguousarray(both_HWC[:, :half] if fragment == "left" else both_HWC[:, half:])
    data = _read_lmdb(name, fragment)
    if data is None:
        raise ValueError(f"{name} does not hold a key {fragment!r}")
    return _decode(data, path)


def _decode(data: bytes, name: str | Path) -> np.ndarray:
    try:
        bgr_HWC = decode_file(data, cv2.IMREAD_COLOR)
    except MalformedImageError as error:
        raise ValueError(f"{name} is not a readable image: {error}") from error
    return cv2.cvtColor(bgr_HWC, cv2.COLOR_BGR2RGB)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ValueError(f"{path} does not exist") from error


def _read_lmdb(path: str, key: str) -> bytes | None:
    import lmdb

    try:
        # An open database must not cross a fork: each process has its own.
        with _open_lmdb(path, os.getpid()).begin() as reading:
            return reading.get(key.encode())
    except lmdb.Error as error:
        raise ValueError(f"{path} is not a readable LMDB database: {error}") from error


@lru_cache(maxsize=8)
def _open_lmdb(path: str, process: int) -> Any:
    import lmdb

    database = lmdb.open(path, readonly=True, lock=False, readahead=False)
    # It is mapped, so that to read what is behind its end would kill the process.
    pages, page_bytes = database.info()["last_pgno"] + 1, database.stat()["psize"]
    there = (Path(path) / "data.mdb").stat().st_size // page_bytes
    if there < pages - _UNWRITTEN_PAGES:
        database.close()
        raise ValueError(f"{path} is cut off: it has {there} of its {pages} pages; copy it again")
    return database


class ImageCache:
    """Decoded images, least recently used first out, at most ``limit_mb`` of them in memory."""

    def __init__(self, limit_mb: float) -> None:
        self.limit_bytes = int(limit_mb * 2**20)
        self._held: OrderedDict[str, np.ndarray] = OrderedDict()
        self._bytes = 0

    def __call__(self, path: str | Path) -> np.ndarray:
        """uint8 (H, W, 3) RGB, not to be written to."""
        key = str(path)
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        rgb_HWC = read_rgb(path)
        rgb_HWC.flags.writeable = False
        self._held[key] = rgb_HWC
        self._bytes += rgb_HWC.nbytes
        while self._bytes > self.limit_bytes and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1].nbytes
        return rgb_HWC


def cut(rgb_HWC: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """A box of an image, mirrored where it reaches over the edge: uint8 (height, width, 3)."""
    rows, columns = rgb_HWC.shape[:2]
    inside = rgb_HWC[max(top, 0) : min(top + height, rows), max(left, 0) : min(left + width, columns)]
    above, before = max(-top, 0), max(-left, 0)
    below, after = height - above - inside.shape[0], width - before - inside.shape[1]
    if not (above or below or before or after):
        return inside
    return cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REFLECT_101)


def check_same_size(paths: Sequence[str | Path]) -> None:
    """Raises ValueError, naming both files and sizes, unless all images have one size."""
    sizes = [read_rgb(p).shape[:2] for p in paths]
    for path, size in zip(paths, sizes, strict=True):
        if size != sizes[0]:
            raise ValueError(
                f"{path} is {size[0]}x{size[1]} but its partner {paths[0]} is {sizes[0][0]}x{sizes[0][1]}"
            )
