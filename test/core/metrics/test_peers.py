# SPDX-License-Identifier: Apache-2.0
"""Our protocols are those of the packages that papers use, by their own code where it is installed."""

import metrics_peers
import numpy as np
import pytest

from restoregan_core.metrics import psnr_ssim

SAME = {
    "scikit-image": ["psnr", "ssim, Gaussian as in its documentation"],
    "torchmetrics": ["psnr"],
    "piq": ["psnr", "ssim, downsample=False"],
    "BasicSR": ["calculate_psnr", "calculate_psnr, test_y_channel", "calculate_ssim", "calculate_ssim, test_y_channel"],
}  # fmt: skip
OTHER = {
    "scikit-image": "ssim, default window (7x7, uniform)",
    "torchmetrics": "ssim, data_range left out",
    "piq": "ssim, default (shrinks first)",
    "BasicSR": "calculate_psnr, crop_border=4",
}


@pytest.fixture(params=metrics_peers.PEERS)
def peer(request) -> tuple[str, metrics_peers.Rows]:
    try:
        return request.param, metrics_peers.PEERS[request.param][1]()
    except ImportError as error:
        pytest.skip(f"{request.param}: {error}")


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """An image large enough for piq to shrink it, and the same with noise on its left half."""
    rng = np.random.default_rng(5)
    across, down = np.meshgrid(np.linspace(0, 12, 560), np.linspace(0, 9, 400))
    waves = np.stack([np.sin(across), np.cos(down), np.sin(across + down)], axis=2)
    clean = (127 + 80 * waves).astype(np.uint8)
    noisy = clean.astype(int) + rng.integers(-30, 31, clean.shape) * (across < 6)[..., None]
    return np.clip(noisy, 0, 255).astype(np.uint8), clean


def test_what_the_page_calls_the_same_is_the_same(peer, pair):
    name, rows = peer
    for title in SAME[name]:
        ours, metric = rows[title]
        assert metric(*pair) == pytest.approx(getattr(psnr_ssim, ours)(*pair), abs=2e-3), title


def test_what_the_page_calls_another_definition_is_another(peer, pair):
    name, rows = peer
    ours, metric = rows[OTHER[name]]
    assert abs(metric(*pair) - getattr(psnr_ssim, ours)(*pair)) > 5e-4


def test_average_precision_by_recalls_lies_where_the_curve_does():
    from restoregan_core.detection.average_precision import FrameMatch, average_precision

    nothing = np.zeros((4, 4), np.float32), np.zeros(0, np.int64)
    found = np.array([0.9, 0.0, 0.7, 0.0], np.float32)
    match = FrameMatch(np.array([0.9, 0.8, 0.7], np.float32), np.array([True, False, True]), found, *nothing)
    # Precision 1 up to a recall of 1/4, then 2/3 up to 1/2, then 0.
    assert average_precision([match]) == pytest.approx(1 / 4 + 2 / 3 / 4)
    eleven = metrics_peers.interpolated_precision([match], np.linspace(0, 1, 11))
    assert eleven == pytest.approx((3 * 1 + 3 * 2 / 3) / 11)
    forty = metrics_peers.interpolated_precision([match], np.arange(1, 41) / 40)
    assert forty == pytest.approx((10 * 1 + 10 * 2 / 3) / 40)


def test_a_peer_that_is_missing_is_named(monkeypatch):
    def missing():
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")

    monkeypatch.setattr(metrics_peers, "PEERS", {"Nowhere": ("nowhere", missing)})
    assert metrics_peers.installed_peers() == ({}, ["Nowhere: No module named 'nowhere'"])
