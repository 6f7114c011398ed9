# SPDX-License-Identifier: Apache-2.0
"""Video files that are written: what browsers play where PyAV is installed, and a word where it is not."""

import base64
import importlib.util
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from restoregan_core.images.video_encoding import check_can_write_video, open_encoder


def write(path: Path, colour: tuple[int, int, int] = (200, 60, 30), height: int = 48, width: int = 64) -> str:
    """Ten frames of one colour; returns the encoder's note."""
    encoder = open_encoder(path, 10.0, height, width)
    for _ in range(10):
        encoder.write(np.full((height, width, 3), colour, np.uint8))
    encoder.close()
    return encoder.note


@pytest.fixture
def without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyAV as if it were not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "av" else find(name))
    monkeypatch.setitem(sys.modules, "av", None)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_browser_plays_what_is_written(tmp_path: Path, browser: Any, suffix: str):
    pytest.importorskip("av", reason="PyAV brings the encoder")
    from selenium.webdriver.support.wait import WebDriverWait

    video = tmp_path / f"out{suffix}"
    assert write(video, height=240, width=320) == ""
    content = base64.b64encode(
        video.read_bytes()
    ).decode()  # a page may not look at the pixels of another file
    (tmp_path / "page.html").write_text(
        f"<video preload=auto src='data:video/{suffix[1:]};base64,{content}'></video>"
    )
    browser.get((tmp_path / "page.html").as_uri())
    script = "const video = document.querySelector('video'); return "
    WebDriverWait(browser, 20).until(
        lambda b: b.execute_script(script + "video.readyState > 1 || video.error")
    )
    said = browser.execute_script(
        script + "[video.error && video.error.message, video.videoWidth, video.videoHeight, video.duration]"
    )
    assert said == [None, 320, 240, pytest.approx(1.0, abs=0.1)]
    colour = browser.execute_script(
        "const canvas = document.createElement('canvas').getContext('2d');"
        "canvas.drawImage(document.querySelector('video'), 0, 0);"
        "return [...canvas.getImageData(99, 99, 1, 1).data]"
    )
    assert colour[:3] == pytest.approx((200, 60, 30), abs=6)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (720, 1280)])
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_colours_are_kept_at_any_size(tmp_path: Path, suffix: str, height: int, width: int):
    pytest.importorskip("av", reason="PyAV brings the encoder")
    write(tmp_path / f"out{suffix}", height=height, width=width)
    _, bgr_HWC = cv2.VideoCapture(str(tmp_path / f"out{suffix}")).read()
    assert bgr_HWC[9, 9] == pytest.approx((30, 60, 200), abs=4)


def test_without_pyav_an_mp4_is_written_with_a_word_about_browsers(tmp_path: Path, without_pyav: None):
    assert "browsers do not play; pip install" in write(tmp_path / "out.mp4")
    assert cv2.VideoCapture(str(tmp_path / "out.mp4")).read()[0]


def test_without_pyav_a_webm_is_refused_with_what_to_install(tmp_path: Path, without_pyav: None):
    with pytest.raises(
        ValueError, match=r"out\.webm: writing \.webm needs PyAV: pip install 'restoregan\[video\]'"
    ):
        check_can_write_video(tmp_path / "out.webm")
