# SPDX-License-Identifier: Apache-2.0
"""Fit the constants of ClassicalAssessor on degraded and clean images, and check them on other ones.

    PYTHONPATH=. python tools/fit_classical_assessor.py --data ../shared/data --write   # fit, then check
    PYTHONPATH=. python tools/fit_classical_assessor.py --data ../shared/data           # check only

Fitted on DATA/train (urban100, camvid, bsds500_test: blurred and streaked here; reds_x4: its own blur);
checked on DATA/eval, which is never fitted on. ``--write`` rewrites restoregan_core/assessment/classical_constants.py.
Everything is seeded: the same data give the same constants.
"""

import argparse
import itertools
import json
import pprint
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.classical import ClassicalAssessor, EvidenceModel
from restoregan_core.assessment.classical_measures import measure_blur, measure_rain, texture_weights
from restoregan_core.images.tile_grid import TILE_SIZE_PX
from restoregan_core.images.video_files import VideoReader
from restoregan_core.restoration.gate import PRESETS, Gate

CONSTANTS = Path(__file__).parent.parent / "restoregan_core/assessment/classical_constants.py"
SHARP_SETS = ("urban100", "camvid", "bsds500_test")
IMAGES_PER_SET = 200
PAIRED_SETS = ("gopro", "gopro_crops256", "reds_x4", "rain100h", "rain100l", "nturain_a1")
GAMMA = 2.2

Array = npt.NDArray[Any]


@dataclass
class Frame:
    """One image's measures with the truth about it."""

    measures: Array  # (rows, columns, K)
    weights: Array  # (rows, columns)
    tile_truth: Array  # (rows, columns), 1 degraded, 0 not, NaN: leave out
    frame_truth: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json", type=Path, help="write the check's figures there too")
    arguments = parser.parse_args()
    cv2.setNumThreads(2)
    if arguments.write:
        images = list(sharp_images(arguments.data / "train"))
        rng = np.random.default_rng(1)
        blur = fit([*blur_frames(images, rng), *real_blur_frames(arguments.data / "train" / "reds_x4")])
        rain = fit(rain_frames(images, rng))
        write_constants(blur, rain)
        models = blur, rain
    else:
        from restoregan_core.assessment import classical_constants

        models = EvidenceModel(**classical_constants.BLUR), EvidenceModel(**classical_constants.RAIN)
    figures = check(arguments.data / "eval", *models)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))


# --- images to fit on ---


