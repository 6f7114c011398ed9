# SPDX-License-Identifier: Apache-2.0
"""Image files as a user has them: 8 or 16 bits, grey, with alpha, with EXIF and a colour profile.

The networks see 8-bit RGB. What else a file holds is put back around their result: alpha unchanged, grey as
grey, EXIF, colour profile and resolution as they were, a JPEG at its source's quality. Of 16-bit files the
change that the network makes is added to the 16-bit values, so that what it leaves alone stays exact.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, JpegImagePlugin

from restoregan_core.files import atomic_write, check_is_free
from restoregan_core.images.decoding import MalformedImageError, decode_file
from restoregan_core.images.rgb import RgbImage

WRITABLE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_JPEG = (".jpg", ".jpeg")
_EIGHT_BIT_ONLY = (*_JPEG, ".bmp", ".webp")


@dataclass(frozen=True)
class ImageFile:
    """An image read from a file."""

    rgb: RgbImage
    """uint8 RGB (height, width, 3): what the network is to see."""
    values: npt.NDArray[Any]
    """As stored: uint8 or uint16, (height, width) for grey, (height, width, 3 or 4) for RGB(A)."""
    alpha: npt.NDArray[Any] | None
    """(height, width) beside grey values, else None."""
    save_options: dict[str, Any]
    """Metadata, as Pillow's ``save`` takes it; quality of a JPEG."""
    notes: tuple[str, ...] = field(default=())
    """What a user should know about how the file is treated, one line each."""


