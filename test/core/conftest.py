# SPDX-License-Identifier: Apache-2.0
"""What several folders' tests share: a detector small enough for a test, image files, a browser."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

ImageWriter = Callable[..., Path]


class TinyDetector(nn.Module):
    """Every operator of YOLOX, three scales, four joins."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(12, 8, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(8, 8, 3, 2, 1) for _ in range(4))
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.narrow = nn.ModuleList(nn.Conv2d(16, 8, 1) for _ in range(3))
        self.up_again = nn.ModuleList(nn.Conv2d(8, 8, 3, 2, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        parts = [x[..., y::2, x_::2] for y in (0, 1) for x_ in (0, 1)]
        x = F.silu(self.stem(torch.cat(parts, 1)))
        scales = []
        for down in self.down:
            x = F.silu(down(x))
            scales.append(x)
        fine, middle, coarse = scales[1:]
        coarse = self.narrow[0](torch.cat([coarse, F.max_pool2d(coarse, 5, 1, 2)], 1))
        middle = self.narrow[1](torch.cat([F.interpolate(coarse, scale_factor=2.0), middle], 1))
        fine = torch.cat([F.interpolate(middle, scale_factor=2.0), fine], 1)
        fine = self.narrow[2](fine)
        fine = fine + F.silu(self.depthwise(fine))
        middle = torch.cat([self.up_again[0](fine), middle], 1)
        coarse = torch.cat([self.up_again[1](middle[:, :8]), coarse], 1)
        return torch.cat([level.flatten(2) for level in (middle, coarse)], 2)


@pytest.fixture(scope="session")
def tiny_detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its ONNX file."""
    for name in ("onnxruntime", "onnxscript"):
        pytest.importorskip(name, reason="a vehicle has no ONNX")
    path = tmp_path_factory.mktemp("detector") / "tiny.onnx"
    torch.manual_seed(0)
    torch.onnx.export(
        TinyDetector().eval(), (torch.zeros(1, 3, 64, 64),), path, input_names=["images"], verbose=False
    )
    return path


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window, driven by selenium."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not shutil.which("chromedriver") or not browser:
        pytest.skip("no Chromium: install the packages chromium and chromium-driver to run this")
    options = selenium.ChromeOptions()
    options.binary_location = browser
    for flag in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()
