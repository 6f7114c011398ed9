# SPDX-License-Identifier: Apache-2.0
"""``restoregan synthesize``: clean images or a video in, pairs of degraded and clean images out."""

import argparse
import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from restoregan_core.commands.common import input_path, make_parser
from restoregan_core.documents import parse_json
from restoregan_core.files import atomic_write, refuse_links, write_text

KINDS = ("blur", "rain", "drops")
RECORD, OPTIONS = "params.jsonl", "synthesize.json"


@dataclass(frozen=True)
class Made:
    """One pair to be written; ``degrade`` makes the images, uint8 (H, W, 3) RGB, and what was drawn."""

    name: str
    degraded_HWC: np.ndarray  # noqa: N815
    clean_HWC: np.ndarray  # noqa: N815
    params: dict[str, Any]


def main(argv: list[str]) -> int:
    arguments = _parse(argv)
    done = _prepare(arguments.output, _options(arguments))
    pairs = _sequence(arguments, done) if arguments.sequence else _images(arguments, done)
    total = None if arguments.sequence else len(_names(arguments)) * arguments.count
    written = 0
    with (arguments.output / RECORD).open("a", encoding="utf-8") as record:
        progress = track(
            pairs, f"{arguments.kind}", total=total and total - len(done), console=Console(stderr=True)
        )
        for made in progress:
            for side, image_HWC in (("input", made.degraded_HWC), ("target", made.clean_HWC)):
                _write(arguments.output / side / made.name, arguments.output, image_HWC)
            record.write(json.dumps({"name": made.name, **made.params}) + "\n")
            record.flush()
            written += 1
    if not written and not done:
        raise ValueError(f"{arguments.input} gave no pair: too few frames for --window {arguments.window}")
    print(f"{written} pairs written to {arguments.output}, {len(done)} were there already", file=sys.stderr)
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = make_parser(
        "synthesize",
        "Degrade clean images with motion blur, rain or drops on the lens. OUTPUT gets input/ (degraded),\n"
        "target/ (clean) and params.jsonl with all that was drawn. The same command goes on where it was\n"
        "interrupted; files of another origin are never overwritten.",
        "restoregan synthesize rain photos/ rainy/ --seed 7 --count 2",
    )
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument(
        "input", type=input_path, metavar="INPUT", help="an image, a folder of images, or a video"
    )
    parser.add_argument("output", type=Path, metavar="OUTPUT", help="a folder, new or begun by this command")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another draw (default: 0)")
    parser.add_argument(
        "--severity", type=float, help="0 (weakest) to 1 (strongest); without it, drawn for each image"
    )
    parser.add_argument("--count", type=int, default=1, help="pairs made of each image (default: 1)")
    parser.add_argument(
        "--sequence",
        action="store_true",
        help="a folder holds the frames of one video: rain falls on from frame to frame, drops stay where "
        "they are, and blur is the average of --window frames (always so for a video file)",
    )
    parser.add_argument("--window", type=int, default=5, help="frames that one exposure lasts (default: 5)")
    arguments = parser.parse_args(argv)
    if arguments.severity is not None and not 0 <= arguments.severity <= 1:
        raise ValueError(f"--severity {arguments.severity} must lie between 0 and 1")
    if arguments.count < 1:
        raise ValueError(f"--count {arguments.count} must be at least 1")
    if arguments.seed < 0:
        raise ValueError(f"--seed {arguments.seed} must not be negative")
    if arguments.window < 3 or arguments.window % 2 == 0:
        raise ValueError(
            f"--window {arguments.window} must be odd and at least 3: the clean frame is its middle"
        )
    if not arguments.input.exists():
        raise ValueError(f"{arguments.input} does not exist")
    arguments.sequence = arguments.sequence or _is_video(arguments.input)
    if arguments.sequence and arguments.count != 1:
        raise ValueError("--count is for single images; a sequence is degraded once for each --seed")
    return arguments


def _is_video(path: Path) -> bool:
    from restoregan_core.images.video_files import is_video

    return path.is_file() and is_video(path)


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    values = {
        name: getattr(arguments, name) for name in ("kind", "seed", "severity", "count", "sequence", "window")
    }
    return {"input": str(arguments.input.resolve()), **values}


def _prepare(output: Path, options: dict[str, Any]) -> set[str]:
    """Make the output folder, or continue in it; returns the names of the pairs that are whole.

    Raises:
        FileExistsError: the folder holds something that this very command did not write.
        ValueError: there is a link in it that would be followed, or what says how far it got is damaged.
    """
    begun = output / OPTIONS
    if begun.is_file():
        before = _object(begun.read_bytes(), f"{begun}")
        if before != options:
            changed = [name for name in options if before.get(name) != options[name]]
            raise FileExistsError(f"{output} was made with another {', '.join(changed)}: give another OUTPUT")
    elif output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise FileExistsError(f"{output} holds files that synthesize did not write: give another OUTPUT")
    record = output / RECORD
    refuse_links(record, below=output)
    for side in ("input", "target"):
        refuse_links(output / side, below=output)
        (output / side).mkdir(parents=True, exist_ok=True)
    write_text(begun, json.dumps(options, indent=1) + "\n")
    lines = record.read_bytes().splitlines(keepends=True) if record.is_file() else []
    whole = [line for line in lines if line.endswith(b"\n")]
    entries = [_object(line, f"{record}, line {number}") for number, line in enumerate(whole, 1)]
    if whole != lines:  # interrupted while writing a line
        write_text(record, b"".join(whole).decode())
    return {str(entry.get("name")) for entry in entries}


