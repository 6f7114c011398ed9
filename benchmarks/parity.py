# SPDX-License-Identifier: Apache-2.0
"""Every runtime's image against eager fp32, on real images, odd sizes and tiles; and how fast each starts.

    python benchmarks/parity.py --images ../shared/data/eval/kitti_boxes --output docs/benchmarks/parity

Networks without weights have random ones and say so. An image is enlarged or cut to each size.
Starts are timed in processes of their own: the first one compiles, the second one loads what it kept.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.console import Console

from restoregan_core.commands.common import parse_size
from restoregan_core.environment import resident_memory_mb
from restoregan_core.images.folders import find_images, read_rgb
from restoregan_core.metrics.psnr_ssim import psnr_rgb
from restoregan_core.models.lazy_network import LazyNetwork
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.runtimes.protocol import RuntimeUnavailableError
from restoregan_core.runtimes.timing import device_name
from restoregan_core.zoo import CONFIGS, LoadedGenerator, build_generator, load_generator

START = """
import sys, time
from pathlib import Path
import numpy as np
from restoregan_core.restoration.restorer import Restorer
sys.path.insert(0, sys.argv[4])
from parity import load
loaded = load(sys.argv[1])
started = time.perf_counter()
Restorer(loaded, sys.argv[2], engine_dir=Path(sys.argv[3])).warm_up(360, 640)
print(time.perf_counter() - started)
"""


def load(model: str) -> LoadedGenerator:
    """The zoo's weights, or else random ones with a head that changes images by some grey levels."""
    try:
        return load_generator(model)
    except ValueError:
        torch.manual_seed(0)
        generator = build_generator(model).eval()
        with torch.no_grad():
            generator.head.weight.normal_(0, 0.1 / generator.head.weight[0].numel() ** 0.5)
        return LoadedGenerator(LazyNetwork.of(generator), f"{model}, random weights", "", {})


def to_size(rgb_HWC: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut where it is large enough, else enlarged first."""
    scale = max(size[0] / rgb_HWC.shape[0], size[1] / rgb_HWC.shape[1], 1.0)
    if scale > 1:
        rgb_HWC = cv2.resize(rgb_HWC, None, fx=scale + 1e-3, fy=scale + 1e-3, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(rgb_HWC[: size[0], : size[1]])


def compare(model: str, runtime: str, size: tuple[int, int], images: list[Path]) -> dict[str, Any]:
    loaded = load(model)
    eager, other = Restorer(loaded, "torch", "cpu"), Restorer(loaded, runtime)
    before_mb = resident_memory_mb()
    worst, means, psnrs, changes, seconds = 0, [], [], [], 0.0
    for path in images:
        rgb_HWC = to_size(read_rgb(path), size)
        started = time.perf_counter()
        seen = other(rgb_HWC)
        seconds += time.perf_counter() - started
        expected = eager(rgb_HWC)
        difference = np.abs(seen.astype(int) - expected)
        worst = max(worst, int(difference.max()))
        means.append(difference.mean())
        psnrs.append(psnr_rgb(seen, expected) if difference.any() else 99.0)
        changes.append(np.abs(expected.astype(int) - rgb_HWC).mean())
    return {
        "model": loaded.name,
        "runtime": other.describe(),
        "size": f"{size[0]}x{size[1]}",
        "max": worst,
        "mean": float(np.mean(means)),
        "psnr_db": float(min(psnrs)),
        "change": float(np.mean(changes)),
        "s_per_image": seconds / len(images),
        "memory_mb": resident_memory_mb() - before_mb,
    }


def start_times(model: str, runtime: str) -> tuple[float, float]:
    """Seconds until a network is warm, first and second time, with an empty cache of engines before."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", START, model, runtime, folder, str(Path(__file__).parent)]
        first, second = (
            float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
            for _ in range(2)
        )
    return first, second


def markdown(result: dict[str, Any]) -> str:
    lines = [
        "# Every runtime gives eager fp32's image",
        "",
        f"Command: `{result['command']}`",
        "",
        f"Machine: {result['device']}. {result['images']} real images for each line but the largest size, one.",
        "Differences in grey levels; PSNR between the two of the worst image; change is what the network itself",
        "does to an image, mean. Memory is what the process grew by, both runtimes and all buffers together.",
        "",
        "| network | runtime | size | max | mean | PSNR dB | change | s an image | memory MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in result["rows"]:
        lines.append(
            f"| {r['model']} | {r['runtime']} | {r['size']} | {r['max']} | {r['mean']:.3f} | {r['psnr_db']:.1f} |"
            f" {r['change']:.2f} | {r['s_per_image']:.2f} | {r['memory_mb']:.0f} |"
        )
    lines += ["", "| network | runtime | first start, s | second start, s |", "|---|---|---|---|"]
    lines += [
        f"| {r['model']} | {r['runtime']} | {r['first_s']:.2f} | {r['second_s']:.2f} |"
        for r in result["starts"]
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="a folder of real images")
    parser.add_argument("--count", type=int, default=4, help="images of it (default 4)")
    parser.add_argument("--models", nargs="+", choices=list(CONFIGS), default=list(CONFIGS))
    parser.add_argument("--runtimes", nargs="+", default=["openvino"])
    parser.add_argument("--sizes", nargs="+", type=parse_size, default=[(1, 1), (359, 641)], metavar="HxW")
    parser.add_argument("--largest", type=parse_size, default=(2160, 3840), help="with one image, in tiles")
    parser.add_argument("--output", type=Path, help="written with .json and .md added")
    given = parser.parse_args()
    images = find_images(given.images)
    images = images[:: max(1, len(images) // given.count)][: given.count]
    result: dict[str, Any] = {
        "command": "python benchmarks/parity.py " + " ".join(sys.argv[1:]),
        "device": device_name(torch.device("cpu")),
        "images": len(images),
        "rows": [],
        "starts": [],
    }
    for model in given.models:
        for runtime in given.runtimes:
            try:
                for size in [*given.sizes, given.largest]:
                    chosen = images[:1] if size == given.largest else images
                    result["rows"].append(compare(model, runtime, size, chosen))
                    print(json.dumps(result["rows"][-1]), flush=True)
                first_s, second_s = start_times(model, runtime)
            except RuntimeUnavailableError as error:
                Console(stderr=True).print(f"{runtime}: {error}", markup=False)
                continue
            name = result["rows"][-1]["model"]
            result["starts"].append(
                {"model": name, "runtime": runtime, "first_s": first_s, "second_s": second_s}
            )
            print(json.dumps(result["starts"][-1]), flush=True)
    if given.output:
        given.output.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        given.output.with_suffix(".md").write_text(markdown(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
