# SPDX-License-Identifier: Apache-2.0
"""Is text easier or harder to read after restoration? Street signs and number plates, drawn, degraded, read by an OCR.

    pip install --no-deps rapidocr-onnxruntime pyclipper shapely six tqdm
    PYTHONPATH=. python benchmarks/reading.py --output docs/benchmarks/reading.md

(--no-deps: its metadata asks for an OpenCV of its own beside the one that is there.) Each scene is a wall with a
sign or a plate, seen at an angle, through a soft lens with noise. It is degraded as ``restoregan replay --degrade``
does it. A text counts as read if the OCR gives it whole, capitals and spaces aside.
"""

import argparse
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from restoregan_core import load_pipeline
from restoregan_core.data.known_degradation import KnownDegradation
from restoregan_core.demo.textures import tiled
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.bootstrap import bootstrap_interval

SCENES = 40
HEIGHT, WIDTH = 256, 448
SEVERITIES = (0.1, 0.4, 0.7, 1.0)
KINDS = ("blur", "rain", "blur_rain")
VIEWS = ("degraded", "network", "gated")
COMMAND = "PYTHONPATH=. python benchmarks/reading.py --output docs/benchmarks/reading.md"
STREETS = (
    "HARBOUR ROAD", "STATION STREET", "MILL LANE", "CHURCH HILL", "PARK AVENUE", "BRIDGE STREET", "QUEENSWAY",
    "NORTHGATE", "AIRPORT", "CITY CENTRE", "HOSPITAL", "MUSEUM", "OLD MARKET", "RIVERSIDE", "SCHOOL ZONE", "EXIT 14",
)  # fmt: skip
WALLS = ((150, 84, 66), (176, 158, 128), (122, 98, 88), (190, 182, 170), (108, 112, 120))