def sharp_images(train: Path) -> Iterator[Array]:
    """The sharp images as BGR, in an order that depends on their names only."""
    for name in SHARP_SETS:
        paths = sorted((train / name).rglob("*.jpg"))
        for path in paths[:: max(1, len(paths) // IMAGES_PER_SET)]:
            yield read(path)


def blur_frames(images: list[Array], rng: np.random.Generator) -> Iterator[Frame]:
    """Each image sharp and blurred, both through a soft, noisy camera; some blurred in part."""
    for sharp in images:
        for is_blurred in (False, True):
            image = crop(rescale(sharp, rng), rng)
            truth = np.zeros(image.shape[:2], np.float32)
            if is_blurred:
                length_px = float(np.exp(rng.uniform(np.log(3), np.log(24))))
                kernel = trajectory_kernel(length_px, rng.choice([0.0, 3.0, 6.0]), rng)
                linear = (image / 255.0) ** GAMMA
                smeared = (
                    cv2.filter2D(linear, -1, kernel, borderType=cv2.BORDER_REFLECT).clip(0) ** (1 / GAMMA)
                    * 255
                )
                if rng.random() < 0.5:  # something moves before a camera that stands still
                    (y0, y1), (x0, x1) = (np.sort(rng.integers(0, side, 2)) for side in image.shape[:2])
                    truth[y0:y1, x0:x1] = 1
                else:
                    truth[:] = 1
                image = np.where(truth[..., None] > 0, smeared, image)
            yield blur_frame(through_camera(image, (0, 0, 0.4, 0.6, 0.8, 1.0, 1.2), rng), truth)


def real_blur_frames(reds: Path) -> Iterator[Frame]:
    """REDS: averaged real video; the difference says where something moved."""
    for path in sorted((reds / "input").iterdir()):
        image, sharp = read(path), read(reds / "target" / path.name)
        truth = np.ones(image.shape[:2], np.float32)
        yield blur_frame(image, truth)
        yield blur_frame(sharp, truth * 0)


def blur_frame(image: Array, truth: Array) -> Frame:
    measures = measure_blur(grey(image))
    share = tile_means(truth)
    tile_truth = np.where(share > 0.7, 1.0, np.where(share < 0.1, 0.0, np.nan))
    frame_truth = 1.0 if truth.mean() > 0.5 else 0.0 if truth.mean() == 0 else np.nan
    return Frame(measures, texture_weights(measures), tile_truth, frame_truth)


def rain_frames(images: list[Array], rng: np.random.Generator) -> Iterator[Frame]:
    """Each image dry and streaked, through the same kind of camera, a third of them with motion blur."""
    for sharp in images:
        for is_rainy in (False, True):
            image = crop(rescale(sharp, rng), rng).astype(np.float32)
            if rng.random() < 0.3:
                image = cv2.filter2D(
                    image, -1, trajectory_kernel(rng.uniform(2, 20), rng.choice([0.0, 3.0]), rng)
                )
            if rng.random() < 0.5:  # overcast: less contrast, another brightness
                image = (image - 128) * rng.uniform(0.5, 1) + rng.uniform(70, 140)
            layer = streaks(image.shape[:2], rng) if is_rainy else np.zeros(image.shape[:2], np.float32)
            if rng.random() < 0.6:
                image = image + layer[..., None]
            else:  # a streak shows the sky behind the camera: it brightens dark things most
                image = image + layer[..., None] / 255 * (rng.uniform(180, 255) - image).clip(0)
            measures = measure_rain(grey(through_camera(image, (0, 0, 0.4, 0.6, 0.8), rng)))
            share = tile_means((layer > 12).astype(np.float32))
            tile_truth = np.where(share > 0.02, 1.0, np.where(share == 0, 0.0, np.nan))
            weights = np.ones(measures.shape[:2], np.float32)
            is_noticed = (layer > 12).mean() > 0.005
            yield Frame(measures, weights, tile_truth, (1.0 if is_noticed else np.nan) if is_rainy else 0.0)


def rescale(image: Array, rng: np.random.Generator) -> Array:
    """Another sharpness: shrunk images are crisp to the pixel, enlarged ones soft."""
    factor = rng.choice([0.5, 0.75, 1.0, 1.0, 1.25, 1.5, 1.8])
    if factor == 1.0:
        return image
    interpolation = cv2.INTER_AREA if factor < 1 else rng.choice([cv2.INTER_CUBIC, cv2.INTER_LINEAR])
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=int(interpolation))


def crop(image: Array, rng: np.random.Generator, height: int = 320, width: int = 384) -> Array:
    y, x = (
        rng.integers(0, max(1, side - want + 1))
        for side, want in zip(image.shape, (height, width), strict=False)
    )
    return image[y : y + height, x : x + width]


def through_camera(image: Array, sigmas: tuple[float, ...], rng: np.random.Generator) -> Array:
    """A lens that is a little soft, a sensor that is a little noisy, JPEG most of the time."""
    image = image.astype(np.float32)
    sigma = rng.choice(sigmas)
    if sigma:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    image = image + rng.normal(0, rng.choice([0, 0, 1, 2, 3]), image.shape)
    image = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        image = cv2.imdecode(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 97))])[1], 1
        )
    return image


def trajectory_kernel(length_px: float, turn_rad: float, rng: np.random.Generator) -> Array:
    """A smear of that length in a random direction which turns by up to ``turn_rad`` on its way."""
    steps = 64
    heading = rng.uniform(0, np.pi) + turn_rad * np.linspace(-0.5, 0.5, steps) * rng.uniform(-1, 1)
    path = np.cumsum(np.stack([np.sin(heading), np.cos(heading)], 1), axis=0) * length_px / steps
    path -= path.mean(axis=0)
    radius = int(length_px / 2) + 3
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    for y, x in path + radius:
        top, left = int(y), int(x)
        dy, dx = y - top, x - left
        kernel[top : top + 2, left : left + 2] += np.outer([1 - dy, dy], [1 - dx, dx])
    return kernel / kernel.sum()


