"""Windows must not show: the same pixels as the whole picture, whatever its size."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.restorer import Restorer
from restoregan_core.tiling import Tiled
from restoregan_core.zoo import LoadedGenerator


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700))
def test_windows_cover_every_pixel_once_and_never_exceed_their_size(height: int, width: int):
    seen = []

    def restore(window: np.ndarray) -> np.ndarray:
        seen.append(window.shape)
        return 255 - window

    source = picture(height, width)
    np.testing.assert_array_equal(Tiled(restore, window_px=256, margin_px=64)(source), 255 - source)
    assert all(rows * columns <= 256 * 256 for rows, columns, _ in seen)


def test_a_network_gives_the_same_picture_in_windows_as_at_once():
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(base_width=4, blocks=2, block_convolutions=2, dropout=0.0)).eval()
    restorer = Restorer(LoadedGenerator(generator, "tiny", "", {}), runtime="torch", device="cpu")
    source = picture(331, 417)
    whole, tiled = restorer(source), Tiled(restorer, window_px=256, margin_px=64)(source)
    assert np.abs(whole.astype(int) - source).max() > 3  # it does change the picture
    assert np.abs(whole.astype(int) - tiled).max() <= 1  # other sizes round differently in the last bit
    assert (whole != tiled).mean() < 1e-3


def test_a_picture_that_fits_goes_through_whole():
    calls = []
    Tiled(lambda p: calls.append(p.shape) or p)(picture(64, 4000))  # type: ignore[func-returns-value]
    assert calls == [(64, 4000, 3)]


@pytest.mark.parametrize(("window", "margin"), [(250, 64), (256, 60), (256, 128), (256, 0)])
def test_sizes_that_break_the_strides_are_refused(window: int, margin: int):
    with pytest.raises(ValueError, match="multiples of 64"):
        Tiled(np.copy, window, margin)
