# SPDX-License-Identifier: Apache-2.0
"""What detectors see in driving video before and after restoration; the clean video says what there is to see.

    python benchmarks/detection_video.py --clips ../shared/data/eval/driving_video/*.mp4 \\
        --detectors yolox_nano.onnx picodet_s.onnx --output docs/benchmarks/detection_video.md

Each clip is degraded as the demo degrades one (rain, blur, both) and goes through the pipeline frame by frame, with the
frames before. Every few frames each detector looks at the clean, the degraded and the published frame. Objects are the
cars that it finds in the clean frame with a score of 0.5 or more; those that it is less sure of, trucks and buses do
not count, nor does a detection on them. Average precision at an overlap of 0.5; intervals: 95 %, drawn are blocks of
neighbouring looks, for they show almost the same.
"""

import argparse
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from restoregan_core.data.video import read_frames
from restoregan_core.demo.clip import condition_of, given_clip
from restoregan_core.detection.average_precision import FrameMatch, average_precision, match_frame
from restoregan_core.detection.detector import COCO_CLASSES, Detections, Detector, DetectorOptions
from restoregan_core.detection.object_changes import compare_objects
from restoregan_core.images.rgb import RgbImage
from restoregan_core.loading import load_pipeline
from restoregan_core.metrics.bootstrap import bootstrap_interval
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.restoration.gate import PRESETS
from restoregan_core.result import Action