Read = Callable[[RgbImage], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lite")
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--images", type=Path, metavar="DIR", help="write the first scenes there, to look at")
    given = parser.parse_args()
    read = open_reader()
    pipeline = load_pipeline(given.model)

    def gated(rgb_HWC: RgbImage) -> RgbImage:
        pipeline.reset()
        return pipeline.process(rgb_HWC).image

    scenes = [draw_scene(seed) for seed in range(given.scenes)]
    conditions = [("clean", 0.0), *((kind, severity) for kind in KINDS for severity in SEVERITIES)]
    rows = []
    for kind, severity in conditions:
        found: dict[str, list[tuple[bool, float]]] = {view: [] for view in VIEWS}
        for number, (clean, text) in enumerate(scenes):
            degraded = (
                clean if kind == "clean" else KnownDegradation(kind=kind, severity=severity)(clean, number)
            )
            views = {"degraded": degraded, "network": pipeline.restorer(degraded), "gated": gated(degraded)}
            for view, image in views.items():
                found[view].append(score(read(image), text))
            if given.images and number < 3:
                given.images.mkdir(parents=True, exist_ok=True)
                strip = np.concatenate(list(views.values()), 1)[..., ::-1]
                cv2.imwrite(str(given.images / f"{kind}_{severity:g}_{number}.png"), strip)
        rows.append({"condition": kind if kind == "clean" else f"{kind} {severity:g}", **summary(found)})
        print(rows[-1], flush=True)
    text = page(pipeline.model, given.scenes, rows)
    print(text)
    if given.output:
        given.output.write_text(text)


def open_reader() -> Read:
    """What gives the texts that it finds in an RGB image."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(intra_op_num_threads=2, inter_op_num_threads=1)

    def read(rgb_HWC: RgbImage) -> list[str]:
        lines, _ = engine(np.ascontiguousarray(rgb_HWC[..., ::-1]), use_cls=False)
        return [text for _, text, _ in lines or []]

    return read


def score(found: list[str], text: str) -> tuple[bool, float]:
    """Whether the text was read whole, and how much of it, 0 to 1: the best of what was found, or all in a row."""
    wanted = plain(text)
    candidates = [plain(one) for one in [*found, "".join(found)]]
    alike = [difflib.SequenceMatcher(None, one, wanted, autojunk=False).ratio() for one in candidates]
    return wanted in candidates, max(alike)


def plain(text: str) -> str:
    return "".join(c for c in text.upper() if c.isalnum())


def draw_scene(seed: int) -> tuple[RgbImage, str]:
    """A wall with one sign or plate: uint8 RGB (HEIGHT, WIDTH, 3), and what stands on it."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        text = STREETS[seed // 2 % len(STREETS)]
        ground, ink = [((20, 70, 150), "white"), ((15, 95, 60), "white"), ((238, 238, 232), "black")][
            int(rng.integers(3))
        ]
    else:
        letters = "".join(rng.choice(list("ABCDEFGHJKLMNPRSTUVWXYZ"), 4))
        text = f"{letters[:2]} {int(rng.integers(1000, 9999))} {letters[2:]}"
        ground, ink = [((240, 240, 236), "black"), ((236, 196, 40), "black")][int(rng.integers(2))]
    sign = draw_sign(text, ground, ink)
    wall = tiled("brick.png", HEIGHT, WIDTH, WALLS[int(rng.integers(len(WALLS)))], side_px=160)
    seen = place(sign, wall, letter_px=rng.uniform(11, 24), rng=rng)
    seen = cv2.GaussianBlur(seen, (0, 0), 0.6) + rng.normal(0, 2, seen.shape)
    return seen.round().clip(0, 255).astype(np.uint8), text


def draw_sign(text: str, ground: tuple[int, int, int], ink: str) -> RgbImage:
    """Upright and large: letters 64 px high."""
    font = ImageFont.load_default(size=80)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("RGB", (int(right - left) + 80, int(bottom - top) + 64), ground)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((5, 5, image.width - 6, image.height - 6), 14, outline=ink, width=6)
    draw.text((40 - left, 32 - top), text, font=font, fill=ink, stroke_width=2, stroke_fill=ink)
    return np.asarray(image)


def place(sign: RgbImage, wall: RgbImage, letter_px: float, rng: np.random.Generator) -> Any:
    """The sign on the wall, turned a little; its letters ``letter_px`` high. float32 of the wall's shape."""
    scale = min(letter_px / 64, 0.9 * WIDTH / sign.shape[1])
    height, width = sign.shape[0] * scale, sign.shape[1] * scale
    left, top = rng.uniform(4, WIDTH - width - 4), rng.uniform(0.15, 0.85) * (HEIGHT - height)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) + np.array([left, top])
    corners += rng.uniform(-0.08, 0.08, (4, 2)) * height
    small = cv2.resize(sign, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    h, w = small.shape[:2]
    source = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
    view = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    pasted = cv2.warpPerspective(small, view, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    cover = cv2.warpPerspective(np.ones((h, w), np.float32), view, (WIDTH, HEIGHT))[..., None]
    return wall.astype(np.float32) * (1 - cover) + pasted * cover


def summary(found: dict[str, list[tuple[bool, float]]]) -> dict[str, Any]:
    """Shares read whole, likeness, and the difference to the degraded image with its interval over scenes."""
    result: dict[str, Any] = {}
    before = np.array([whole for whole, _ in found["degraded"]], float)
    for view, scores in found.items():
        whole = np.array([is_whole for is_whole, _ in scores], float)
        gain = whole - before
        interval = bootstrap_interval(len(gain), lambda chosen, gain=gain: float(gain[chosen].mean()))
        result[view] = {
            "whole": float(whole.mean()), "alike": float(np.mean([alike for _, alike in scores])),
            "low": interval.low, "high": interval.high,
        }  # fmt: skip
    return result


def page(model: str, scenes: int, rows: list[dict[str, Any]]) -> str:
    lines = [
        "# Reading signs and plates", "", "Made by", "", f"    {COMMAND}", "",
        f"Network: `{model}`. {scenes} scenes with a text each, letters of 11 to 24 px, read by RapidOCR (PP-OCR in",
        "ONNX Runtime). Share of texts read whole; in brackets their likeness to what was read; 95 % interval of",
        "the difference to the degraded image, scenes drawn with replacement.", "",
        "| degraded by | as it is | network | difference | gated (`balanced`) | difference |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        cells = [f"{row['degraded']['whole']:.2f} ({row['degraded']['alike']:.2f})"]
        for view in VIEWS[1:]:
            v = row[view]
            cells += [f"{v['whole']:.2f} ({v['alike']:.2f})", f"{v['low']:+.2f} to {v['high']:+.2f}"]
        lines.append(f"| {row['condition']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
