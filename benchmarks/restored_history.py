# SPDX-License-Identifier: Apache-2.0
"""What would a network gain that saw its own last answer in place of the older of the two frames before?

    python benchmarks/restored_history.py --config config/train/lite_video.yaml --minutes 21 \\
        --data ../shared/data/eval --weights runs/restored_history.safetensors \\
        --output docs/benchmarks/restored_history.md

As released, a network sees the two frames before as the camera sent them. Here it goes on from the released weights on
clips of five frames: each is restored with the frame before as the camera sent it and as the network itself restored
it, and each answer is judged. No gradient runs from one frame to the next. Where the file of weights
is there, training goes on from it; ``--minutes 0`` only measures it. The recipe says what clips are made of, and its
folders must be there.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from restoregan_core.commands.train import parse
from restoregan_core.data.augment import draw_flips, flip
from restoregan_core.data.clips import ClipConfig
from restoregan_core.data.config import DataConfig, PairFolder
from restoregan_core.data.ranges import draw
from restoregan_core.data.samples import SampleMaker
from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.demo.clip import street_clip
from restoregan_core.images.alignment import filled_up, find_flow, flows_back, half_image, warp
from restoregan_core.images.blur_path import path_image
from restoregan_core.images.failed_alignment import shown_where_it_holds, where_alignment_holds
from restoregan_core.images.folders import cut, find_frames, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.video_files import VideoReader
from restoregan_core.metrics.psnr_ssim import psnr_rgb
from restoregan_core.models.generator import Generator
from restoregan_core.training.ema import make_ema, set_steps
from restoregan_core.training.losses import pixel
from restoregan_core.zoo import LoadedGenerator, load_generator, save_generator

FRAMES, SIDE, BATCH = 5, 176, 3
EDGE_PX = 8
"""At the border of a patch, where the frame before shows nothing: not judged."""
POOL, PAIR_SHARE, SPARED_SHARE = 160, 0.45, 0.1
LEARNING_RATE = 2e-4
KINDS = {"blur": 0.38, "rain": 0.30, "blur_rain": 0.20, "clean": 0.12}


@dataclass(frozen=True)
class Clip:
    """Consecutive frames, the oldest first, each with the flow to the one before it and its ``path_image``."""

    seen: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.uint8]
    steps: npt.NDArray[np.float32]
    paths: npt.NDArray[np.uint8]


class Clips(IterableDataset[Clip]):
    """Clips without end: real pairs, and what the recipe's clips are made of."""

    def __init__(self, config: DataConfig) -> None:
        self.config = config

    def __iter__(self) -> Iterator[Clip]:
        cv2.setNumThreads(1)
        maker = SampleMaker(self.config)
        real = [
            (folder, pairs)
            for folder, pairs in zip(self.config.pairs, maker.pairs, strict=True)
            if folder.consecutive
        ]
        weights = np.array([folder.weight for folder, _ in real])
        clips = replace(
            self.config.clips or ClipConfig(),
            history=FRAMES - 1,
            single_share=0,
            missing_share=0,
            failed_share=0,
            dropped_share=0.1,
        )
        rng = np.random.default_rng()
        while True:
            if rng.random() < PAIR_SHARE:
                found = _real(*real[rng.choice(len(real), p=weights / weights.sum())], rng)
                if found is None:
                    continue
            else:
                kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
                made = maker.clip(0, kind, rng, SIDE, clips, sharp=FRAMES)
                found = made.degraded(), made.ground_truth()
            seen, truth = (list(reversed(images)) for images in found)
            halves = [half_image(image) for image in seen]
            steps = [find_flow(newer, older) for newer, older in zip(halves[1:], halves, strict=False)]
            paths = [path_image(image, step) for image, step in zip(seen, [None, *steps], strict=True)]
            steps.insert(0, np.zeros_like(steps[0]))
            yield Clip(np.stack(seen), np.stack(truth), np.stack(steps), np.stack(paths))


_read = lru_cache(maxsize=400)(read_rgb)


