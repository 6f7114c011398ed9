# SPDX-License-Identifier: Apache-2.0
"""How the assessor judges videos, frame by frame with the frames before, as the pipeline does.

    PYTHONPATH=. python benchmarks/assessor_video.py --data ../shared/data/eval \\
        --output docs/benchmarks/assessor_video.md

``--clean DIR ...`` adds folders of clean frames, each one clip, to the false selections; ``--rain DIR ...`` adds clips
of rain. Nothing is tuned here: no clip was learnt from or calibrated on.
"""

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from restoregan_core.assessment.learned import LearnedAssessor
from restoregan_core.data.assessment_clips import AssessmentClipConfig, drawn_clips
from restoregan_core.data.config import Folder
from restoregan_core.data.labels import LabelConfig, labels_of_pair
from restoregan_core.demo.clip import street_clip
from restoregan_core.images.folders import find_images, read_rgb
from restoregan_core.images.video_files import VideoReader
from restoregan_core.metrics.calibration import auroc, brier, expected_calibration_error, prevalence_weights
from restoregan_core.restoration.camera_judge import FRAMES_BEFORE, CameraJudge
from restoregan_core.restoration.gate import PRESETS, Gate
from restoregan_core.restoration.history import FrameHistory
from restoregan_core.zoo import load_assessor_network

Frame = npt.NDArray[np.uint8]
CLIPS = ("nturain_a1/input", "nturain_a1/target", "real_rain_video/ra1", "reds_x4/input", "reds_x4/target",
         "gopro_video/input", "gopro_video/target", "driving_video/solidWhiteRight.mp4",
         "driving_video/carnd_test_video.mp4")  # fmt: skip
CLEAN = ("nturain_a1/target", "reds_x4/target", "gopro_video/target", "driving_video/solidWhiteRight.mp4",
         "driving_video/carnd_test_video.mp4")  # fmt: skip
GRID_STILLS = ("gopro/target", "rain100l/target", "kitti_boxes/images")
GRID_CLIPS, GRID_SEED = 240, 77
RESAMPLES = 1000
RATE_HZ = 30.0


@dataclass
class Judged:
    """A clip's frames: probabilities (frames, 2) of blur and rain, and the share of tiles that the gate selects."""

    p: npt.NDArray[np.float64]
    selected: npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clean", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--rain", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument(
        "--grid-clips", type=int, default=GRID_CLIPS, metavar="N", help="drawn, for calibration"
    )
    parser.add_argument("--weights", type=Path, help="of another learned assessor than the shipped one")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    assessor = LearnedAssessor(load_assessor_network(given.weights))
    clips = {name: judge(assessor, frames_of(given.data / name)) for name in CLIPS}
    extra_clean = {path.name: judge(assessor, frames_of(path)) for path in given.clean}
    rain = {path.name: judge(assessor, frames_of(path)) for path in given.rain}
    text = page(assessor, given.data, clips, extra_clean, rain, given.grid_clips)
    print(text)
    if given.output:
        given.output.write_text(text)


def frames_of(source: Path) -> Iterator[Frame]:
    if source.suffix != ".mp4":
        yield from map(read_rgb, find_images(source))
        return
    with VideoReader(source) as video:
        for frame in video:
            yield frame.rgb_HWC


def judge(assessor: LearnedAssessor, frames: Iterable[Frame]) -> Judged:
    history = FrameHistory(FRAMES_BEFORE)
    judging, gate = CameraJudge(assessor, history), Gate(PRESETS["balanced"])
    p, selected = [], []
    for frame_HWC in frames:
        history.take("clip", frame_HWC)
        found = judging.judge("clip", frame_HWC)
        p.append((found.blur_probability, found.rain_probability))
        selected.append(float(gate.select("clip", found).mean()))
    return Judged(np.array(p), np.array(selected))


def row(name: str, found: Judged) -> str:
    cells = [f"{np.median(found.p[:, k]):.2f} | {(found.p[:, k] >= 0.5).mean():.3f}" for k in (0, 1)]
    taken = (found.selected > 0).mean()
    return f"| {name} | {len(found.p)} | {' | '.join(cells)} | {taken:.3f} | {found.selected.mean():.2f} |"


def false_selections(clips: Sequence[Judged]) -> str:
    """False selections: a frame that is selected after one that was not. Interval: Poisson, exact, 95 %."""
    frames = sum(len(clip.p) for clip in clips)
    taken = sum(int((clip.selected > 0).sum()) for clip in clips)
    starts = sum(int((np.diff(np.append(0, clip.selected > 0)) > 0).sum()) for clip in clips)
    hours = frames / RATE_HZ / 3600
    low = chi2.ppf(0.025, 2 * starts) / 2 / hours if starts else 0.0
    high = chi2.ppf(0.975, 2 * starts + 2) / 2 / hours
    return (
        f"Selections: {starts}, each beginning with a frame after one that was not selected; {taken} frames of "
        f"{frames} clean ones ({frames / RATE_HZ:.0f} s at 30 Hz): "
        f"{starts / hours:.0f} an hour, 95 % interval {low:.0f} to {high:.0f}."
    )


