# SPDX-License-Identifier: Apache-2.0
"""Images as planes: one of each colour for each place in a block of pixels, as a network's first layer takes them.

OpenCV moves the pixels faster than a graph does: a graph's transposition goes byte by byte.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.concurrency import both


def to_planes(
    images_BHWC: npt.NDArray[np.uint8], block: int, *older_BHWC: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """What ``torch.nn.functional.pixel_unshuffle`` makes of images.

    Args:
        images_BHWC: uint8 (batch, height, width, channels), both sides multiples of ``block``.
        older_BHWC: more images of that size; their channels follow, as if they had been merged.

    Returns:
        uint8 (batch, channels * block * block, height // block, width // block): channel by channel, and in each one
        the places of a block row by row.
    """
    batch, height, width, _ = images_BHWC.shape
    rows, columns = height // block, width // block
    images = [images_BHWC, *older_BHWC]
    counts = [image.shape[3] for image in images]
    planes = np.empty((batch, sum(counts), block, block, rows, columns), np.uint8)
    own_planes = np.split(planes, np.cumsum(counts)[:-1], axis=1)

    def fill(which: slice) -> None:
        for batch_BHWC, batch_planes in zip(images[which], own_planes[which], strict=True):
            for image_HWC, own in zip(batch_BHWC, batch_planes, strict=True):
                for y, wide in enumerate(_rows_of_blocks(image_HWC, block)):
                    cv2.mixChannels([wide], _places(own, y), _each_its_own(block * image_HWC.shape[2]))

    half = (len(images) + 1) // 2
    both(lambda: fill(slice(half)), lambda: fill(slice(half, None)))
    return planes.reshape(batch, -1, rows, columns)


def from_planes(planes_BCHW: npt.NDArray[np.uint8], block: int) -> npt.NDArray[np.uint8]:
    """The images again: uint8 (batch, height, width, channels), a new array."""
    batch, count, rows, columns = planes_BCHW.shape
    channels = count // block**2
    planes = planes_BCHW.reshape(batch, channels, block, block, rows, columns)
    images_BHWC = np.empty((batch, rows * block, columns * block, channels), np.uint8)
    for image_HWC, own in zip(images_BHWC, planes, strict=True):
        for y, wide in enumerate(_rows_of_blocks(image_HWC, block)):
            cv2.mixChannels(_places(own, y), [wide], _each_its_own(block * channels))
    return images_BHWC


def _rows_of_blocks(image_HWC: npt.NDArray[np.uint8], block: int) -> list[npt.NDArray[np.uint8]]:
    """For each row of a block those rows of the image, each block's pixels side by side as channels: views of it."""
    height, width, channels = image_HWC.shape
    rows = image_HWC.reshape(height // block, block, width // block, block * channels)
    return [rows[:, y] for y in range(block)]


def _places(planes: npt.NDArray[np.uint8], y: int) -> list[npt.NDArray[np.uint8]]:
    """Of planes (channels, block, block, rows, columns) those of one row of a block, ordered as its pixels are."""
    channels, block = planes.shape[:2]
    return [planes[c, y, x] for x in range(block) for c in range(channels)]


def _each_its_own(count: int) -> list[int]:
    """For OpenCV's ``mixChannels``, which takes half as long as ``split`` and ``merge`` of more than four channels."""
    return [number for channel in range(count) for number in (channel, channel)]


def merged(
    images_BHWC: npt.NDArray[np.uint8], older_BHWC: Sequence[npt.NDArray[np.uint8]]
) -> npt.NDArray[np.uint8]:
    """Images of one size as one of all their channels: uint8 (batch, height, width, channels)."""
    if not older_BHWC:
        return images_BHWC
    # NumPy's concatenate copies three bytes at a time here, and takes six times as long.
    each = zip(images_BHWC, *older_BHWC, strict=True)
    whole = [cv2.merge([np.ascontiguousarray(image) for image in images]) for images in each]
    return np.asarray(whole[0][np.newaxis] if len(whole) == 1 else np.stack(whole), np.uint8)
