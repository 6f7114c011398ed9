# SPDX-License-Identifier: Apache-2.0
"""How far a network looks so that it shows: the smallest context that ``restoration.windows`` may cut tiles out with.

    python benchmarks/context.py --model lite --data ../shared/data/eval --output docs/benchmarks/context

Each frame is restored whole, and in part: cut off on each of its four sides in turn, at a random line. Inside the part,
differences to the whole frame are sorted by their distance from the cut. The context is the smallest multiple of 16 px
with which at most one pixel in 10,000 of a tile at the cut differs by more than one grey level, in every set. Videos
are restored with their history, pictures without. What is measured of shipped weights belongs into
``restoregan_core.zoo.CONTEXT_PX``.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console

from restoregan_core.data.video import read_frames
from restoregan_core.images.blur_path import path_image
from restoregan_core.images.folders import find_frames, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.tile_grid import TILE_SIZE_PX
from restoregan_core.images.video_files import is_video
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.restoration.tiling import tile_margin
from restoregan_core.restoration.video_restorer import VideoRestorer
from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime
from restoregan_core.runtimes.timing import device_name
from restoregan_core.zoo import load_generator

BAND_PX = 16
SHARE = 1e-4
"""Of a tile's pixels that may differ by more than a grey level."""
PICTURES = "rain100h/input", "rain100l/input", "rain100l/target", "gopro/input", "kitti_boxes/images"
VIDEOS = (
    "nturain_a1/input", "nturain_a1/target", "gopro_video/input", "gopro_video/target", "real_rain_video/ra1",
    "driving_video/carnd_test_video.mp4",
)  # fmt: skip


