# SPDX-License-Identifier: Apache-2.0
"""Does restoration flicker, and how fast does the gate follow the weather?

    PYTHONPATH=. python benchmarks/steadiness.py --data ../shared/data --output docs/benchmarks/steadiness.md

Frame-to-frame difference (mean absolute, grey levels of 255) of what goes in and of what comes out, on:
a still scene under falling rain, the same under constant motion blur, both with fresh sensor noise in every
frame; and the video nturain_a1. Beside it PSNR against the ground truth. Then a scene in which rain sets in and ends.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restoregan_core import load_pipeline
from restoregan_core.data.blur import BlurConfig
from restoregan_core.data.degrade import DegradeConfig, Degrader, Shares
from restoregan_core.data.rain import apply_rain, draw_rain
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.data.sensor import SensorConfig
from restoregan_core.images.folders import find_images, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.psnr_ssim import psnr_rgb
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.restoration.video_restorer import VideoRestorer
from restoregan_core.result import Action

FRAMES = 24
ONSET, END = 8, 24
COMMAND = "PYTHONPATH=. python benchmarks/steadiness.py --data ../shared/data --output docs/benchmarks/steadiness.md"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    pipeline = load_pipeline(given.model, "balanced")
    scenes = [read_rgb(path) for path in find_images(given.data / "eval/kitti_boxes/images")[::12][:3]]
    scenes = [np.ascontiguousarray(scene[:320, :640]) for scene in scenes]
    rows = [
        row("still scene, rain", [(rainy(s, n), [s] * FRAMES) for n, s in enumerate(scenes)], pipeline),
        row("still scene, blur", [(blurred(s, n), [s] * FRAMES) for n, s in enumerate(scenes)], pipeline),
        row("nturain_a1", [video(given.data / "eval/nturain_a1")], pipeline),
    ]
    delays = [delay(scene, number, pipeline) for number, scene in enumerate(scenes)]
    text = page(pipeline.model, rows, delays)
    print(text)
    if given.output:
        given.output.write_text(text)


def row(
    name: str, clips: list[tuple[list[RgbImage], list[RgbImage]]], pipeline: RestorationPipeline
) -> dict[str, Any]:
    figures: dict[str, list[float]] = {}
    for number, (given, truth) in enumerate(clips):
        network = list(restored(given, pipeline.restorer))
        gated = [pipeline.process(frame, camera=f"{name} {number}").image for frame in given]
        views = {"input": given, "network": network, "gated": gated, "truth": truth}
        for view, frames in views.items():
            steps = [np.abs(b.astype(int) - a).mean() for a, b in pairwise(frames)]
            figures.setdefault(f"{view} difference", []).append(float(np.mean(steps)))
            values = [psnr_rgb(frame, clean) for frame, clean in zip(frames, truth, strict=True)]
            figures.setdefault(f"{view} psnr", []).append(float(np.mean(values)))
    return {"clip": name, **{key: float(np.mean(values)) for key, values in figures.items()}}


def restored(frames: list[RgbImage], restorer: Restorer) -> Iterator[RgbImage]:
    yield from map(VideoRestorer(restorer), frames)


def rainy(scene: RgbImage, seed: int) -> list[RgbImage]:
    rain = draw_rain(RainConfig(sparse_weight=0, dense_weight=0), np.random.default_rng(seed))
    clean = torch.from_numpy(scene).permute(2, 0, 1).float() / 255
    return list(noisy(lambda frame: apply_rain(clean, rain, frame), seed))


def blurred(scene: RgbImage, seed: int) -> list[RgbImage]:
    degrade = DegradeConfig(
        blur=BlurConfig(extent_px=(8, 8), object_share=0), sensor=SensorConfig(noise_share=0, jpeg_share=0)
    )
    clean = torch.from_numpy(scene).permute(2, 0, 1)[None].float() / 255
    shares = Shares(blur=1, rain=0, blur_rain=0, drops=0, clean=0, pair=0)
    degraded = Degrader(degrade, shares)(clean, np.random.default_rng(seed))[0][0]
    return list(noisy(lambda frame: degraded, seed))


def noisy(image_of: Callable[[int], torch.Tensor], seed: int) -> Iterator[RgbImage]:
    rng = np.random.default_rng(seed)
    for frame in range(FRAMES):
        rgb = image_of(frame).permute(1, 2, 0).numpy() * 255
        yield (rgb + rng.normal(0, 1.0, rgb.shape)).round().clip(0, 255).astype(np.uint8)


def video(folder: Path) -> tuple[list[RgbImage], list[RgbImage]]:
    inputs, targets = (find_images(folder / side) for side in ("input", "target"))
    return [read_rgb(path) for path in inputs], [read_rgb(path) for path in targets]


def delay(scene: RgbImage, seed: int, pipeline: RestorationPipeline) -> dict[str, Any]:
    """Frames until restoration begins after rain set in, and until it ends after the rain did."""
    rain = draw_rain(replace(RainConfig(), sparse_weight=0, video_weight=0), np.random.default_rng(seed))
    clean = torch.from_numpy(scene).permute(2, 0, 1).float() / 255
    is_restored, tiles = [], []
    for frame in range(2 * END):
        is_rainy = ONSET <= frame < END
        shown = apply_rain(clean, rain, frame) if is_rainy else clean
        rgb = shown.permute(1, 2, 0).mul(255).round().byte().numpy()
        result = pipeline.process(rgb, camera=f"delay {seed}")
        is_restored.append(result.action == Action.RESTORED)
        tiles.append(float((result.restored_grid > 0).mean()))
    on = next((i - ONSET for i in range(ONSET, END) if is_restored[i]), None)
    off = next((i - END for i in range(END, 2 * END) if not any(is_restored[i:])), None)
    return {"rain": rain.kind, "before": sum(is_restored[:ONSET]), "on": on, "off": off, "left": tiles[-1]}


def page(model: str, rows: list[dict[str, Any]], delays: list[dict[str, Any]]) -> str:
    lines = [
        "# Steadiness from frame to frame", "", "Made by", "", f"    {COMMAND}", "", f"Network: `{model}`.", "",
        "Mean absolute difference between neighbouring frames, in grey levels, and mean PSNR in dB, RGB.", "",
        "Network: every frame with the frames before, as its history.", "",
        "| clip | input | network | gated (`balanced`) | truth | PSNR input | network | gated |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for r in rows:
        steps = " | ".join(f"{r[f'{v} difference']:.2f}" for v in ("input", "network", "gated", "truth"))
        values = " | ".join(f"{r[f'{v} psnr']:.2f}" for v in ("input", "network", "gated"))
        lines.append(f"| {r['clip']} | {steps} | {values} |")
    lines += [
        "", "## Rain sets in and ends, in a still scene", "",
        "Frames restored before the rain; until the first one restored; until none is any more (of 24).", "",
        "| rain | restored before | on after | off after | tiles still on at the end |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for d in delays:
        on, off = ("never" if d[key] is None else d[key] for key in ("on", "off"))
        lines.append(f"| {d['rain']} | {d['before']} | {on} | {off} | {d['left']:.1%} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
