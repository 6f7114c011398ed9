# SPDX-License-Identifier: Apache-2.0
"""Does the network remove rain that another program draws?

Albumentations' `RandomRain`, frame by frame, over clean drives.

    pip install albumentations==2.0.8
    python benchmarks/rain_by_others.py --data ../shared/data/eval --output docs/benchmarks/rain_by_others.md

Gains in PSNR (RGB, dB) over the rainy frames: by the network forced through, by the median of three aligned frames, and
of what the default preset publishes. None of this library's rain was trained on.
"""

import argparse
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from albumentations import Compose, RandomRain
from pages import replace_table
from rich.progress import track

from restoregan_core import load_pipeline
from restoregan_core.data.video import read_frames
from restoregan_core.evaluation.baselines import TemporalMedian
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.psnr_ssim import psnr_rgb
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.restoration.video_restorer import VideoRestorer
from restoregan_core.result import Action
from restoregan_core.runtimes.timing import device_name

SIZE = 640, 360
RAINS: dict[str, dict[str, Any]] = {
    "drizzle": {"rain_type": "drizzle", "blur_value": 1},
    "default": {"drop_length": 14, "blur_value": 1},
    "heavy": {"rain_type": "heavy", "blur_value": 1},
    "wide": {"drop_length": 24, "drop_width": 2, "slant_range": (-20, 20), "blur_value": 3},
}
"""Arguments of `RandomRain`. Brightness is left alone: no network is to lighten an image."""


def rainy(frames: list[RgbImage], arguments: dict[str, Any]) -> list[RgbImage]:
    draw = Compose([RandomRain(p=1, brightness_coefficient=1.0, **arguments)], seed=3)
    return [np.asarray(draw(image=frame)["image"]) for frame in frames]


def gains(restore: Callable[[RgbImage], RgbImage], seen: list[RgbImage], truth: list[RgbImage]) -> np.ndarray:
    """Of each frame, dB."""
    return np.array(
        [
            psnr_rgb(restore(image), target) - psnr_rgb(image, target)
            for image, target in zip(seen, truth, strict=True)
        ]
    )


def row(clip: str, rain: str, truth: list[RgbImage], pipeline: RestorationPipeline) -> str:
    seen = rainy(truth, RAINS[rain])
    camera = f"{clip}, {rain}"
    network, median = (VideoRestorer(way) for way in (pipeline.restorer, TemporalMedian()))
    results = []

    def published(image: RgbImage) -> RgbImage:
        results.append(pipeline.process(image, camera=camera))
        return results[-1].image

    forced, other, gated = (gains(way, seen, truth) for way in (network, median, published))
    share = np.mean([result.action is Action.RESTORED for result in results])
    start = np.mean([psnr_rgb(image, target) for image, target in zip(seen, truth, strict=True)])
    cells = [
        clip, rain, f"{start:.2f}", f"{forced.mean():+.2f}", f"{forced.min():+.2f}", f"{other.mean():+.2f}",
        f"{gated.mean():+.2f}", f"{share:.0%}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation sets")
    parser.add_argument("--model", default="lite", help="name or .safetensors file")
    parser.add_argument("--frames", type=int, default=30, help="of each video")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    pipeline = load_pipeline(given.model, device="cpu", circuit_breaker=False)
    heads = ["clip", "rain", "rainy, dB", "network", "its lowest frame", "median", "published", "restored"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for path in sorted((given.data / "driving_video").iterdir()):
        frames = islice(read_frames(path), given.frames)
        truth = [np.asarray(cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA)) for frame in frames]
        lines += [row(path.stem, rain, truth, pipeline) for rain in track(RAINS, path.stem)]
    what = (
        f"`{pipeline.restorer.name}`, {pipeline.restorer.describe()}, on {device_name(torch.device('cpu'))}."
    )
    table = "\n".join(lines)
    print(f"{what}\n\n{table}")
    if given.output:
        replace_table(given.output, f"{what}\n\n{table}")


if __name__ == "__main__":
    main()
