# SPDX-License-Identifier: Apache-2.0
"""Images as planes: one of each colour for each place in a block of pixels, as a network's first layer takes them.

OpenCV moves the pixels faster than a graph does: a graph's transposition goes byte by byte.
"""

import cv2
import numpy as np
import numpy.typing as npt


def to_planes(images_BHWC: npt.NDArray[np.uint8], block: int) -> npt.NDArray[np.uint8]:
    """What ``torch.nn.functional.pixel_unshuffle`` makes of images.

    Args:
        images_BHWC: uint8 (batch, height, width, channels), both sides multiples of ``block``.

    Returns:
        uint8 (batch, channels * block * block, height // block, width // block): channel by channel, and in each one
        the places of a block row by row.
    """
    batch, height, width, channels = images_BHWC.shape
    rows, columns = height // block, width // block
    planes = np.empty((batch, channels, block, block, rows, columns), np.uint8)
    for image_HWC, own in zip(images_BHWC, planes, strict=True):
        for y in range(block):
            # A row of pixels is a row of blocks whose pixels are channels.
            wide = np.ascontiguousarray(image_HWC[y::block]).reshape(rows, columns, block * channels)
            cv2.split(wide, [own[c, y, x] for x in range(block) for c in range(channels)])
    return planes.reshape(batch, -1, rows, columns)


def from_planes(planes_BCHW: npt.NDArray[np.uint8], block: int) -> npt.NDArray[np.uint8]:
    """The images again: uint8 (batch, height, width, channels), a new array."""
    batch, count, rows, columns = planes_BCHW.shape
    channels = count // block**2
    planes = planes_BCHW.reshape(batch, channels, block, block, rows, columns)
    images_BHWC = np.empty((batch, rows * block, columns * block, channels), np.uint8)
    for image_HWC, own in zip(images_BHWC, planes, strict=True):
        for y in range(block):
            wide = cv2.merge([own[c, y, x] for x in range(block) for c in range(channels)])
            image_HWC[y::block] = wide.reshape(rows, columns * block, channels)
    return images_BHWC
