# SPDX-License-Identifier: Apache-2.0
"""Fit the part of the shipped assessor that looks at the frames before, and write weights that hold both.

    PYTHONPATH=. python tools/fit_assessor_video.py --recipe tools/fit_assessor_video.yaml --output assessor.safetensors

The recipe names the clips to learn from and, under ``held_out``, those of other scenes to calibrate on
(``restoregan_core/data/assessment_clips.py``). What is seen of them is a few numbers a tile: making the clips takes
some 30 minutes of one core, the fit one. The network of single images stays as it is, and so does its judgement.

What is published of a camera is calibrated at last, on other clips, drawn of the held-out stills; with ``--keep`` that
alone is done, to the shipped weights.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import torch

from restoregan_core.assessment.learned import LearnedAssessor
from restoregan_core.data.assessment_clips import (
    AssessmentClipConfig,
    drawn_clips,
    driven_clips,
    recorded_clips,
)
from restoregan_core.documents import build, parse_yaml
from restoregan_core.models.lazy_network import weights_of
from restoregan_core.training.assessor.video import Evidence, evidence_of, fit_head, published_temperatures
from restoregan_core.zoo import LoadedAssessor, load_assessor_network, save_assessor

HELD_OUT_STREAM, CALIBRATION_STREAM = 1, 101
CALIBRATION_CLIPS = 1500


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep", action="store_true", help="the shipped head; calibrate what is published anew"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    recipe: dict[str, Any] = parse_yaml(given.recipe.read_bytes(), str(given.recipe))
    training_data = recipe.pop("training_data")
    held_out = build(AssessmentClipConfig, recipe.pop("held_out"), f"{given.recipe}: held_out")
    learnt = build(AssessmentClipConfig, recipe, str(given.recipe))

    joined = replace(load_assessor_network(), temperatures=(1.0, 1.0))
    if not given.keep:
        joined = with_head(joined, learnt, held_out, training_data, given.seed)
    stills = replace(held_out, videos=[], drawn=CALIBRATION_CLIPS)
    clips = drawn_clips(stills, given.seed + CALIBRATION_STREAM)
    calibration = {
        "tile": joined.tile_calibration,
        "frame": joined.frame_calibration,
        "temperature": published_temperatures(clips, LearnedAssessor(joined, "cpu")),
    }
    metadata = {
        key: joined.metadata[key] for key in ("recipe", "steps", "scores", "training_data", "temporal")
    }
    print(save_assessor(joined.network, calibration, given.output, metadata, joined.temporal))


def with_head(
    single: LoadedAssessor, learnt: AssessmentClipConfig, held_out: AssessmentClipConfig, training_data: list[str],
    seed: int,
) -> LoadedAssessor:  # fmt: skip
    """The network of single images with a new head beside it."""
    assessor = LearnedAssessor(single, "cpu")
    frames = evidence(learnt, assessor, seed)
    others = evidence(held_out, assessor, seed + HELD_OUT_STREAM)
    said = {
        "training_data": json.dumps(training_data),
        "temporal": json.dumps({"frames": len(frames), "calibrated_on": len(others)}),
    }
    head = fit_head(frames, others, seed=seed)
    return replace(single, temporal=weights_of(head), metadata={**single.metadata, **said})


def evidence(config: AssessmentClipConfig, assessor: LearnedAssessor, seed: int) -> list[Evidence]:
    return [
        *evidence_of(recorded_clips(config), assessor),
        *evidence_of(drawn_clips(config, seed), assessor),
        *evidence_of(driven_clips(config, seed), assessor),
    ]


if __name__ == "__main__":
    main()