def onset(assessor: LearnedAssessor, folder: Path, event: int) -> str:
    """A clip that is clean, degraded from its third on, and clean again from its second third on."""
    sides = [list(frames_of(folder / side)) for side in ("input", "target")]
    count = len(sides[0])
    first, last = count // 3, 2 * count // 3
    found = judge(assessor, (sides[0 if first <= k < last else 1][k] for k in range(count)))
    inside = found.selected[first:last] > 0
    after = found.selected[last:] > 0
    start = int(inside.argmax()) if inside.any() else None
    end = int((~after).argmax()) if (~after).any() else None
    gaps = 0 if start is None else int((~inside[start:]).sum())
    flagged = int((found.p[first:last, event] >= 0.5).argmax())
    early = int((found.selected[:first] > 0).sum())
    return (
        f"- {folder.name}: flagged {flagged} and selected {start} frames after the onset (0: at once), {gaps} gaps "
        f"until the end, let go {end} frames after it; before it {early} frames selected."
    )


def demo(assessor: LearnedAssessor) -> list[str]:
    clip = list(street_clip().frames)
    found = judge(assessor, (frame.image for frame in clip))
    lines = ["| part | blur, lowest to highest | largest step | rain, lowest to highest | largest step | selected |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for part in dict.fromkeys(frame.condition for frame in clip):
        here = np.array([frame.condition == part for frame in clip])
        p, taken = found.p[here], found.selected[here] > 0
        steps = np.abs(np.diff(p[_SETTLING:], axis=0)).max(0)
        cells = [
            f"{p[_SETTLING:, k].min():.2f} to {p[_SETTLING:, k].max():.2f} | {steps[k]:.2f}" for k in (0, 1)
        ]
        lines.append(f"| {part} | {' | '.join(cells)} | {taken.mean():.2f} |")
    return lines


_SETTLING = 3
"""Frames after a change of the demo's condition that are left out: there the scene does change."""


def areas(data: Path, assessor: LearnedAssessor, clips: dict[str, Judged]) -> list[str]:
    stills = {
        f"gopro/{side}": Judged(
            np.concatenate([judge(assessor, [still]).p for still in frames_of(data / "gopro" / side)]),
            np.zeros(0),
        )
        for side in ("input", "target")
    }
    lines = []
    for first, second, what in (
        ("gopro", "reds_x4", "gopro (four stills, each without frames before it) and reds_x4 (a clip)"),
        ("reds_x4", "gopro_video", "reds_x4 and gopro_video"),
    ):
        sides = [f"{name}/{side}" for name in (first, second) for side in ("input", "target")]
        scores = np.concatenate([{**clips, **stills}[side].p[:, 0] for side in sides])
        literal = np.concatenate(
            [np.full(len(list(frames_of(data / s))), s.endswith("input")) for s in sides]
        )
        smeared = np.concatenate([smeared_3_px(data, side) for side in sides])
        lines.append(
            f"- blur, {what}: {auroc(scores, smeared):.3f} where degraded means smeared by 3 px or more "
            f"({smeared.sum()} of {len(smeared)} frames), {auroc(scores, literal):.3f} for inputs against targets."
        )
    rain = np.concatenate([clips[f"nturain_a1/{side}"].p[:, 1] for side in ("input", "target")])
    is_rain = np.repeat([True, False], [len(clips[f"nturain_a1/{side}"].p) for side in ("input", "target")])
    return [*lines, f"- rain, nturain_a1: {auroc(rain, is_rain):.3f}."]


def smeared_3_px(data: Path, side: str) -> npt.NDArray[np.bool_]:
    """For each frame of ``SET/input`` or ``SET/target``, whether it is blurred as the event is defined."""
    if side.endswith("target"):
        return np.zeros(len(list(frames_of(data / side))), bool)
    pairs = zip(frames_of(data / side), frames_of(data / side.replace("input", "target")), strict=True)
    return np.array(
        [labels_of_pair(_tensor(a), _tensor(b), True, LabelConfig())[1][0] >= 0.5 for a, b in pairs]
    )


def _tensor(rgb_HWC: Frame) -> Any:
    import torch

    height, width = (side - side % 64 for side in rgb_HWC.shape[:2])
    return torch.from_numpy(rgb_HWC[:height, :width]).permute(2, 0, 1).float() / 255


def chance_of_ece(q: npt.NDArray[np.float64], rng: np.random.Generator) -> float:
    """Mean expected calibration error of so many clips if the probabilities were exactly right."""
    return float(np.mean([expected_calibration_error(q, rng.random(len(q)) < q) for _ in range(RESAMPLES)]))


def calibration(assessor: LearnedAssessor, data: Path, clips: int) -> list[str]:
    """Drawn clips over the open sets' clean stills, each its own scene; intervals by drawing clips."""
    config = AssessmentClipConfig(sharp=[Folder(path=str(data / name)) for name in GRID_STILLS], drawn=clips)
    p, truth = [], []
    for clip in drawn_clips(config, GRID_SEED):
        found = judge(assessor, clip.frames)
        p.append(found.p[-1])
        truth.append(clip.frame[:2])
    lines = [
        "| event | clips | prevalence | AUROC | ECE | by chance | Brier | ECE at 1 % | Brier at 1 % |",
        "|---" * 9 + "|",
    ]
    for number, event in enumerate(("blur", "rain")):
        happened = np.array([t[number] for t in truth])
        known = ~np.isnan(happened)
        q, y = np.array([one[number] for one in p])[known], happened[known] > 0.5
        rare = prevalence_weights(y, 0.01)
        rng = np.random.default_rng(0)
        drawn = [rng.integers(len(q), size=len(q)) for _ in range(RESAMPLES)]
        bounds = [
            np.percentile([measure(q[d], y[d]) for d in drawn], [2.5, 97.5])
            for measure in (expected_calibration_error, brier)
        ]
        ece, error = expected_calibration_error(q, y), brier(q, y)
        lines.append(
            f"| {event} | {len(q)} | {y.mean():.2f} | {auroc(q, y):.3f} | {ece:.3f} ({bounds[0][0]:.3f} to "
            f"{bounds[0][1]:.3f}) | {chance_of_ece(q, rng):.3f} | "
            f"{error:.3f} ({bounds[1][0]:.3f} to {bounds[1][1]:.3f}) | "
            f"{expected_calibration_error(q, y, rare):.3f} | {brier(q, y, rare):.3f} |"
        )
    return lines


def costs(assessor: LearnedAssessor, data: Path) -> list[str]:
    """Processor time of one frame, taking up included, alone and with the frames before; in turns, medians of 40."""
    lines = ["| size | alone | with the frames before | ratio |", "|---|---|---|---|"]
    frames = list(frames_of(data / "driving_video/carnd_test_video.mp4"))
    for size in ((640, 360), (1280, 720)):
        sized = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames[:20]]
        times: dict[str, list[float]] = {"alone": [], "before": []}
        histories = {way: FrameHistory(FRAMES_BEFORE) for way in times}
        for number in range(46):
            frame_HWC = np.asarray(sized[number % len(sized)], np.uint8)
            for way, history in histories.items():
                started = time.process_time()
                history.take("c", frame_HWC)
                before = history.before("c") if way == "before" else None
                if before is None:
                    assessor.assess(frame_HWC)
                else:
                    assessor.assess_video(frame_HWC, before)
                times[way].append((time.process_time() - started) * 1e3)
        alone, before_ms = (float(np.median(times[way][6:])) for way in times)
        lines.append(
            f"| {size[0]}x{size[1]} | {alone:.1f} ms | {before_ms:.1f} ms | {before_ms / alone:.2f} |"
        )
    return lines


