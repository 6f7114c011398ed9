# SPDX-License-Identifier: Apache-2.0
"""Images as planes: one of each colour for each place in a block of pixels, as a network's first layer takes them.

OpenCV moves the pixels faster than a graph does: a graph's transposition goes byte by byte.
"""

import cv2
import numpy as np
import numpy.typing as npt


def to_planes(image_HWC: npt.NDArray[np.uint8], block: int) -> npt.NDArray[np.uint8]:
    """What ``torch.nn.functional.pixel_unshuffle`` makes of an image.

    Args:
        image_HWC: uint8 (height, width, channels), both sides multiples of ``block``.

    Returns:
        uint8 (channels * block * block, height // block, width // block): channel by channel, and in each one the
        places of a block row by row.
    """
    height, width, channels = image_HWC.shape
    rows, columns = height // block, width // block
    planes = np.empty((channels, block, block, rows, columns), np.uint8)
    for y in range(block):
        # A row of pixels is a row of blocks whose pixels are channels.
        wide = np.ascontiguousarray(image_HWC[y::block]).reshape(rows, columns, block * channels)
        cv2.split(wide, [planes[c, y, x] for x in range(block) for c in range(channels)])
    return planes.reshape(-1, rows, columns)


def from_planes(planes_CHW: npt.NDArray[np.uint8], block: int) -> npt.NDArray[np.uint8]:
    """The image again: uint8 (height, width, channels), a new array."""
    count, rows, columns = planes_CHW.shape
    channels = count // block**2
    planes = planes_CHW.reshape(channels, block, block, rows, columns)
    image_HWC = np.empty((rows * block, columns * block, channels), np.uint8)
    for y in range(block):
        wide = cv2.merge([planes[c, y, x] for x in range(block) for c in range(channels)])
        image_HWC[y::block] = wide.reshape(rows, columns * block, channels)
    return image_HWC