CONDITIONS: tuple[tuple[str, ...], ...] = ((), ("rain",), ("blur",), ("blur", "rain"))
RATE_HZ = 25.0
SURE, UNSURE = 0.5, 0.1
LOOK_ALIKES = ("truck", "bus")
BLOCK = 5
RESAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clips", type=Path, nargs="+", required=True, help="video files, or folders of frames"
    )
    parser.add_argument("--detectors", type=Path, nargs="+", required=True, metavar="FILE.onnx")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--presets", nargs="+", default=["rain", "balanced"])
    parser.add_argument("--frames", type=int, default=150, help="of each clip, at most")
    parser.add_argument("--every", type=int, default=6, help="how often the detectors look")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    options = DetectorOptions(min_score=UNSURE, classes=None)
    detectors = {path.stem: Detector(path, options) for path in given.detectors}
    pipeline = load_pipeline(given.model, circuit_breaker=False)
    clips = {path.stem: list(islice(read_frames(path), given.frames)) for path in given.clips}
    seen = {
        name: [
            (k, {d: look(clean[k]) for d, look in detectors.items()})
            for k in range(2, len(clean), given.every)
        ]
        for name, clean in clips.items()
    }
    lines = [
        "| condition | preset | restored | " + " | ".join(detectors) + " |",
        "|---" * (3 + len(detectors)) + "|",
    ]
    for degradations in CONDITIONS:
        found: dict[str, dict[str, list[Look]]] = {p: {d: [] for d in detectors} for p in given.presets}
        restored: dict[str, list[bool]] = {preset: [] for preset in given.presets}
        for name, clean in clips.items():
            degraded = degrade(clean, degradations)
            before = {k: {d: look(degraded[k]) for d, look in detectors.items()} for k, _ in seen[name]}
            for preset in given.presets:
                published, is_restored = publish(pipeline, preset, degraded)
                restored[preset] += is_restored
                for k, references in seen[name]:
                    for d, look in detectors.items():
                        is_same = np.array_equal(published[k], degraded[k])
                        after = before[k][d] if is_same else look(published[k])
                        found[preset][d].append(Look(references[d], before[k][d], after))
        for preset in given.presets:
            cells = [cell(looks) for looks in found[preset].values()]
            share = f"{np.mean(restored[preset]):.0%}"
            lines.append(f"| {condition_of(degradations)} | `{preset}` | {share} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    text = page(pipeline.model, clips, seen, given, "\n".join(lines))
    print(text)
    if given.output:
        given.output.write_text(text)


class Look:
    """One detector on one frame: what was there, and what it found in the degraded and in the published frame."""

    def __init__(self, reference: Detections, degraded: Detections, published: Detections) -> None:
        self.before, self.after = matched(reference, degraded), matched(reference, published)
        cars = [found.select(found.class_ids == COCO_CLASSES.index("car")) for found in (degraded, published)]
        self.change = compare_objects(*cars)


def matched(reference: Detections, found: Detections) -> FrameMatch:
    car = COCO_CLASSES.index("car")
    is_object = (reference.class_ids == car) & (reference.scores >= SURE)
    is_neutral = ~is_object & np.isin(reference.class_ids, [car, *map(COCO_CLASSES.index, LOOK_ALIKES)])
    return match_frame(found, car, reference.boxes_px[is_object], reference.boxes_px[is_neutral])


def cell(looks: list[Look]) -> str:
    """Degraded; difference (interval); cars lost / gained."""
    blocks = [looks[k : k + BLOCK] for k in range(0, len(looks), BLOCK)]

    def difference(drawn: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> float:
        chosen = [look for block in drawn for look in blocks[block]]
        values = [average_precision([getattr(look, side) for look in chosen]) for side in ("after", "before")]
        return 0.0 if np.isnan(values).any() else values[0] - values[1]

    interval = bootstrap_interval(len(blocks), difference, resamples=RESAMPLES)
    before = average_precision([look.before for look in looks])
    lost, gained = (sum(getattr(look.change, what) for look in looks) for what in ("lost", "gained"))
    bounds = f"{100 * interval.mean:+.1f} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"
    return f"{100 * before:.1f}; {bounds}; {lost} / {gained}"


def degrade(clean: list[RgbImage], degradations: tuple[str, ...]) -> list[RgbImage]:
    if not degradations:
        return clean
    timed = ((k / RATE_HZ, frame) for k, frame in enumerate(clean))
    return [frame.image for frame in given_clip("clip", len(clean), timed, degradations).frames]


def publish(
    pipeline: RestorationPipeline, preset: str, frames: list[RgbImage]
) -> tuple[list[RgbImage], list[bool]]:
    """What a node with this preset publishes of a camera, and which frames were restored."""
    pipeline.reset()
    pipeline.settings = replace(pipeline.settings, thresholds=PRESETS[preset])
    results = [pipeline.process(frame, stamp_s=k / RATE_HZ) for k, frame in enumerate(frames)]
    return [result.image for result in results], [result.action == Action.RESTORED for result in results]


def page(
    model: str,
    clips: dict[str, list[RgbImage]],
    seen: dict[str, list[tuple[int, dict[str, Detections]]]],
    given: argparse.Namespace,
    table: str,
) -> str:
    counts = ", ".join(
        f"{name} ({len(frames)} frames, {len(seen[name])} looks)" for name, frames in clips.items()
    )
    cars = {
        detector: sum(
            int(((d[detector].scores >= SURE) & (d[detector].class_ids == COCO_CLASSES.index("car"))).sum())
            for looks in seen.values()
            for _, d in looks
        )
        for detector in next(iter(seen.values()))[0][1]
    }
    return f"""# What detectors see in video before and after

Made by

    python benchmarks/detection_video.py --clips CLIP ... --detectors FILE.onnx ... \\
        --output docs/benchmarks/detection_video.md

Network: `{model}`, each frame with those before it, through the gate as on a vehicle. Clips: {counts}; each is degraded
as the demo degrades one. There are no labels: a detector's objects are the cars that it finds in the clean frame itself
(score {SURE} and more: {", ".join(f"{name} {count}" for name, count in cars.items())}).

In each cell: average precision of cars in the degraded frames, percent; difference of the published ones in points with
its 95 % interval, blocks of {BLOCK} neighbouring looks drawn with replacement; cars lost / gained.

{table}
"""


if __name__ == "__main__":
    main()