def pictures(folder: Path, count: int, config: GeneratorConfig) -> Iterator[npt.NDArray[np.uint8]]:
    """Evenly spaced ones: uint8 (height, width, channels that the network takes)."""
    files = find_frames(folder)
    for file in files[:: max(1, len(files) // count)][:count]:
        image = read_rgb(file)
        beside = [image] * config.history + [path_image(image, None)] * config.path
        yield np.concatenate([image, *beside], 2)


def video(source: Path, count: int, restorer: Restorer) -> Iterator[npt.NDArray[np.uint8]]:
    """Every fourth frame with its aligned history, shapes as of ``pictures``."""
    camera = VideoRestorer(restorer)
    images: Iterable[RgbImage] = (
        read_frames(source) if is_video(source) else map(read_rgb, find_frames(source))
    )
    for number, image in enumerate(islice(images, 4 * count)):
        camera(image)
        if number % 4 == 3:
            yield np.concatenate([image, *camera.beside], 2)


class Bands:
    """Differences to the whole frame by their distance from the cut, in bands of ``BAND_PX``."""

    def __init__(self, count: int) -> None:
        self.most, self.over, self.pixels = (np.zeros(count, np.int64) for _ in range(3))

    def add(self, differences_HW: npt.NDArray[np.int64]) -> None:
        """Rows are in the order of their distance."""
        for k in range(min(len(self.most), len(differences_HW) // BAND_PX)):
            band = differences_HW[k * BAND_PX : (k + 1) * BAND_PX]
            self.most[k] = max(self.most[k], band.max())
            self.over[k] += (band > 1).sum()
            self.pixels[k] += band.size

    def of_tile(self, context: int) -> tuple[int, float]:
        """Largest difference in a tile that begins so far from the cut, and the share of those above a grey level."""
        own = slice(context // BAND_PX, (context + TILE_SIZE_PX) // BAND_PX)
        return int(self.most[own].max()), float(self.over[own].sum() / max(1, self.pixels[own].sum()))


def compare(runtime: OpenVinoRuntime, frames_HWC: npt.NDArray[np.uint8], bands: Bands, multiple: int) -> None:
    """One frame, cut off on each side in turn."""
    rng = np.random.default_rng(frames_HWC.shape[0])

    def restored(part_HWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        return runtime.run(part_HWC[np.newaxis])[0][0].astype(np.int64)

    whole = restored(frames_HWC)
    for axis in (0, 1):
        cells = frames_HWC.shape[axis] // multiple
        # The part is large, so that there is something to compare far from the cut.
        cut = multiple * int(rng.integers(1, max(2, cells // 4)))
        for is_before in (True, False):
            kept = slice(cut, None) if is_before else slice(None, multiple * cells - cut)
            part = (kept, slice(None)) if axis == 0 else (slice(None), kept)
            differences = np.abs(restored(np.ascontiguousarray(frames_HWC[part])) - whole[part]).max(axis=2)
            by_distance = differences if axis == 0 else differences.T
            bands.add(by_distance if is_before else by_distance[::-1])


def measure(given: argparse.Namespace, console: Console) -> tuple[int, dict[str, Bands], str]:
    loaded = load_generator(given.model)
    runtime = OpenVinoRuntime(loaded.lazy, precision=given.precision, threads=1, int8=loaded.int8)
    restorer = Restorer(loaded, "openvino", precision=given.precision, threads=1)
    multiple, bound = loaded.config.size_multiple, tile_margin(loaded.config)
    found = {}
    for name in (*PICTURES, *VIDEOS):
        found[name] = Bands((bound + TILE_SIZE_PX) // BAND_PX)
        folder = given.data / name
        frames = (
            video(folder, given.frames, restorer)
            if name in VIDEOS
            else pictures(folder, given.frames, loaded.config)
        )
        for frames_HWC in frames:
            compare(runtime, frames_HWC, found[name], multiple)
        console.print(name, [found[name].of_tile(c) for c in range(96, bound + 1, 32)], markup=False)
    step = max(multiple, BAND_PX)
    contexts = range(step, bound + step, step)
    context = next(
        (
            c
            for c in contexts
            if all(b.of_tile(x)[1] <= SHARE for b in found.values() for x in contexts if x >= c)
        ),
        bound,
    )
    return context, found, f"`{loaded.name}` under {runtime.describe()}, exact bound {bound} px"


def page(context: int, found: dict[str, Bands], what: str, command: str) -> str:
    """The table as Markdown."""
    shown = sorted({32, 64, 96, 128, 144, 160, 176, 192, context})
    lines = [
        "# How far the network looks so that it shows",
        "",
        "A tile at a cut with so much context on the cut's side, against the same tile of the whole frame: largest",
        "difference in grey levels, and of 100,000 pixels those that differ by more than one.",
        "",
        f"    {command}",
        "",
        f"{what}, on {device_name(torch.device('cpu'))}.",
        "",
        f"**Smallest context with at most {1e5 * SHARE:g} in every set: {context} px** (largest difference there:"
        f" {max(bands.of_tile(context)[0] for bands in found.values())}).",
        "",
        "| set | " + " | ".join(f"{c} px" for c in shown) + " |",
        "|---" * (1 + len(shown)) + "|",
    ]
    for name, bands in found.items():
        cells = [f"{most}, {1e5 * share:.0f}" for most, share in map(bands.of_tile, shown)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lite", help="name or .safetensors file")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation sets")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "int8"))
    parser.add_argument("--frames", type=int, default=6, help="of each set")
    parser.add_argument("--output", type=Path, help="NAME: writes NAME.json and NAME.md")
    given = parser.parse_args()
    console = Console()
    context, found, what = measure(given, console)
    text = page(context, found, what, "python " + " ".join(["benchmarks/context.py", *sys.argv[1:]]))
    console.print(text, markup=False)
    if given.output:
        given.output.with_suffix(".md").write_text(text)
        rows = {
            name: [
                {"distance_px": BAND_PX * k, "most": int(m), "over_share": float(o / max(1, n))}
                for k, (m, o, n) in enumerate(zip(bands.most, bands.over, bands.pixels, strict=True))
            ]
            for name, bands in found.items()
        }
        document = {"context_px": context, "what": what, "sets": rows}
        given.output.with_suffix(".json").write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
