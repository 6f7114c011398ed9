# SPDX-License-Identifier: Apache-2.0
"""How well the assessors tell degraded frames from clean ones, and whether their probabilities can be believed.

    PYTHONPATH=. python benchmarks/assessor.py --data ../shared/data/eval --output docs/benchmarks/assessor.md

On the open sets, of which no assessor has seen an image: area under the ROC curve per frame, beside variance
of Laplacian, scikit-image's blur_effect and a streak filter; what the gate makes of it at ``balanced``; and the
calibration on the severity grid (restoregan_core/training/assessor/severity_grid.py) over the sets' clean images.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from restoregan_core.assessment.assessor import Assessor
from restoregan_core.assessment.classical import ClassicalAssessor
from restoregan_core.assessment.learned import LearnedAssessor
from restoregan_core.data.assessment import AssessmentDataConfig
from restoregan_core.data.labels import LabelConfig, labels_of_pair
from restoregan_core.images.folders import find_images, read_rgb
from restoregan_core.images.tile_grid import TILE_SIZE_PX
from restoregan_core.metrics.calibration import (
    auroc,
    brier,
    expected_calibration_error,
    prevalence_weights,
    reliability,
)
from restoregan_core.restoration.gate import PRESETS, Gate
from restoregan_core.training.assessor.severity_grid import GridSample, centre_of, severity_grid
from restoregan_core.zoo import load_assessor_network

PAIRED_SETS = ("gopro", "gopro_crops256", "reds_x4", "rain100h", "rain100l", "nturain_a1")
GRID_SETS = ("gopro/target", "reds_x4/target", "rain100l/target", "kitti_boxes/images")
SCENES_PER_SET = 12
RESAMPLES = 1000

COMMAND = "PYTHONPATH=. python benchmarks/assessor.py --data ../shared/data/eval --output docs/benchmarks/assessor.md"

Array = npt.NDArray[Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="of another learned assessor than the shipped one")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    assessors: dict[str, Assessor] = {
        "learned": LearnedAssessor(load_assessor_network(given.weights)),
        "classical": ClassicalAssessor(),
    }
    sets = {
        f"{name}/{side}": given.data / name / side for name in PAIRED_SETS for side in ("input", "target")
    }
    sets |= {name: given.data / name for name in ("kitti_boxes/images", "real_rain_video/ra1")}
    images = {name: [read_rgb(path) for path in find_images(folder)] for name, folder in sets.items()}
    judged = {
        name: {a: judge(assessor, p) for a, assessor in assessors.items()} for name, p in images.items()
    }
    grid = list(severity_grid(grid_scenes(given.data), AssessmentDataConfig()))
    figures = {
        "auroc": areas(images, judged),
        "sets": {name: {a: of_set(found) for a, found in by.items()} for name, by in judged.items()},
        "grid": {a: calibration(judge(assessor, [s.rgb_HWC for s in grid]), grid) for a, assessor in assessors.items()},
        "ms": {a: milliseconds(assessor) for a, assessor in assessors.items()},
        "assessor": assessors["learned"].name,
    }  # fmt: skip
    text = page(figures)
    print(text)
    if given.output:
        given.output.write_text(text)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))


def judge(assessor: Assessor, images: list[Array]) -> dict[str, Array]:
    """Frame probabilities, and the share of tiles that the gate selects at ``balanced`` on a first frame."""
    found = [assessor.assess(rgb_HWC) for rgb_HWC in images]
    selected = [float(Gate(PRESETS["balanced"]).select("", a).mean()) for a in found]
    return {
        "blur": np.array([a.blur_probability for a in found]),
        "rain": np.array([a.rain_probability for a in found]),
        "selected": np.array(selected),
    }


def of_set(found: dict[str, Array]) -> dict[str, float]:
    return {
        "frames": len(found["blur"]),
        "blur_median": float(np.median(found["blur"])),
        "rain_median": float(np.median(found["rain"])),
        "blur_flagged": float((found["blur"] >= 0.5).mean()),
        "rain_flagged": float((found["rain"] >= 0.5).mean()),
        "passed": float((found["selected"] == 0).mean()),
        "tiles": float(found["selected"].mean()),
    }


def areas(images: dict[str, list[Array]], judged: dict[str, dict[str, dict[str, Array]]]) -> dict[str, Any]:
    simple: dict[str, dict[str, Callable[[Array], float]]] = {
        "blur": {"variance of Laplacian": lambda rgb: -laplacian_variance(rgb), "blur_effect": blur_effect},
        "rain": {"streak filter": streak_energy},
    }
    rows: dict[str, Any] = {}
    for event, names in (
        ("blur", ("gopro", "reds_x4")), ("blur", ("gopro_crops256",)),
        ("rain", ("rain100h",)), ("rain", ("rain100l",)), ("rain", ("nturain_a1",)),
    ):  # fmt: skip
        sides = [(f"{name}/{side}", side == "input") for name in names for side in ("input", "target")]
        values = {
            a: np.concatenate([judged[name][a][event] for name, _ in sides]) for a in ("learned", "classical")
        }
        for method, measure in simple[event].items():
            values[method] = np.array([measure(p) for name, _ in sides for p in images[name]])
        title = f"{event}: {' + '.join(names)}"
        truths = {title: np.concatenate([np.full(len(images[name]), degraded) for name, degraded in sides])}
        if event == "blur":
            truths[f"{title}, 3 px or more"] = np.concatenate([is_blurred(name, images) for name, _ in sides])
        for row, truth in truths.items():
            rows[row] = {"degraded": int(truth.sum()), "clean": int((~truth).sum())}
            rows[row] |= {method: auroc(found, truth) for method, found in values.items()}
    return rows


def is_blurred(name: str, images: dict[str, list[Array]]) -> Array:
    """By the event's own definition: whether the motion measured between input and target smears 3 px or more."""
    if name.endswith("/target"):
        return np.zeros(len(images[name]), bool)
    labels = [
        labels_of_pair(whole_tiles(degraded), whole_tiles(clean), is_input=True, config=LabelConfig())[1]
        for degraded, clean in zip(images[name], images[name.replace("input", "target")], strict=True)
    ]
    return np.array([frame[0] >= 0.5 for frame in labels])


