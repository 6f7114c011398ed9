# SPDX-License-Identifier: Apache-2.0
"""What cv_bridge is asked for, its faults kept out, and that it sees what our codec sees."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from restoregan_core.images.encodings import SUPPORTED_ENCODINGS, UnsupportedEncodingError, decode
from restoregan_ros.cv_bridge_fallback import cv_bridge_problem, decode_by_cv_bridge
from restoregan_ros.image_cdr import ImageFields

needs_cv_bridge = pytest.mark.skipif(
    bool(cv_bridge_problem()), reason=f"cv_bridge {cv_bridge_problem()}: a ROS distribution has it"
)
VALUES_PER_PIXEL = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "8UC3": 3, "yuv": 2, "uyvy": 2, "yuyv": 2}
HEIGHT, WIDTH = 12, 16
DEPTH = ImageFields(0, 0, "camera", "32FC1", memoryview(bytes(64)), 4, 4, step=16)


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What was found out about cv_bridge is forgotten, before and after."""
    cv_bridge_problem.cache_clear()
    yield
    cv_bridge_problem.cache_clear()


@pytest.mark.skipif(not cv_bridge_problem(), reason="this is about its absence")
def test_an_encoding_that_only_cv_bridge_may_know_names_it_as_missing() -> None:
    with pytest.raises(UnsupportedEncodingError, match="'32FC1' is not supported, and cv_bridge"):
        decode_by_cv_bridge(DEPTH, 100)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", r"a signal \(11\)"),
        ("raise OSError('torn')", "OSError: torn"),
    ],
)
def test_a_cv_bridge_that_ends_its_process_is_found_out_and_not_asked(
    fault: str, said: str, forgotten: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one built for NumPy 1 does under NumPy 2: it imports, and crashes at its first conversion."""
    (tmp_path / "cv_bridge.py").write_text(
        f"import os, signal\n\nclass CvBridge:\n    def imgmsg_to_cv2(self, *_):\n        {fault}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnsupportedEncodingError, match=rf"ends with {said} here.*pip install 'numpy<2'"):
        decode_by_cv_bridge(DEPTH, 100)


@needs_cv_bridge
def test_what_has_no_colours_is_refused_as_by_cv_bridge() -> None:
    with pytest.raises(UnsupportedEncodingError, match="'32FC1' is not supported, by cv_bridge neither"):
        decode_by_cv_bridge(DEPTH, 100)


@needs_cv_bridge
@pytest.mark.parametrize("encoding", SUPPORTED_ENCODINGS)
def test_our_codec_and_cv_bridge_see_the_same_pixels(encoding: str) -> None:
    """In either byte order and with any padding, but for a Bayer mosaic's edge: OpenCV copies it from inside."""
    rng = np.random.default_rng(1)
    channels = max((n for prefix, n in VALUES_PER_PIXEL.items() if encoding.startswith(prefix)), default=1)
    height = HEIGHT * 3 // 2 if encoding.startswith("nv") else HEIGHT
    values = rng.integers(0, 65536, (height, WIDTH * channels))
    inner = slice(1, -1) if encoding.startswith("bayer") else slice(None)
    for byte_order, padding in itertools.product("<>", (0, 1, 8)):
        of_pixels = values.astype(f"{byte_order}u2" if encoding.endswith("16") else np.uint8)
        rows = np.pad(of_pixels.view(np.uint8), ((0, 0), (0, padding)), constant_values=77)
        data, step, is_bigendian = memoryview(rows.tobytes()), rows.shape[1], byte_order == ">"
        ours = decode(encoding, data, HEIGHT, WIDTH, step, is_bigendian)
        image = ImageFields(0, 0, "camera", encoding, data, HEIGHT, WIDTH, is_bigendian, step)
        try:
            theirs = decode_by_cv_bridge(image, HEIGHT * WIDTH)
        except UnsupportedEncodingError as error:
            pytest.skip(str(error))
        np.testing.assert_array_equal(ours[inner, inner], theirs[inner, inner])