def streaks(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """One to three layers of bright lines at about one steep angle; grey levels to add."""
    frame_angle_rad = np.radians(rng.uniform(-40, 40))
    coverage = np.zeros(shape, np.float32)
    for _ in range(rng.integers(1, 4)):
        length_px = int(np.exp(rng.uniform(np.log(10), np.log(50))))
        width_px = rng.uniform(0.35, 1.3)
        density = np.exp(rng.uniform(np.log(1e-3), np.log(2e-2))) * 24 / length_px
        angle_rad = frame_angle_rad + np.radians(rng.uniform(-5, 5))
        along = np.linspace(-length_px / 2, length_px / 2, 4 * length_px)
        radius = length_px // 2 + 1
        line = np.zeros((2 * radius + 1, 2 * radius + 1), np.float32)
        line[np.rint(radius + along * np.cos(angle_rad)).astype(int),
             np.rint(radius + along * np.sin(angle_rad)).astype(int)] = 1  # fmt: skip
        seeds = ((rng.random(shape) < density) * rng.uniform(0.3, 1, shape)).astype(np.float32)
        layer = (
            cv2.GaussianBlur(cv2.filter2D(seeds, -1, line), (0, 0), width_px) * np.sqrt(2 * np.pi) * width_px
        )
        coverage = np.maximum(coverage, np.minimum(layer, 1) * rng.uniform(0.5, 1))
    return coverage * rng.uniform(25, 160)


# --- fitting ---


def fit(frames: Iterator[Frame] | list[Frame]) -> EvidenceModel:
    """Tiles with truth and texture give the measures' weights; those evidences give the two logistic curves.

    Every fifth pair of frames is held out of the first step and serves the second, so that the curves are
    fitted on evidence that the weights have not seen.
    """
    frames = list(frames)
    first = [f for i, f in enumerate(frames) if i // 2 % 5]
    second = [f for i, f in enumerate(frames) if i // 2 % 5 == 0]
    X, y, w = tiles_of(first)
    weights, bias = logistic_regression(X, y, w)
    model = EvidenceModel(
        measure_weights=tuple(weights), measure_bias=bias,
        tile_own=1, tile_frame=0, tile_bias=0, frame_scale=1, frame_bias=0,
    )  # fmt: skip
    evidence = [model.evidence(f.measures, f.weights) for f in second]
    X, y, w = tiles_of([
        Frame(np.stack([tiles, np.full_like(tiles, frame)], -1), f.weights, f.tile_truth, f.frame_truth)
        for f, (tiles, frame) in zip(second, evidence, strict=True)
    ])  # fmt: skip
    (own, of_frame), tile_bias = logistic_regression(X, y, w)
    print(
        f"  tiles held out: AUROC {auroc(X @ [own, of_frame], y, w):.3f}"
        f" (own evidence alone {auroc(X[:, 0], y, w):.3f})"
    )
    X = np.array([[frame] for _, frame in evidence])
    y = np.array([f.frame_truth for f in second])
    known = np.isfinite(y)
    (scale,), frame_bias = logistic_regression(X[known], y[known], np.ones(known.sum()))
    print(f"  frames held out: AUROC {auroc(X[known, 0], y[known]):.3f} of {known.sum()}")
    return EvidenceModel(
        measure_weights=tuple(round(float(v), 4) for v in weights), measure_bias=round(bias, 4),
        tile_own=round(float(own), 4), tile_frame=round(float(of_frame), 4), tile_bias=round(tile_bias, 4),
        frame_scale=round(float(scale), 4), frame_bias=round(frame_bias, 4),
    )  # fmt: skip


def tiles_of(frames: list[Frame]) -> tuple[Array, Array, Array]:
    X = np.concatenate([f.measures.reshape(-1, f.measures.shape[-1]) for f in frames]).astype(np.float64)
    y = np.concatenate([f.tile_truth.ravel() for f in frames])
    w = np.concatenate([f.weights.ravel() for f in frames])
    used = np.isfinite(y) & (w > 0)
    return X[used], y[used], w[used]


def logistic_regression(X: Array, y: Array, w: Array, penalty: float = 1e-3) -> tuple[Array, float]:
    """Weights and bias by Newton's method; a small penalty on the weights of the standardised columns.

    Both classes weigh the same, so that 0.5 means "as likely as not" without assuming how often it rains.
    """
    w = w * np.where(y > 0, 1 / w[y > 0].sum(), 1 / w[y == 0].sum()) / 2
    mean, spread = X.mean(axis=0), X.std(axis=0) + 1e-9
    Z = np.column_stack([(X - mean) / spread, np.ones(len(X))])
    ridge = np.full(Z.shape[1], penalty)
    ridge[-1] = 0
    beta = np.zeros(Z.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-Z @ beta))
        gradient = Z.T @ (w * (p - y)) + ridge * beta
        beta -= np.linalg.solve((Z.T * (w * p * (1 - p))) @ Z + np.diag(ridge + 1e-12), gradient)
    weights = beta[:-1] / spread
    return weights, float(beta[-1] - weights @ mean)


def write_constants(blur: EvidenceModel, rain: EvidenceModel) -> None:
    text = '"""Of ClassicalAssessor; written by tools/fit_classical_assessor.py --write."""\n\n'
    text += "from typing import Any\n"
    for name, model in (("BLUR", blur), ("RAIN", rain)):
        text += f"\n{name}: dict[str, Any] = {pprint.pformat(vars(model), sort_dicts=False, width=100)}\n"
    CONSTANTS.write_text(text)


# --- checking ---


def check(evaluation: Path, blur: EvidenceModel, rain: EvidenceModel) -> dict[str, Any]:
    """Print and return what the assessor makes of the sets that it was not fitted on."""
    assessor = ClassicalAssessor()
    assessor._blur, assessor._rain = blur, rain
    limits = PRESETS["balanced"]
    seen: dict[str, dict[str, Any]] = {}
    print(
        f"{'set':24}{'frames':>7}{'blur p':>8}{'flagged':>9}{'rain p':>8}{'flagged':>9}{'tiles selected':>16}"
    )
    for name, images in evaluation_sets(evaluation).items():
        found = [assessor.assess(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)) for image in images()]
        tiles = [Gate(limits).select("", a).mean() for a in found]
        blurs = np.array([a.blur_probability for a in found])
        rains = np.array([a.rain_probability for a in found])
        row = {
            "frames": len(found),
            "blur_median": float(np.median(blurs)), "blur_flagged": float((blurs >= limits.blur_on).mean()),
            "rain_median": float(np.median(rains)), "rain_flagged": float((rains >= limits.rain_on).mean()),
            "tiles_selected": float(np.mean(tiles)),
        }  # fmt: skip
        seen[name] = {**row, "blurs": blurs, "rains": rains}
        print(
            f"{name:24}{row['frames']:7d}{row['blur_median']:8.2f}{row['blur_flagged']:9.2f}"
            f"{row['rain_median']:8.2f}{row['rain_flagged']:9.2f}{row['tiles_selected']:16.2f}"
        )
    areas: dict[str, float] = {}
    for kind, names in (
        ("blurs", ("gopro", "reds_x4")), ("blurs", ("gopro_crops256",)),
        ("blurs", ("gopro",)), ("blurs", ("reds_x4",)),
        ("rains", ("rain100h",)), ("rains", ("rain100l",)), ("rains", ("nturain_a1",)),
    ):  # fmt: skip
        degraded = np.concatenate([seen[f"{n}/input"][kind] for n in names])
        clean = np.concatenate([seen[f"{n}/target"][kind] for n in names])
        scores = np.concatenate([degraded, clean])
        areas[" + ".join(names)] = auroc(scores, np.repeat([1.0, 0.0], [len(degraded), len(clean)]))
        print(f"AUROC of {kind[:-1]} on {' + '.join(names)}: {areas[' + '.join(names)]:.3f}")
    for row in seen.values():
        del row["blurs"], row["rains"]
    return {"sets": seen, "auroc": areas}


def evaluation_sets(evaluation: Path) -> dict[str, Callable[[], Iterator[Array]]]:
    folders = [
        *(f"{name}/{side}" for name in PAIRED_SETS for side in ("input", "target")),
        "kitti_boxes/images", "real_rain_video/ra1",
    ]  # fmt: skip
    sets: dict[str, Callable[[], Iterator[Array]]] = {
        name: lambda name=name: map(read, sorted((evaluation / name).iterdir())) for name in folders
    }
    for video in sorted((evaluation / "driving_video").glob("*.mp4")):
        sets[video.stem] = lambda video=video: frames_of(video)
    return sets


def frames_of(video: Path, every: int = 5) -> Iterator[Array]:
    with VideoReader(video) as frames:
        for frame in itertools.islice(frames, 0, None, every):
            yield cv2.cvtColor(frame.rgb_HWC, cv2.COLOR_RGB2BGR)


def auroc(scores: Array, truth: Array, weights: Array | None = None) -> float:
    """Chance that a degraded one scores above a clean one."""
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(scores)
    truth, weights, scores = truth[order], weights[order], scores[order]
    clean = np.cumsum(weights * (truth == 0))
    _, first = np.unique(scores, return_index=True)
    last = np.append(first[1:], len(scores)) - 1
    below = np.append(0.0, clean)[first]
    degraded = np.add.reduceat(weights * (truth == 1), first)
    return float((degraded * (below + clean[last]) / 2).sum() / (degraded.sum() * clean[-1]))


def tile_means(values: Array) -> Array:
    ys, xs = (np.arange(0, side, TILE_SIZE_PX) for side in values.shape)
    sums, areas = (np.add.reduceat(np.add.reduceat(v, ys, 0), xs, 1) for v in (values, np.ones_like(values)))
    return sums / areas


def read(path: Path) -> Array:
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"{path} is not an image")
    return image


def grey(image: Array) -> Array:
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


if __name__ == "__main__":
    main()
