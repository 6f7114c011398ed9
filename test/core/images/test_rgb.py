# SPDX-License-Identifier: Apache-2.0
"""What counts as an RGB image."""

import numpy as np
import pytest

from restoregan_core.images.rgb import require_rgb


def test_an_rgb_image_of_one_pixel_passes() -> None:
    require_rgb(np.zeros((1, 1, 3), np.uint8))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=["floats", "grey", "alpha", "empty"],
)
def test_anything_else_is_refused_by_name_with_what_it_is(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=f"source must be uint8 RGB .* got {image.dtype}"):
        require_rgb(image, "source")
