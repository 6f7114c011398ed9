# SPDX-License-Identifier: Apache-2.0
"""Small made images: no test here needs anything from elsewhere."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

ImageWriter = Callable[..., Path]


@pytest.fixture
def write_image() -> ImageWriter:
    """``write_image(path, seed, height, width)`` makes a smooth random image and returns its path."""

    def write(path: Path, seed: int = 0, height: int = 40, width: int = 48) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
        assert cv2.imwrite(str(path), cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
        return path

    return write
