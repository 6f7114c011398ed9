# SPDX-License-Identifier: Apache-2.0
"""The form in which images are handed around: uint8 RGB arrays; for arithmetic, floats."""

import numpy as np
import numpy.typing as npt

RgbImage = npt.NDArray[np.uint8]
"""uint8 RGB of shape (height, width, 3), values 0 to 255."""

FloatImage = npt.NDArray[np.float32]
"""float32, grey (height, width) or RGB (height, width, 3), values 0 to 1."""


def require_rgb(image: RgbImage, name: str = "image") -> None:
    """Refuse what is not an RGB image of at least one pixel.

    Raises:
        ValueError: another dtype or shape; the message says ``name`` and what it is.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(
            f"{name} must be uint8 RGB of shape (height, width, 3), got {image.dtype} {image.shape}"
        )
