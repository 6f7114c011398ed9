# SPDX-License-Identifier: Apache-2.0
"""Which parts of the degradation synthesis carry over to real blur and to the open rain sets.

    python benchmarks/ablation.py --data ../shared/data/eval --output docs/benchmarks/ablation.md

Each row is the `lite` network trained from scratch for the same few steps by the published recipe with one
thing changed, blur rows on blur alone and rain rows on rain alone, and what it then gains on whole sets it
never saw. So short a run says which way a choice points, not what it is worth in the end: the rows that
repeat the recipe with other seeds say how much of a difference is chance. What is done is kept in a .json
beside the page; a second run of as many steps goes on from there.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from restoregan_core.commands.train import parse
from restoregan_core.data.sources import TrainingSource
from restoregan_core.training.config import TrainConfig
from restoregan_core.training.trainer import Trainer

NOTHING = {"blur": 0, "rain": 0, "blur_rain": 0, "drops": 0, "clean": 0, "pair": 0}
BLUR = "--data.degrade.blur."
RAIN = "--data.degrade.rain."


def shares(**wanted: float) -> list[str]:
    return ["--data.shares", json.dumps(NOTHING | wanted)]


def kinds_of_rain(**weights: float) -> list[str]:
    return [f"{RAIN}{kind}_weight={weights.get(kind, 0)}" for kind in ("sparse", "dense", "video", "driving")]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Rows that change one recipe."""

    recipe: str
    sets: tuple[str, ...]
    """What they are measured on."""
    common: list[str]
    """Options of every row."""
    rows: dict[str, list[str]]
    """Name of each row, and the options that make it."""


FAMILIES = {
    "blur": Family(
        recipe="config/train/lite_blur.yaml",
        sets=("gopro_crops256", "reds_x4"),
        common=[],
        rows={
            "the recipe": [],
            "the recipe, seed 1": ["--seed=1"],
            "the recipe, seed 2": ["--seed=2"],
            "extent to 10 px": [f"{BLUR}extent_px=[2.0, 10.0]"],
            "extent to 40 px": [f"{BLUR}extent_px=[2.0, 40.0]"],
            "one blur for the whole frame": [f"{BLUR}spatial_variation=0"],
            "spatial variation 1 (recipe: 0.4)": [f"{BLUR}spatial_variation=1"],
            "hand-held paths alone": [f"{BLUR}vehicle_share=0"],
            "paths of a vehicle alone": [f"{BLUR}vehicle_share=1"],
            "averaged on pixel values alone": [f"{BLUR}linear_light_share=0"],
            "averaged in linear light alone": [f"{BLUR}linear_light_share=1"],
            "linear light, highlights stay clipped": [f"{BLUR}linear_light_share=1", f"{BLUR}highlight_share=0"],
            "continuous exposures alone": [f"{BLUR}few_frames_share=0"],
            "moving objects in 30 % (recipe: 5)": [f"{BLUR}object_share=0.3"],
            "no noise, no JPEG": ["--data.degrade.sensor.noise_share=0", "--data.degrade.sensor.jpeg_share=0"],
            "noise and JPEG always": ["--data.degrade.sensor.noise_share=1", "--data.degrade.sensor.jpeg_share=1"],
            "no real pairs (recipe: 12 %)": shares(blur=1),
            "real pairs 40 %": shares(blur=0.6, pair=0.4),
            "real pairs alone": shares(pair=1),
        },
    ),
    "rain": Family(
        recipe="config/train/lite.yaml",
        sets=("rain100l", "rain100h", "nturain_a1"),
        common=[
            "--transfer.start_from=", *shares(rain=1),
            "--optimiser.clip_norm=0.5", "--optimiser.learning_rate=1e-3",
        ],
        rows={
            "the recipe": [],
            "the recipe, seed 1": ["--seed=1"],
            "the recipe, seed 2": ["--seed=2"],
            "sparse alone": kinds_of_rain(sparse=1),
            "dense alone": kinds_of_rain(dense=1),
            "thin and upright (video) alone": kinds_of_rain(video=1),
            "before a moving camera (driving) alone": kinds_of_rain(driving=1),
            "sparse and dense": kinds_of_rain(sparse=0.55, dense=0.45),
            "no veil": [f"{RAIN}{kind}.haze_share=0" for kind in ("sparse", "dense", "video", "driving")],
            "lens drops in 10 %": shares(rain=0.9, drops=0.1),
            "clean images in 10 %": shares(rain=0.9, clean=0.1),
        },
    ),
}  # fmt: skip