def read_image_file(path: Path) -> ImageFile:
    """Read an image with all that is to be kept of it. EXIF's rotation is kept as a tag, not applied.

    Raises:
        ValueError: no readable image, or neither grey nor RGB of 8 or 16 bits; the message names the file.
    """
    try:
        stored = decode_file(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        with Image.open(path) as header:
            mode, save_options = header.mode, _save_options(header)
            frames, is_mpo = getattr(header, "n_frames", 1), header.format == "MPO"
    except MalformedImageError as error:
        raise ValueError(f"{path} is not a readable image: {error}") from error
    except Exception as error:  # Pillow's readers raise nearly anything for damaged metadata
        raise ValueError(f"{path} is not a readable image") from error
    if mode in ("CMYK", "YCCK", "LAB", "HSV"):
        raise ValueError(f"{path} is {mode}: convert it to RGB first")
    if frames > 1 and not is_mpo:
        raise ValueError(f"{path} holds {frames} images: split it into single ones first")
    if stored.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{path} holds {stored.dtype} values: save it with 8 or 16 bits")
    values = _from_opencv_order(stored)
    alpha = None
    if mode == "LA":  # OpenCV spreads grey with alpha over four channels
        values, alpha = values[..., 0], values[..., 3]
    notes = []
    if is_mpo:  # phones put a preview or a gain map behind the image
        notes.append(f"holds {frames} images: the first is read, and is all that is saved")
    if values.dtype == np.uint16:
        notes.append("16 bits: the network works at 8; its change is added to the 16-bit values")
        if save_options:
            notes.append("16 bits: EXIF and colour profile are not kept")
    if mode == "P":
        notes.append("a palette: saved as RGB")
    if mode == "1":
        notes.append("black and white: saved as grey")
    if values.ndim == 3 and values.shape[2] == 4:
        notes.append("alpha is kept as it is")
    eight_bit = _to_eight_bit(values)
    rgb = cv2.cvtColor(eight_bit, cv2.COLOR_GRAY2RGB) if eight_bit.ndim == 2 else eight_bit[..., :3]
    return ImageFile(np.array(rgb, np.uint8, order="C"), values, alpha, save_options, tuple(notes))


def write_image_file(path: Path, source: ImageFile, restored_HWC: RgbImage) -> None:
    """Write a restored image as its source was, atomically.

    Args:
        path: its suffix decides the format; nothing may lie there yet.
        source: as it was read.
        restored_HWC: uint8 RGB of the source's size.

    Raises:
        FileExistsError: there is something at ``path``.
        ValueError: an unknown suffix, or a format that cannot hold 16 bits or alpha.
    """
    check_can_write(path, source)
    values = _merge(source, restored_HWC)
    with atomic_write(path, keep_suffix=True) as temporary:
        if values.dtype == np.uint16:
            if not cv2.imwrite(os.fspath(temporary), _from_opencv_order(values)):
                raise OSError(f"{temporary} could not be written")
        else:
            _save_eight_bit(temporary, values, source)
        check_is_free(path)


def check_can_write(path: Path, source: ImageFile | None = None) -> None:
    """Raise what `write_image_file` would raise, before any work is done."""
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        raise ValueError(
            f"{path}: cannot write {suffix or 'a file without suffix'}; use {', '.join(WRITABLE_SUFFIXES)}"
        )
    check_is_free(path)
    if source is None:
        return
    has_alpha = source.alpha is not None or (source.values.ndim == 3 and source.values.shape[2] == 4)
    if source.values.dtype == np.uint16 and suffix in _EIGHT_BIT_ONLY:
        raise ValueError(f"{path}: {suffix} cannot hold 16 bits; write .png or .tif")
    if has_alpha and suffix in _JPEG:
        raise ValueError(f"{path}: {suffix} cannot hold alpha; write .png")


def _merge(source: ImageFile, restored_HWC: RgbImage) -> npt.NDArray[Any]:
    """The stored values with the network's change; grey as grey, alpha as it was."""
    if restored_HWC.shape != source.rgb.shape:
        raise ValueError(f"the restored image is {restored_HWC.shape}, its source {source.rgb.shape}")
    change = restored_HWC.astype(np.int32) - source.rgb
    if source.values.ndim == 2:
        # The weights of luma; a network may tint a grey image.
        change = np.round(change @ np.array([0.299, 0.587, 0.114])).astype(np.int32)
        colours, alpha = source.values, None
    else:
        colours, alpha = source.values[..., :3], source.values[..., 3:]
    scale = 257 if source.values.dtype == np.uint16 else 1
    limit = np.iinfo(source.values.dtype).max
    merged = np.clip(colours.astype(np.int32) + change * scale, 0, limit).astype(source.values.dtype)
    if source.alpha is not None:
        return np.dstack([merged, source.alpha])
    return merged if alpha is None else np.concatenate([merged, alpha], axis=2)


def _save_eight_bit(path: Path, values: npt.NDArray[Any], source: ImageFile) -> None:
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
    channels = 1 if values.ndim == 2 else values.shape[2]
    options = dict(source.save_options)
    suffix = path.suffix.lower()
    if suffix not in _JPEG:
        options.pop("qtables", None)
        options.pop("subsampling", None)
    elif "qtables" not in options:
        options["quality"] = 95
    if suffix == ".webp":
        options["lossless"] = True
    if channels == 1:
        options.pop("subsampling", None)
    Image.fromarray(np.ascontiguousarray(values), modes[channels]).save(path, **options)


def _save_options(header: Image.Image) -> dict[str, Any]:
    options: dict[str, Any] = {k: header.info[k] for k in ("icc_profile", "dpi") if header.info.get(k)}
    exif = header.getexif()
    # A TIFF's own tags say where its pixels lie: of no use elsewhere.
    if len(exif) and header.format != "TIFF":
        options["exif"] = exif.tobytes()
    if isinstance(header, JpegImagePlugin.JpegImageFile):
        options["qtables"] = header.quantization
        sampling = JpegImagePlugin.get_sampling(header)
        if sampling >= 0:
            options["subsampling"] = sampling
    return options


def _from_opencv_order(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """BGR(A) <-> RGB(A); grey stays."""
    if values.ndim == 2:
        return values
    order = [2, 1, 0, 3][: values.shape[2]]
    return np.ascontiguousarray(values[..., order])


def _to_eight_bit(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
