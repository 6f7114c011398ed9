# SPDX-License-Identifier: Apache-2.0
"""What INT8 would save on a CPU, and what it would cost: post-training quantisation, measured.

    pip install nncf
    python benchmarks/int8.py --model lite --train ../shared/data/train --data ../shared/data/eval
    ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI python benchmarks/int8.py ... --only time   # a CPU without AMX

Activations are calibrated on real blurred video with its history, on pictures, and on pictures with the recipe's rain.
``ends`` keeps first and last layer in the higher precision, ``all`` quantises them too. Times are of one thread, of the
graph alone and in turn; PSNR (RGB) is of the open sets, pictures without history and videos with it, and of clean
pictures against themselves.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

from restoregan_core.data.clips import ClipConfig, draw_clip, with_history
from restoregan_core.data.degrade import DegradeConfig
from restoregan_core.images.folders import cut, find_frames, find_images, read_rgb
from restoregan_core.images.planes import from_planes, to_planes
from restoregan_core.restoration.history import FrameHistory
from restoregan_core.runtimes.openvino_graph import core
from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime
from restoregan_core.zoo import load_generator

SIDE = 256
PICTURES = "rain100h", "rain100l", "gopro_crops256", "reds_x4", "gopro"
VIDEOS = "nturain_a1", "gopro_video"


Frames = npt.NDArray[np.uint8]


def calibration(train: Path, history: int, count: int) -> Iterator[Frames]:
    """Squares of ``SIDE`` px with their history: (height, width, 3 * (1 + history))."""
    rng = np.random.default_rng(0)

    def square(image_HWC: Frames) -> Frames:
        top, left = (int(rng.integers(0, side - SIDE + 1)) for side in image_HWC.shape[:2])
        return cut(image_HWC, top, left, SIDE, SIDE)

    for clip in sorted((train / "gopro_video").iterdir()):
        remembered = FrameHistory(history)
        for number, file in enumerate(islice(find_frames(clip / "input"), count)):
            remembered.take("camera", read_rgb(file))
            if number % 3 == 2:
                yield square(np.concatenate([read_rgb(file), *remembered.aligned("camera")], 2))
    files = find_images(train / "camvid")
    for number, file in enumerate(files[:: max(1, len(files) // count)][:count]):
        filmed = square(read_rgb(file)).astype(np.float32) / 255
        kind = ("clean", "rain", "blur_rain")[number % 3]
        drawn = draw_clip(kind, ClipConfig(history=history), DegradeConfig(), rng, SIDE)
        yield with_history(drawn.degrade([filmed] * (1 + history)), drawn.accidents)


def quantised(model: Any, samples: list[Frames], block: int, ends: bool) -> Any:
    """The graph with INT8 convolutions; without the first and the last one if ``ends`` keep their precision."""
    import nncf

    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    kept = [convolutions[k].get_friendly_name() for k in (0, -1)] if ends else []
    return nncf.quantize(
        model,
        nncf.Dataset([to_planes(sample[np.newaxis], block) for sample in samples]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(samples),
        ignored_scope=nncf.IgnoredScope(names=kept) if kept else None,
    )


class Candidate:
    """A graph in one precision, on one thread, for frames of any size."""

    def __init__(self, model: Any, precision: str, block: int, multiple: int) -> None:
        self._model, self._precision, self._block, self._multiple = model, precision, block, multiple
        self._requests: dict[tuple[int, ...], Any] = {}

    def request(self, shape: tuple[int, ...]) -> Any:
        if shape not in self._requests:
            self._model.reshape(list(shape))
            settings = {"INFERENCE_PRECISION_HINT": self._precision, "INFERENCE_NUM_THREADS": 1}
            self._requests[shape] = core().compile_model(self._model, "CPU", settings).create_infer_request()
        return self._requests[shape]

    def __call__(self, frames_HWC: Frames) -> Frames:
        height, width = frames_HWC.shape[:2]
        edge = (0, -height % self._multiple), (0, -width % self._multiple), (0, 0)
        planes = to_planes(np.pad(frames_HWC, edge, mode="edge")[np.newaxis], self._block)
        restored = next(iter(self.request(planes.shape).infer(planes).values()))
        return from_planes(restored, self._block)[0, :height, :width]


def pairs(data: Path, history: int, count: int) -> Iterator[tuple[str, Frames, Frames]]:
    """Set, what the network takes, ground truth; of some sets the ground truth itself as input, too."""
    for name in (*PICTURES, *VIDEOS):
        sides = [find_frames(data / name / side) for side in ("input", "target")]
        for is_clean in (False, True) if name in ("rain100l", *VIDEOS) else (False,):
            remembered = FrameHistory(history)
            step = 1 if name in VIDEOS else max(1, len(sides[0]) // count)
            for k, files in enumerate(islice(zip(*sides, strict=True), 0, None, step)):
                shown, target = read_rgb(files[1 if is_clean else 0]), read_rgb(files[1])
                before = [shown] * history
                if name in VIDEOS:
                    remembered.take("camera", shown)
                    before = remembered.aligned("camera") if k >= history else []
                    if not before or k % max(1, len(sides[0]) // count):
                        continue
                yield f"{'clean ' if is_clean else ''}{name}", np.concatenate([shown, *before], 2), target


def psnr(one: Frames, other: Frames) -> float:
    """In dB; of equal images 100."""
    error = float(np.mean((one.astype(np.float32) - other) ** 2))
    return 10 * float(np.log10(255**2 / error)) if error else 100.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lite", help="name or .safetensors file")
    parser.add_argument("--train", type=Path, required=True, help="folder of the training sets")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation sets")
    parser.add_argument("--samples", type=int, default=30, help="for calibration, of each kind")
    parser.add_argument("--frames", type=int, default=6, help="of each evaluation set")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", choices=("time", "psnr"))
    given = parser.parse_args()
    loaded = load_generator(given.model)
    config, block = loaded.config, loaded.config.pixel_unshuffle
    samples = list(calibration(given.train, config.history, given.samples))

    def graph() -> Any:
        model = OpenVinoRuntime(loaded.lazy)._graph._model
        model.reshape([-1, config.input_channels * block**2, -1, -1])
        return model

    models = {"": graph(), " ends": quantised(graph(), samples, block, True)}
    models[" all"] = quantised(graph(), samples, block, False)
    candidates = {
        f"{'int8 beside ' if name else ''}{precision}{name}": Candidate(
            model.clone(), hint, block, config.size_multiple
        )
        for name, model in models.items()
        for precision, hint in (("fp32", "f32"), ("bf16", "bf16"))
    }
    console = Console(width=160)
    if given.only != "psnr":
        shape = 1, config.input_channels * block**2, 368 // block, 640 // block
        planes = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        times: dict[str, list[float]] = {name: [] for name in candidates}
        for _ in range(given.rounds + 1):
            for name, candidate in candidates.items():
                request, started = candidate.request(shape), time.process_time()
                request.infer(planes)
                times[name].append(time.process_time() - started)
        for name, seconds in times.items():
            console.print(f"{name:24} {1e3 * np.median(seconds[1:]):8.1f} ms of CPU at 640x360")
    if given.only != "time":
        scores: dict[str, dict[str, list[float]]] = {}
        for name, frames_HWC, target in pairs(given.data, config.history, given.frames):
            for label in ("bf16", "int8 beside bf16 ends", "int8 beside bf16 all"):
                row = scores.setdefault(name, {}).setdefault(label, [])
                row.append(psnr(candidates[label](frames_HWC), target))
        for name, row in scores.items():
            found = {label: round(float(np.mean(values)), 2) for label, values in row.items()}
            console.print(f"{name:22} {found}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