def open_rows(folder: Path | None) -> dict[str, list[str]]:
    """What it costs to leave out the sets for research only: REDS (CC BY 4.0) and what ``folder`` holds stay."""
    reds = {"path": "../shared/data/train/reds_x4/target"}
    rows = {"sharp images of REDS alone (CC BY 4.0)": ["--data.sharp", json.dumps([reds])]}
    if folder:
        both = [reds, {"path": str(folder)}]
        rows["of REDS and of --open-images"] = ["--data.sharp", json.dumps(both)]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation sets")
    parser.add_argument(
        "--output", type=Path, required=True, help="Markdown; .json beside it is gone on from"
    )
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--steps", type=int, default=250, help="of 8 crops of 128 px (default: 250)")
    parser.add_argument("--images", type=int, default=25, help="of each set (default: 25)")
    parser.add_argument(
        "--open-images",
        type=Path,
        help="folder of sharp images whose licence is open, for a row of its own",
    )
    given = parser.parse_args()
    more = open_rows(given.open_images)
    families = {name: replace(family, rows=family.rows | more) for name, family in FAMILIES.items()}
    kept = given.output.with_suffix(".json")
    before = json.loads(kept.read_text()) if kept.exists() else {}
    rows = {key: row for key, row in before.items() if row["steps"] == given.steps}
    for family_name in given.families:
        family = families[family_name]
        for name, changes in family.rows.items():
            key = f"{family_name}: {name}"
            if key in rows:
                continue
            with tempfile.TemporaryDirectory() as run:
                config = parse(
                    [
                        "--config", family.recipe, "--output", run,
                        "--workers=0", f"--threads={torch.get_num_threads()}",
                        *family.common, *changes, *plan(given.data, family.sets, given.steps, given.images),
                    ]
                )  # fmt: skip
                rows[key] = {"steps": given.steps, "gain_db": train(config)}
            print(key, rows[key]["gain_db"], flush=True)
            kept.write_text(json.dumps(rows, indent=1))
    given.output.write_text(page(families, rows, given.steps, given.images))


def plan(data: Path, sets: tuple[str, ...], steps: int, images: int) -> list[str]:
    """What all rows share: so many steps, every crop a new one, measured at the end alone."""
    stage = {"steps": steps, "patch_size": 128, "batch_size": 8}
    return [
        "--schedule.stages", json.dumps([stage]), "--data.reuse=null", "--data.same_kind=1",
        "--optimiser.warmup_steps=30", "--optimiser.final_learning_rate=1e-5", "--optimiser.ema_decay=0.98",
        "--validation.folders", json.dumps([str(data / name) for name in sets]),
        "--validation.every_steps=1000000", f"--validation.max_images={images}", "--validation.crop=0",
    ]  # fmt: skip


def train(config: object) -> dict[str, float]:
    """Gain of each set over its input, RGB PSNR in dB."""
    assert isinstance(config, TrainConfig)
    trainer = Trainer(config, TrainingSource(config.data, config.seed))
    trainer.run()
    return {name: round(score.psnr_db - score.input_psnr_db, 3) for name, score in trainer.scores.items()}


def page(families: dict[str, Family], rows: dict[str, dict], steps: int, images: int) -> str:
    lines = [
        "# What of the synthesis moves the open sets",
        "",
        "Made by",
        "",
        "    python benchmarks/ablation.py --data ../shared/data/eval --output docs/benchmarks/ablation.md \\",
        "        --open-images DIR",
        "",
        "(DIR: 23 photographs of Debian's mate-backgrounds, lomiri-wallpapers-16.04 and plasma-workspace-wallpapers,",
        "licences as the packages state them, shrunk to 1280 px.)",
        "",
        f"`lite` from scratch, {steps} steps of 8 crops of 128 px, one thing changed a row; gain in RGB PSNR (dB)",
        f"over the input, mean over at most {images} whole images of each set. Blur rows learn blur alone, rain",
        "rows rain alone. Runs this short point a direction; the rows with other seeds say what chance does.",
    ]
    for title, family in families.items():
        keys = {name: f"{title}: {name}" for name in family.rows}
        done = {name: rows[key]["gain_db"] for name, key in keys.items() if key in rows}
        if not done:
            continue
        lines += ["", f"## {title.capitalize()} (`{family.recipe}`)", ""]
        lines += ["| changed | " + " | ".join(family.sets) + " |", "|---|" + "---|" * len(family.sets)]
        lines += [
            f"| {name} | " + " | ".join(f"{gain[s]:+.2f}" for s in family.sets) + " |"
            for name, gain in done.items()
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