def _object(text: bytes, what: str) -> dict[str, Any]:
    content = parse_json(text, what)
    if not isinstance(content, dict):
        raise ValueError(f"{what} was not written by synthesize: give another OUTPUT")
    return content


def _names(arguments: argparse.Namespace) -> list[tuple[Path, Path]]:
    """Images, and their paths below OUTPUT without a suffix."""
    from restoregan_core.images.folders import find_images

    if arguments.input.is_file():
        return [(arguments.input, Path(arguments.input.stem))]
    found = [
        (path, path.relative_to(arguments.input).with_suffix("")) for path in find_images(arguments.input)
    ]
    for (path, name), (other, next_name) in pairwise(found):
        if name == next_name:
            raise ValueError(f"{path} and {other} would give pairs of one name: rename one")
    return found


def _images(arguments: argparse.Namespace, done: set[str]) -> Iterator[Made]:
    """Each image on its own: draws depend on its name alone, not on the others or their order."""
    from restoregan_core.data.blur import BlurConfig
    from restoregan_core.data.camera_motion import whole_frame
    from restoregan_core.data.degrade import DegradeConfig, draw_degradation
    from restoregan_core.images.folders import cut, read_rgb

    # A whole image shows gaps between sub-frames sooner than a crop that a network trains on.
    config = DegradeConfig(blur=BlurConfig(object_share=0.0, max_frames=96))
    for path, stem in _names(arguments):
        for number in range(arguments.count):
            name = f"{stem.as_posix()}_{number}.png" if arguments.count > 1 else f"{stem.as_posix()}.png"
            if name in done:
                continue
            clean_HWC = read_rgb(path)
            height, width = clean_HWC.shape[:2]
            rng = np.random.default_rng([arguments.seed, zlib.crc32(stem.as_posix().encode()), number])
            drawn = draw_degradation(
                arguments.kind, config, rng, whole_frame(height, width), arguments.severity
            )
            edge = drawn.margin
            padded_HWC = cut(clean_HWC, -edge, -edge, height + 2 * edge, width + 2 * edge)
            degraded, _ = drawn.apply(_to_tensor(padded_HWC))
            yield Made(name, _to_image(degraded), clean_HWC, {"source": str(path), **drawn.to_dict()})


def _sequence(arguments: argparse.Namespace, done: set[str]) -> Iterator[Made]:
    """One draw for a whole video."""
    from restoregan_core.data.drops import DropsConfig, apply_drops, draw_drops
    from restoregan_core.data.rain import RainConfig, apply_rain, draw_rain
    from restoregan_core.data.video import average_frames, read_frames, windows

    rng = np.random.default_rng([arguments.seed, zlib.crc32(arguments.input.name.encode())])
    frames = read_frames(arguments.input)
    if arguments.kind == "blur":
        for index, window in enumerate(windows(frames, arguments.window)):
            name = f"{index:06d}.png"
            if name not in done:
                middle = len(window) // 2
                params = {
                    "kind": "blur",
                    "frame": index * arguments.window + middle,
                    "window": arguments.window,
                }
                yield Made(name, average_frames(window), window[middle], params)
        return
    drawn: Any = None
    for index, clean_HWC in enumerate(frames):
        name = f"{index:06d}.png"
        if drawn is None and arguments.kind == "rain":
            drawn = draw_rain(RainConfig(), rng, arguments.severity)
        elif drawn is None:
            drawn = draw_drops(DropsConfig(), rng, clean_HWC.shape[0], clean_HWC.shape[1], arguments.severity)
        if name in done:
            continue
        clean = _to_tensor(clean_HWC)
        degraded = apply_rain(clean, drawn, index) if arguments.kind == "rain" else apply_drops(clean, drawn)
        yield Made(
            name, _to_image(degraded), clean_HWC, {"kind": arguments.kind, "frame": index, **drawn.to_dict()}
        )


def _to_tensor(rgb_HWC: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(rgb_HWC.transpose(2, 0, 1))).float() / 255


def _to_image(image_CHW: Any) -> np.ndarray:
    return (image_CHW * 255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()


def _write(path: Path, output: Path, rgb_HWC: np.ndarray) -> None:
    """A PNG that appears when it is whole."""
    refuse_links(path.parent, below=output)
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(".png", cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2BGR))
    assert done, "OpenCV encodes any 8-bit image as PNG"
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(data.tobytes())