def _real(
    folder: PairFolder, pairs: Sequence[Pair], rng: np.random.Generator
) -> tuple[list[RgbImage], list[RgbImage]] | None:
    """A window of consecutive real pairs, the newest first; None where there are not enough before the chosen one."""
    chosen = pairs[: int(rng.integers(len(pairs))) + 1][: -FRAMES - 1 : -1]
    clips = {(pair.input_path.parent, pair.input_path.stem.rpartition("_")[0]) for pair in chosen}
    if len(chosen) < FRAMES or len(clips) > 1:
        return None
    side = round(SIDE / draw(rng, folder.enlarge))
    height, width = _read(chosen[0].input_path).shape[:2]
    top, left = (int(rng.integers(max(length - side, 0) + 1)) for length in (height, width))
    flips = draw_flips(rng)

    def window(path: Path) -> RgbImage:
        box = cv2.resize(cut(_read(path), top, left, side, side), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        return np.ascontiguousarray(flip(box, flips))

    return [window(pair.input_path) for pair in chosen], [window(pair.target_path) for pair in chosen]


def train(loaded: LoadedGenerator, data: DataConfig, minutes: float) -> Generator:
    """The mean of the last weights of a network that went on from these."""
    network = loaded.generator.train()
    ema = make_ema(network, 0.998)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-4
    )
    source = iter(DataLoader(Clips(data), batch_size=None, num_workers=1, prefetch_factor=12))
    rng, pool, step = np.random.default_rng(0), list[Clip](), 0
    started = time.monotonic()
    while (done := (time.monotonic() - started) / 60 / minutes) < 1:
        # Each clip is used a few times: they are drawn more slowly than the network learns.
        if len(pool) < 16 or step % 2 == 0:
            pool = [*pool, next(source)][-POOL:]
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / 60) * (0.5 + 0.5 * np.cos(np.pi * done))
        optimiser.zero_grad()
        loss = _unrolled(network, [pool[int(rng.integers(len(pool)))] for _ in range(BATCH)], rng)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.2)
        optimiser.step()
        step += 1
        ema.update_parameters(network)
        set_steps(ema, step)
        if step % 50 == 0:
            print(f"step {step}, {100 * done:.0f} %: {loss:.4f}", flush=True)
    return cast(Generator, ema.module.eval())


