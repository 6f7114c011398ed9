# SPDX-License-Identifier: Apache-2.0
"""How well do frames lie over each other, and what of them is shown to a network?

    PYTHONPATH=. python benchmarks/alignment.py --data ../shared/data --output docs/benchmarks/alignment.md

Of each degraded clip with ground truth: the sharp, dry frame before, brought over the current one by the flow that was
found on the degraded frames, beside the current one's ground truth. Root of the mean square of what differs, in grey
levels of 255. Then clean drives, where everything that differs is the alignment's fault.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from restoregan_core.demo.clip import street_clip
from restoregan_core.images.alignment import Flow, find_flow, flows_back, half_image, warp
from restoregan_core.images.failed_alignment import where_alignment_holds
from restoregan_core.images.folders import find_frames, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.video_files import VideoReader

COMMAND = (
    "PYTHONPATH=. python benchmarks/alignment.py --data ../shared/data --output docs/benchmarks/alignment.md"
)
FRAMES = 12


@dataclass(frozen=True)
class Moment:
    """Three frames in a row as the camera sent them, the current one first, and the ground truth of the first two."""

    seen: tuple[RgbImage, RgbImage, RgbImage]
    truth: tuple[RgbImage, RgbImage]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    rows = [row(name, moments) for name, moments in clips(given.data / "eval")]
    text = "\n".join(
        (
            "# How well frames lie over each other",
            "",
            f"    {COMMAND}",
            "",
            "The frame before beside the current one, both without rain and blur: root of the mean square of the",
            f"differences, in grey levels; up to {FRAMES} frames of each clip, spread over it.",
            "`shown` is the share of the older frames' pixels that a network is shown, where alignment",
            "[holds](../video.md#at-run-time), and the differences there; the rest shows the current frame.",
            "",
            "| clip | as it is | by the flow of what the camera sent | by that of the ground truth | shown | |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        )
    )
    print(text)
    if given.output:
        given.output.write_text(text)


def clips(data: Path) -> Iterator[tuple[str, list[Moment]]]:
    frames = list(street_clip().frames)
    for condition in ("rain", "blur and rain", "blur", "clean"):
        ours = [frame for frame in frames if frame.condition == condition]
        yield (
            f"demo, {condition}",
            moments([f.image for f in ours], [f.truth for f in ours if f.truth is not None]),
        )
    for name in ("gopro_video", "reds_x4", "nturain_a1"):
        seen, truth = ([read_rgb(p) for p in find_frames(data / name / s)] for s in ("input", "target"))
        yield name, moments(seen, truth)
    for path in sorted((data / "driving_video").iterdir()):
        with VideoReader(path) as video:
            seen = [frame.rgb_HWC for frame in video]
        yield path.stem, moments(seen, seen)


def moments(seen: list[RgbImage], truth: list[RgbImage]) -> list[Moment]:
    numbers = np.unique(np.linspace(2, len(seen) - 1, FRAMES).round().astype(int))
    return [Moment((seen[n], seen[n - 1], seen[n - 2]), (truth[n], truth[n - 1])) for n in numbers.tolist()]


def row(name: str, clip: list[Moment]) -> str:
    figures = [
        root_mean_square(clip, lambda moment: moment.truth[1]),
        root_mean_square(clip, lambda moment: warp(moment.truth[1], flow(moment.seen[:2]))),
        root_mean_square(clip, lambda moment: warp(moment.truth[1], flow(moment.truth))),
        root_mean_square(clip, shown),
    ]
    share = 100 * np.mean([where_it_holds(moment).mean() for moment in clip])
    return f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} | {share:.0f} % |"


def root_mean_square(clip: list[Moment], older: Callable[[Moment], RgbImage]) -> float:
    squares = [((older(moment).astype(np.float32) - moment.truth[0]) ** 2).mean() for moment in clip]
    return float(np.sqrt(np.mean(squares)))


def flow(images: tuple[RgbImage, ...]) -> Flow:
    newer, older = (half_image(image) for image in images)
    return find_flow(newer, older)


def where_it_holds(moment: Moment) -> np.ndarray:
    current, *older = (half_image(image) for image in moment.seen)
    ways = flows_back([current, *older])
    holds = where_alignment_holds(current, [warp(half, way) for half, way in zip(older, ways, strict=True)])
    return np.ones(current.shape, np.float32) if holds is None else holds


def shown(moment: Moment) -> RgbImage:
    """The true frame before, aligned, and the current one where a network is shown that."""
    current, older = moment.truth
    weights = cv2.resize(where_it_holds(moment), current.shape[1::-1])[..., np.newaxis]
    mixed = warp(older, flow(moment.seen[:2])) * weights + current * (1 - weights)
    return np.rint(mixed).astype(np.uint8)


if __name__ == "__main__":
    main()
