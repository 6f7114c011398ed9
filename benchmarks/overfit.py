# SPDX-License-Identifier: Apache-2.0
"""Can the lite network learn four crops by heart? A sound network, loss and recipe exceed 40 dB in 2,000 steps.

    python benchmarks/overfit.py --pairs ../shared/data/train/reds_x4 --output runs/overfit

Cuts the middle of four pairs out, trains on them by the recipe of config/train/lite.yaml (shorter, no flips, a
shorter average) and prints the PSNR on the same four.
"""

import argparse
from pathlib import Path

import cv2

from restoregan_core.commands.train import parse
from restoregan_core.data.sources import TrainingSource
from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.training.trainer import Trainer

RECIPE = Path(__file__).parents[1] / "config" / "train" / "lite.yaml"


def cut_crops(pairs_dir: str, side: int, target: Path) -> None:
    pairs = find_pairs(pairs_dir, check=False)
    for i in range(4):
        pair = pairs[i * len(pairs) // 4]
        for folder, path in (("input", pair.input_path), ("target", pair.target_path)):
            image_HWC = cv2.imread(str(path))
            top, left = ((size - side) // 2 for size in image_HWC.shape[:2])
            (target / folder).mkdir(parents=True, exist_ok=True)
            crop_HWC = image_HWC[top : top + side, left : left + side]
            cv2.imwrite(str(target / folder / f"{i}.png"), crop_HWC)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", required=True, help="a folder with input/ and target/")
    parser.add_argument("--output", required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--side", type=int, default=64, help="of the crops, in pixels")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    crops = Path(arguments.output) / "crops"
    cut_crops(arguments.pairs, arguments.side, crops)
    stage = f'[{{"steps": {arguments.steps}, "patch_size": {arguments.side}, "batch_size": 4}}]'
    changes = {
        "name": "overfit",
        "data.sharp": "[]",
        "data.pairs": f'[{{"path": "{crops}"}}]',
        "data.flips": "false",
        "schedule.stages": stage,
        "optimiser.learning_rate": "1e-3",
        "optimiser.warmup_steps": "100",
        "optimiser.ema_decay": "0.99",
        "validation.folders": f'["{crops}"]',
        "validation.every_steps": "250",
        "validation.max_images": "4",
        "output": arguments.output,
        "threads": str(arguments.threads),
        "workers": "0",
    }
    config = parse(
        ["--config", str(RECIPE), *(text for key, value in changes.items() for text in (f"--{key}", value))]
    )
    trainer = Trainer(config, TrainingSource(config.data, config.seed))
    trainer.run()
    (score,) = trainer.scores.values()
    print(f"input {score.input_psnr_db:.2f} dB; after {trainer.step} steps {score.psnr_db:.2f} dB")


if __name__ == "__main__":
    main()
