# SPDX-License-Identifier: Apache-2.0
"""Does a deblurring generator help de-raining? Fine-tuning against training from scratch, with few pairs.

    python benchmarks/transfer.py --start runs/lite/last.safetensors --pairs DIR --test DIR \
        --steps 600 --markdown docs/benchmarks/transfer.md

DIR holds input/ and target/. For 10, 50 and 200 of the pairs two generators of one shape are trained by the
same recipe for the same number of steps, on the same crops in the same order; only their start differs.
The generator to start from should not have seen rain.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from pages import replace_table

from restoregan_core.data.config import DataConfig, PairFolder
from restoregan_core.data.sources import TrainingSource
from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.training.config import (
    OptimiserConfig,
    ScheduleConfig,
    StageConfig,
    TrainConfig,
    TransferConfig,
    ValidationConfig,
)
from restoregan_core.training.loss_config import LossConfig
from restoregan_core.training.trainer import Trainer
from restoregan_core.training.validation import Score
from restoregan_core.zoo import load_generator


def take(source: Path, count: int, target: Path) -> Path:
    """A folder of ``count`` pairs, evenly spread over those of ``source``."""
    pairs = find_pairs(source, check=False)
    if count > len(pairs):
        raise SystemExit(f"{source} holds {len(pairs)} pairs, not {count}")
    for side in ("input", "target"):
        (target / side).mkdir(parents=True)
    for i in range(count):
        pair = pairs[i * len(pairs) // count]
        shutil.copy(pair.input_path, target / "input" / pair.input_path.name)
        shutil.copy(pair.target_path, target / "target" / pair.target_path.name)
    return target


def train(
    pairs: Path, test: Path, start: str, shape_of: str, steps: int, patch: int, batch: int, output: Path
) -> Score:
    """Train by the recipe that both share; the score on the test pairs at the end."""
    config = TrainConfig(
        name="transfer",
        data=DataConfig(pairs=[PairFolder(path=str(pairs))]),
        generator=load_generator(shape_of).generator.config,
        schedule=ScheduleConfig(stages=[StageConfig(steps=steps, patch_size=patch, batch_size=batch)]),
        loss=LossConfig(perceptual_weight=0, adversarial_weight=0, pixel_weight=1, fft_weight=1),
        optimiser=OptimiserConfig(
            kind="adamw", learning_rate=3e-4, final_learning_rate=1e-6, decay="cosine", warmup_steps=20,
            betas=(0.9, 0.99), clip_norm=0.5, ema_decay=0.99,
        ),
        validation=ValidationConfig(folders=[str(test)], every_steps=10**9, max_images=20),
        transfer=TransferConfig(start_from=start),
        output=str(output),
        precision="bf16-mixed",
    )  # fmt: skip
    trainer = Trainer(config, TrainingSource(config.data, config.seed))
    trainer.run()
    (score,) = trainer.scores.values()
    return score


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--start", required=True, help="the deblurring generator, .safetensors")
    parser.add_argument("--pairs", required=True, type=Path)
    parser.add_argument("--test", required=True, type=Path)
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--patch", type=int, default=96)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    lines = [
        "| pairs | input, dB | from scratch, dB / SSIM | from the deblurring generator, dB / SSIM "
        "| gain, dB |",
        "|---|---|---|---|---|",
    ]
    for count in arguments.counts:
        with tempfile.TemporaryDirectory() as folder:
            pairs = take(arguments.pairs, count, Path(folder) / "pairs")
            scores = [
                train(
                    pairs, arguments.test, start, arguments.start, arguments.steps, arguments.patch,
                    arguments.batch, Path(folder) / ("transfer" if start else "scratch"),
                )
                for start in ("", arguments.start)
            ]  # fmt: skip
        scratch, transfer = scores
        lines.append(
            f"| {count} | {scratch.input_psnr_db:.2f} | {scratch.psnr_db:.2f} / {scratch.ssim:.4f} "
            f"| {transfer.psnr_db:.2f} / {transfer.ssim:.4f} | {transfer.psnr_db - scratch.psnr_db:+.2f} |"
        )
        print(lines[-1], flush=True)
    recipe = {key: getattr(arguments, key) for key in ("steps", "patch", "batch")}
    lines += [
        "",
        f"Start: `{Path(arguments.start).name}`; {json.dumps(recipe)}; RGB PSNR on {arguments.test.name}.",
    ]
    if arguments.markdown:
        replace_table(Path(arguments.markdown), "\n".join(lines))


if __name__ == "__main__":
    main()