def page(
    assessor: LearnedAssessor, data: Path, clips: dict[str, Judged], clean: dict[str, Judged],
    rain: dict[str, Judged], grid_clips: int,
) -> str:  # fmt: skip
    head = [
        "| clip | frames | blur p | flagged | rain p | flagged | selected | tiles |",
        "|---" * 8 + "|",
    ]  # fmt: skip
    lines = [
        "# How the assessor judges videos", "", "Made by", "",
        "    PYTHONPATH=. python benchmarks/assessor_video.py --data ../shared/data/eval \\",
        "        --clean CLEAN_CLIP ... --rain RAIN_CLIP ... --output docs/benchmarks/assessor_video.md", "",
        f"Assessor: `{assessor.name}`, each frame with those before it, as the pipeline judges. Flagged: 0.5 and more; "
        "selected: the gate selects a tile at `balanced`. No clip was learnt from; the shares of the frames before "
        "(`assessment/temporal.py`) and the smoothing were chosen looking at these, so they flatter a little.", "",
        "## Clips", "", *head, *(row(name, found) for name, found in {**clips, **clean, **rain}.items()), "",
        "Area under the ROC curve, per frame:", "", *areas(data, assessor, clips), "",
        "## False selections", "",
        false_selections([*(clips[name] for name in CLEAN), *clean.values()]), "",
        "## Onset and end", "",
        onset(assessor, data / "nturain_a1", 1), onset(assessor, data / "gopro_video", 0), "",
        "## The demo's street", "", f"The first {_SETTLING} frames of each part are left out of ranges and steps.", "",
        *demo(assessor), "",
        "## Calibration on drawn clips", "",
        f"{grid_clips} clips of three frames, filmed from the open sets' clean stills and degraded by fixed seeds. By "
        "chance: the error that so few clips would show if the probabilities were exactly right.", "",
        *calibration(assessor, data, grid_clips), "",
        "## Processor time of a frame", "", *costs(assessor, data),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