def whole_tiles(rgb_HWC: Array) -> torch.Tensor:
    height, width = (side - side % TILE_SIZE_PX for side in rgb_HWC.shape[:2])
    return torch.from_numpy(rgb_HWC[:height, :width]).permute(2, 0, 1).float() / 255


def laplacian_variance(rgb_HWC: Array) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def blur_effect(rgb_HWC: Array) -> float:
    from skimage.measure import blur_effect as measure

    return float(measure(cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY)))


def streak_energy(rgb_HWC: Array) -> float:
    """What is bright, thin across and long along a steep direction: white top-hat minus its opening."""
    grey = cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY)
    thin = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, np.ones((1, 7), np.uint8))
    return float(cv2.morphologyEx(thin, cv2.MORPH_OPEN, np.ones((11, 1), np.uint8)).mean())


def grid_scenes(data: Path) -> list[Array]:
    scenes = []
    for name in GRID_SETS:
        paths = find_images(data / name)
        for path in paths[:: max(1, len(paths) // SCENES_PER_SET)][:SCENES_PER_SET]:
            rgb_HWC = read_rgb(path)
            height, width = (min(side, limit) for side, limit in zip(rgb_HWC.shape, (320, 448), strict=False))
            scenes.append(centre_of(rgb_HWC, height, width))
    return scenes


def calibration(found: dict[str, Array], grid: list[GridSample]) -> dict[str, Any]:
    scenes = np.array([sample.scene for sample in grid])
    result: dict[str, Any] = {}
    for event in ("blur", "rain"):
        truth = np.array([sample.has(event) for sample in grid])
        p = found[event]
        rare = prevalence_weights(truth, 0.01)
        result[event] = {
            "frames": len(p), "scenes": len(set(scenes)), "prevalence": float(truth.mean()),
            "auroc": auroc(p, truth),
            "ece": expected_calibration_error(p, truth),
            "ece_interval": interval(p, truth, scenes, expected_calibration_error),
            "brier": brier(p, truth), "brier_interval": interval(p, truth, scenes, brier),
            "ece_at_1_percent": expected_calibration_error(p, truth, rare),
            "brier_at_1_percent": brier(p, truth, rare),
            "reliability": [vars(b) for b in reliability(p, truth)],
        }  # fmt: skip
    strong = [i for i, s in enumerate(grid) if s.cell in ("blur 10 px", "blur 16 px")]
    result["strong_blur_frames"] = len(strong)
    result["strong_blur_restored"] = float((found["selected"][strong] > 0).mean())
    clean = [i for i, s in enumerate(grid) if s.cell == "clean"]
    result["clean_passed"] = float((found["selected"][clean] == 0).mean())
    return result


def interval(p: Array, truth: Array, scenes: Array, measure: Callable[[Array, Array], float]) -> list[float]:
    """95 %, by drawing whole scenes with replacement."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(scenes == scene) for scene in np.unique(scenes)]
    drawn = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        drawn.append(measure(p[chosen], truth[chosen]))
    return [float(v) for v in np.percentile(drawn, [2.5, 97.5])]


def milliseconds(assessor: Assessor) -> dict[str, float]:
    found = {}
    for height, width in ((360, 640), (720, 1280)):
        rgb_HWC = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        times = []
        for _ in range(30):
            started = time.perf_counter()
            assessor.assess(rgb_HWC)
            times.append((time.perf_counter() - started) * 1e3)
        found[f"{height}x{width}"] = float(np.median(times[5:]))
    return found


def totals(figures: dict[str, Any]) -> str:
    """What `balanced` does to the clean frames and to the strongly degraded ones, all sets together."""
    sets = {name: by["learned"] for name, by in figures["sets"].items()}
    clean = [sets[name] for name in sets if name.endswith("target") and name != "rain100l/target"]
    clean.append(sets["kitti_boxes/images"])
    strong = [sets[f"{name}/input"] for name in ("gopro", "gopro_crops256", "rain100h")]
    grid = figures["grid"]["learned"]
    frames = sum(row["frames"] for row in clean)
    passed = sum(round(row["frames"] * row["passed"]) for row in clean)
    degraded = sum(row["frames"] for row in strong) + grid["strong_blur_frames"]
    restored = sum(round(row["frames"] * (1 - row["passed"])) for row in strong)
    restored += round(grid["strong_blur_frames"] * grid["strong_blur_restored"])
    return (
        f"Together: {passed} of {frames} clean frames ({passed / frames:.1%}) pass untouched (rain100l's targets are "
        f"rain100h's, counted once); {restored} of {degraded} strongly degraded ones ({restored / degraded:.1%}) have "
        "tiles restored (inputs of gopro, gopro_crops256 and rain100h, and the grid's 10 and 16 px of blur)."
    )


def page(figures: dict[str, Any]) -> str:
    lines = [
        "# How well blur and rain are recognised", "",
        "Made by", "", "    " + COMMAND,
        "", f"Assessor: `{figures['assessor']}`. No image of these sets was learnt from or calibrated on.", "",
        "## Area under the ROC curve, per frame: inputs against their targets", "",
        "3 px or more: degraded are only those inputs that motion smears by so much, which is what the event means;",
        "measured between input and target (`restoregan_core/data/blur_extent.py`). REDS's weakest blur is under 2 px.",
        "Each image is judged alone here, frames of clips too; with the frames before them, as a camera's are judged,",
        "the first two rows become those of [the page on videos](assessor_video.md).",
        "",
    ]  # fmt: skip
    methods = ["learned", "classical", "variance of Laplacian", "blur_effect", "streak filter"]
    lines += [f"| sets | degraded / not | {' | '.join(methods)} |", "|---" * (len(methods) + 2) + "|"]
    for name, row in figures["auroc"].items():
        areas_of = " | ".join(f"{row[m]:.3f}" if m in row else "" for m in methods)
        lines.append(f"| {name} | {row['degraded']} / {row['clean']} | {areas_of} |")
    lines += [
        "", "## What the gate makes of it at `balanced`", "",
        "Median probability, share of frames at 0.5 or more, share of frames in which no tile is selected.", "",
        "| set | frames | blur p | flagged | rain p | flagged | passed untouched | tiles | classical: passed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, by in figures["sets"].items():
        row = by["learned"]
        lines.append(
            f"| {name} | {row['frames']} | {row['blur_median']:.2f} | {row['blur_flagged']:.2f} | "
            f"{row['rain_median']:.2f} | {row['rain_flagged']:.2f} | {row['passed']:.2f} | {row['tiles']:.2f} | "
            f"{by['classical']['passed']:.2f} |"
        )
    lines += ["", totals(figures)]
    lines += [
        "", "## Calibration on the severity grid", "",
        "15 bins; intervals: 95 %, scenes drawn with replacement; the last two re-weighted to a prevalence of 1 %.", "",
        "| assessor | event | frames | scenes | prevalence | AUROC | ECE | Brier | ECE at 1 % | Brier at 1 % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, grid in figures["grid"].items():
        for event in ("blur", "rain"):
            g = grid[event]
            low, high = g["ece_interval"]
            blow, bhigh = g["brier_interval"]
            lines.append(
                f"| {name} | {event} | {g['frames']} | {g['scenes']} | {g['prevalence']:.2f} | {g['auroc']:.3f} | "
                f"{g['ece']:.3f} ({low:.3f} to {high:.3f}) | {g['brier']:.3f} ({blow:.3f} to {bhigh:.3f}) | "
                f"{g['ece_at_1_percent']:.3f} | {g['brier_at_1_percent']:.3f} |"
            )
    for name, grid in figures["grid"].items():
        lines += [
            "", f"{name}: {grid['strong_blur_restored']:.0%} of the frames with 10 and 16 px of blur have tiles "
            f"selected, {grid['clean_passed']:.0%} of the clean ones none.",
        ]  # fmt: skip
    lines += ["", "## Reliability of the learned one: probability, frequency, share of frames", ""]
    for event in ("blur", "rain"):
        bins = figures["grid"]["learned"][event]["reliability"]
        lines.append(
            f"- {event}: "
            + "; ".join(f"{b['probability']:.2f}, {b['frequency']:.2f}, {b['share']:.2f}" for b in bins)
        )
    lines += ["", "## Time", "", "| assessor | 360x640 ms | 720x1280 ms |", "|---|---|---|"]
    for name, times in figures["ms"].items():
        lines.append(f"| {name} | {times['360x640']:.1f} | {times['720x1280']:.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