def _unrolled(network: Generator, clips: Sequence[Clip], rng: np.random.Generator) -> float:
    """The loss of all frames of these clips; their gradients are added up."""
    total, last_answer = 0.0, torch.empty(0)
    spared = int(rng.integers(1, FRAMES)) if rng.random() < SPARED_SHARE else 0
    for number in range(FRAMES):
        seen, truth, path = (
            _to_tensor(np.stack([getattr(clip, name)[number] for clip in clips]))
            for name in ("seen", "truth", "paths")
        )
        before = last = seen
        if number:
            way = _places(np.stack([clip.steps[number] for clip in clips]))
            before = _looked_up(_to_tensor(np.stack([clip.seen[number - 1] for clip in clips])), way)
            # The network never sees a frame that the gate lets pass: that frame stands for its answer.
            last = before if number == spared else _looked_up(last_answer, way)
        images = torch.cat([seen, before, last, path], 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            answer = network(images)
        last_answer = _as_bytes(answer.detach().float())
        judged, wanted, given = (
            image[..., EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX] for image in (answer.float(), truth, seen)
        )
        loss = pixel.pixel_loss("l1", judged, wanted) + 2 * pixel.degraded_loss(judged, wanted, given)
        loss = (loss + 0.5 * pixel.fft_loss(judged, wanted)) * (1 if number else 0.4) / FRAMES
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    return total


def _to_tensor(images_BHWC: npt.NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images_BHWC).permute(0, 3, 1, 2).float() / 127.5 - 1


def _as_bytes(images_BCHW: Tensor) -> Tensor:
    """Rounded as a published image is."""
    return ((images_BCHW.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


def _places(steps_BHW2: npt.NDArray[np.float32]) -> Tensor:
    flow = torch.from_numpy(steps_BHW2).permute(0, 3, 1, 2)
    flow = 2 * F.interpolate(flow, size=(SIDE, SIDE), mode="bilinear").permute(0, 2, 3, 1)
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    return (torch.stack([x, y], -1) + flow) / (SIDE - 1) * 2 - 1


def _looked_up(images_BCHW: Tensor, places_BHW2: Tensor) -> Tensor:
    return F.grid_sample(images_BCHW, places_BHW2, padding_mode="border", align_corners=True)


def restored(network: Generator, frames: Sequence[RgbImage], sees_itself: bool) -> list[RgbImage]:
    """All frames of a clip, each with those before it."""
    answers: list[RgbImage] = []
    halves = [half_image(frame) for frame in frames]
    for number, frame in enumerate(frames):
        numbers = [number, *range(number - 1, max(number - 3, -1), -1)]
        ways = flows_back([halves[n] for n in numbers])
        older = [warp(frames[n], way) for n, way in zip(numbers[1:], ways, strict=True)]
        if sees_itself and ways:
            older = [older[0], warp(answers[-1], ways[0])]
        # Told by the camera's frames, whatever is shown.
        seen = [np.asarray(warp(halves[n], way), np.uint8) for n, way in zip(numbers[1:], ways, strict=True)]
        holds = where_alignment_holds(halves[number], seen)
        images = filled_up([frame, *shown_where_it_holds(frame, older, holds)], 3)
        images.append(path_image(frame, ways[0] if ways else None))
        answers.append(_run(network, np.concatenate(images, 2)))
    return answers


@torch.inference_mode()
def _run(network: Generator, images_HWC: npt.NDArray[np.uint8]) -> RgbImage:
    height, width = images_HWC.shape[:2]
    multiple = network.config.size_multiple
    padded = np.pad(images_HWC, ((0, -height % multiple), (0, -width % multiple), (0, 0)), "symmetric")
    with torch.autocast("cpu", torch.bfloat16):
        answer = network(_to_tensor(padded[np.newaxis]).contiguous(memory_format=torch.channels_last))
    levels = ((answer.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)[0]
    return np.ascontiguousarray(levels.permute(1, 2, 0).numpy()[:height, :width])


def sets(data: Path) -> Iterator[tuple[str, list[RgbImage], list[RgbImage]]]:
    """Name, what the camera sent, ground truth."""
    for name in ("gopro_video", "reds_x4", "nturain_a1"):
        seen, truth = (
            [read_rgb(path) for path in find_frames(data / name / side)] for side in ("input", "target")
        )
        yield name, seen, truth
    frames = list(street_clip().frames)
    for condition in ("rain", "blur and rain", "blur"):
        ours = [frame for frame in frames if frame.condition == condition and frame.truth is not None][:30]
        yield f"demo, {condition}", [f.image for f in ours], [f.truth for f in ours if f.truth is not None]
    clean = [read_rgb(path) for path in find_frames(data / "nturain_a1" / "target")]
    yield "nturain_a1, clean", clean, clean
    for path in sorted((data / "driving_video").iterdir()):
        with VideoReader(path) as video:
            clean = [frame.rgb_HWC for frame, _ in zip(video, range(30), strict=False)]
        yield f"{path.stem}, clean", clean, clean


def row(name: str, networks: dict[str, Generator], seen: list[RgbImage], truth: list[RgbImage]) -> str:
    cells = [name, str(len(seen))]
    for label, network in networks.items():
        answers = restored(network, seen, label == "itself")
        figures = np.array([psnr_rgb(answer, wanted) for answer, wanted in zip(answers, truth, strict=True)])
        if seen is not truth:
            figures -= [psnr_rgb(image, wanted) for image, wanted in zip(seen, truth, strict=True)]
        cells += [f"{figures.mean():.2f}", f"{figures.min():.2f}", f"{figures[-5:].mean():.2f}"]
    print(cells, flush=True)
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", required=True, help="a recipe of clips")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=21)
    parser.add_argument(
        "--weights",
        type=Path,
        required=True,
        help="written after training; it goes on from them if they are there",
    )
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    released = load_generator("lite")
    if given.minutes:
        recipe = parse(["--config", given.config, "--transfer.start_from", "", "--transfer.keep", ""])
        start = load_generator(given.weights if given.weights.is_file() else "lite")
        network = train(start, cast(DataConfig, recipe.data), given.minutes)
        given.weights.parent.mkdir(parents=True, exist_ok=True)
        save_generator(network, given.weights, {"name": "restored_history"})
    trained = load_generator(given.weights)
    networks = {"camera": released.generator.eval(), "itself": trained.generator.eval()}
    head = [
        "| clip | frames | two frames of the camera: mean | lowest | last five "
        "| one and its answer: mean | lowest | last five |",
        "|---|---|---|---|---|---|---|---|",
    ]
    table = "\n".join([*head, *(row(name, networks, seen, truth) for name, seen, truth in sets(given.data))])
    if given.output:
        page = given.output.read_text()
        before, _, after = page.partition("<!-- table -->\n")
        given.output.write_text(
            f"{before}<!-- table -->\n{table}\n<!-- end -->{after.partition('<!-- end -->')[2]}"
        )


if __name__ == "__main__":
    main()
