# SPDX-License-Identifier: Apache-2.0
"""PSNR, SSIM and average precision as other packages compute them, beside ours, on the same images.

    python benchmarks/metrics_peers.py --output docs/benchmarks/metrics_peers.md

Peers that are not installed are named and left out. torchmetrics and piq want no more than torch here
(``pip install --no-deps torchmetrics lightning-utilities piq``); BasicSR does not install beside a current torch:
unpack its source distribution and name that folder with ``--basicsr``.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from restoregan_core.detection.average_precision import FrameMatch, average_precision, match_frame
from restoregan_core.detection.detector import COCO_CLASSES, Detector, DetectorOptions
from restoregan_core.detection.evaluation import LOOK_ALIKES
from restoregan_core.detection.kitti import find_frames
from restoregan_core.images.folders import read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics import psnr_ssim

Metric = Callable[[RgbImage, RgbImage], float]
Rows = dict[str, tuple[str, Metric]]
"""What a peer calls its metric -> which of ours it is held against, and the metric."""

OURS: dict[str, Metric] = {
    name: getattr(psnr_ssim, name) for name in ("psnr_rgb", "psnr_y", "ssim_2d", "ssim_3d", "ssim_y")
}
RECALLS = {"VOC 2007 and KITTI until 2019: 11 recalls": 11, "COCO: 101 recalls": 101}


def scikit_image() -> Rows:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return {
        "psnr": ("psnr_rgb", lambda a, b: float(peak_signal_noise_ratio(b, a, data_range=255))),
        "ssim, default window (7x7, uniform)": (
            "ssim_2d",
            lambda a, b: float(structural_similarity(a, b, channel_axis=2)),
        ),
        "ssim, Gaussian as in its documentation": (
            "ssim_2d",
            lambda a, b: float(structural_similarity(a, b, channel_axis=2, data_range=255, **gaussian)),
        ),
    }


def torchmetrics() -> Rows:
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    return {
        "psnr": ("psnr_rgb", lambda a, b: float(peak_signal_noise_ratio(unit(a), unit(b), data_range=1.0))),
        "ssim": (
            "ssim_2d",
            lambda a, b: float(structural_similarity_index_measure(unit(a), unit(b), data_range=1.0)),
        ),
        "ssim, data_range left out": (
            "ssim_2d",
            lambda a, b: float(structural_similarity_index_measure(unit(a), unit(b))),
        ),
    }


def piq() -> Rows:
    psnr, ssim = load_alone("piq", "psnr").psnr, load_alone("piq", "ssim").ssim
    return {
        "psnr": ("psnr_rgb", lambda a, b: float(psnr(unit(a), unit(b)))),
        "psnr, convert_to_greyscale": (
            "psnr_y",
            lambda a, b: float(psnr(unit(a), unit(b), convert_to_greyscale=True)),
        ),
        "ssim, default (shrinks first)": ("ssim_2d", lambda a, b: float(ssim(unit(a), unit(b)))),
        "ssim, downsample=False": ("ssim_2d", lambda a, b: float(ssim(unit(a), unit(b), downsample=False))),
    }


def basicsr() -> Rows:
    utils = load_alone("basicsr", "utils", is_package=True)
    utils.bgr2ycbcr = import_module("basicsr.utils.color_util").bgr2ycbcr  # type: ignore[attr-defined]
    load_alone("basicsr", "metrics", is_package=True)
    peer = import_module("basicsr.metrics.psnr_ssim")

    def rows(metric: Callable[..., Any], ours: str) -> Rows:
        name = metric.__name__
        return {
            name: (ours, lambda a, b: float(metric(a[..., ::-1], b[..., ::-1], crop_border=0))),
            f"{name}, crop_border=4": (
                ours,
                lambda a, b: float(metric(a[..., ::-1], b[..., ::-1], crop_border=4)),
            ),
            f"{name}, test_y_channel": (
                ours.replace("rgb", "y").replace("2d", "y"),
                lambda a, b: float(metric(a[..., ::-1], b[..., ::-1], crop_border=0, test_y_channel=True)),
            ),
            f"{name}, test_y_channel, given RGB instead of BGR": (
                ours.replace("rgb", "y").replace("2d", "y"),
                lambda a, b: float(metric(a, b, crop_border=0, test_y_channel=True)),
            ),
        }

    return rows(peer.calculate_psnr, "psnr_rgb") | rows(peer.calculate_ssim, "ssim_2d")


PEERS: dict[str, tuple[str, Callable[[], Rows]]] = {
    "scikit-image": ("scikit-image", scikit_image),
    "torchmetrics": ("torchmetrics", torchmetrics),
    "piq": ("piq", piq),
    "BasicSR": ("basicsr", basicsr),
}


def load_alone(package: str, name: str, is_package: bool = False) -> ModuleType:
    """A module of a package without the package's own start, which imports models that are not needed here."""
    spec = find_spec(package) if package not in sys.modules else sys.modules[package].__spec__
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    locations = list(spec.submodule_search_locations)
    if package not in sys.modules:
        sys.modules[package] = bare = ModuleType(package)
        bare.__path__, bare.__spec__ = locations, spec
    if not is_package:
        return import_module(f"{package}.{name}")
    module = ModuleType(f"{package}.{name}")
    module.__path__ = [str(Path(locations[0]) / name)]
    sys.modules[module.__name__] = module
    return module


def unit(image_HWC: RgbImage) -> Any:
    """float32 (1, 3, height, width), [0, 1], a torch tensor."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(image_HWC)).permute(2, 0, 1)[None].float() / 255


def installed_peers() -> tuple[dict[str, Rows], list[str]]:
    """Rows of each peer that can be had, and a line for each that cannot."""
    found, missing = {}, []
    for title, (distribution, load) in PEERS.items():
        try:
            rows = load()
        except ImportError as error:
            missing.append(f"{title}: {error}")
            continue
        with suppress(PackageNotFoundError):  # a folder of sources has no version
            title = f"{title} {version(distribution)}"
        found[title] = rows
    return found, missing


def image_table(name: str, pairs: list[tuple[RgbImage, RgbImage]], peers: dict[str, Rows]) -> list[str]:
    """Means over the images, and how far the single images lie from ours."""
    ours = {metric: [function(a, b) for a, b in pairs] for metric, function in OURS.items()}
    lines = [
        f"### {name}, {len(pairs)} images",
        "",
        "| peer | mean | ours | difference of single images |",
    ]
    lines += ["|---|---|---|---|"]
    for peer, rows in peers.items():
        for title, (metric, function) in rows.items():
            digits = 2 if metric.startswith("psnr") else 4
            theirs = [function(a, b) for a, b in pairs]
            differences = np.subtract(theirs, ours[metric])
            span = f"{differences.min():+.{digits}f} to {differences.max():+.{digits}f}"
            mean = f"{np.mean(theirs):.{digits}f} | {np.mean(ours[metric]):.{digits}f} (`{metric}`)"
            lines.append(f"| {peer}: {title} | {mean} | {span} |")
    squared = [float(np.mean((a.astype(float) - b) ** 2)) for a, b in pairs]
    pooled_db = 10 * np.log10(255**2 / np.mean(squared))
    lines.append(
        f"| PSNR of all images' error together (a batch in torchmetrics) | {pooled_db:.2f} |"
        f" {np.mean(ours['psnr_rgb']):.2f} (`psnr_rgb`) | |"
    )
    ssim_3d, ssim_2d = np.mean(ours["ssim_3d"]), np.mean(ours["ssim_2d"])
    lines.append(
        f"| `ssim_3d`, MATLAB's of a colour array; none of the peers | {ssim_3d:.4f} | {ssim_2d:.4f} (`ssim_2d`) | |"
    )
    return [*lines, ""]


def interpolated_precision(matches: list[FrameMatch], recalls: npt.NDArray[np.float64]) -> float:
    """Mean of the best precision at each recall and above it: 0 where a recall is not reached."""
    total = sum(len(match.found_score) for match in matches)
    scores = np.concatenate([match.scores for match in matches])
    true_positives = np.concatenate([match.true_positives for match in matches])[
        np.argsort(-scores, kind="stable")
    ]
    precision = np.cumsum(true_positives) / np.arange(1, len(true_positives) + 1)
    reached = np.cumsum(true_positives) / total
    return float(np.mean([max(precision[reached >= recall - 1e-12], default=0.0) for recall in recalls]))


def precision_table(folder: Path, detector: Path, class_name: str = "car") -> list[str]:
    """Average precision of one detector's boxes by each definition, all at an overlap of 0.5."""
    find = Detector(detector, DetectorOptions(min_score=0.05))
    found = [(find(read_rgb(frame.path)), frame) for frame in find_frames(folder)]
    matches, coco = [], []
    for detections, frame in found:
        is_class = np.array([name == class_name for name in frame.classes], bool)
        alike = np.array([name in LOOK_ALIKES[class_name] for name in frame.classes], bool)
        neutral = np.concatenate([frame.boxes_px[alike], frame.ignored_px])
        class_id = COCO_CLASSES.index(class_name)
        matches.append(match_frame(detections, class_id, frame.boxes_px[is_class], neutral))
        coco.append((detections, class_id, frame.boxes_px[is_class], neutral))
    rows = {"ours, and PASCAL VOC since 2010: the whole area": average_precision(matches)}
    rows |= {name: interpolated_precision(matches, np.linspace(0, 1, n)) for name, n in RECALLS.items()}
    rows["KITTI since 2019: 40 recalls, without 0"] = interpolated_precision(matches, np.arange(1, 41) / 40)
    try:
        rows["pycocotools, every labelled object counts"] = by_pycocotools(coco, ignores=False)
        rows["pycocotools, low objects, look-alikes and regions as crowds"] = by_pycocotools(
            coco, ignores=True
        )
    except ImportError as error:
        rows[f"pycocotools: {error}"] = float("nan")
    ours = next(iter(rows.values()))
    lines = [f"## Average precision: {class_name}s, {len(matches)} frames, {detector.stem}", ""]
    lines += ["All at an overlap of 0.5; KITTI itself asks 0.7 of cars.", ""]
    lines += ["| definition | value | difference to ours |", "|---|---|---|"]
    lines += [f"| {name} | {value:.4f} | {value - ours:+.4f} |" for name, value in rows.items()]
    return [*lines, ""]


def by_pycocotools(frames: list[tuple[Any, int, Any, Any]], ignores: bool) -> float:
    """COCO's own evaluation of the same boxes at an overlap of 0.5."""
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, results = [], []
    for image, (detections, class_id, objects, neutral) in enumerate(frames, start=1):
        low = objects[:, 3] - objects[:, 1] < 25
        labelled = [(box, bool(is_low) and ignores) for box, is_low in zip(objects, low, strict=True)]
        labelled += [(box, True) for box in neutral] if ignores else []
        for box, is_crowd in labelled:
            x, y, right, bottom = map(float, box)
            truth.append({"id": len(truth) + 1, "image_id": image, "category_id": 1, "iscrowd": int(is_crowd),
                          "bbox": [x, y, right - x, bottom - y], "area": (right - x) * (bottom - y)})  # fmt: skip
        for box, score, kind in zip(
            detections.boxes_px, detections.scores, detections.class_ids, strict=True
        ):
            x, y, right, bottom = map(float, box)
            if kind == class_id:
                results.append({"image_id": image, "category_id": 1, "score": float(score),
                                "bbox": [x, y, right - x, bottom - y]})  # fmt: skip
    with redirect_stdout(io.StringIO()):
        labels = COCO()
        labels.dataset = {"images": [{"id": i + 1} for i in range(len(frames))], "annotations": truth,
                          "categories": [{"id": 1, "name": "object"}]}  # fmt: skip
        labels.createIndex()
        evaluation = COCOeval(labels, labels.loadRes(results), "bbox")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, 0, 0, -1]
    return float(precision[precision > -1].mean())


def pairs_of(folder: Path, count: int) -> list[tuple[RgbImage, RgbImage]]:
    files = islice(sorted((folder / "input").iterdir()), count)
    return [(read_rgb(file), read_rgb(folder / "target" / file.name)) for file in files]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", default=["gopro", "rain100l"])
    parser.add_argument("--images", type=int, default=4, help="of each set (default 4)")
    parser.add_argument("--basicsr", type=Path, metavar="DIR", help="its unpacked source distribution")
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="default: print")
    given = parser.parse_args()
    if given.basicsr:
        sys.path.append(str(given.basicsr))
    peers, missing = installed_peers()
    lines = [*INTRODUCTION, "", "## Images", ""]
    lines += [f"- not installed when this was made: {line}" for line in missing] + ([""] if missing else [])
    for name in given.sets:
        lines += image_table(name, pairs_of(given.data / "eval" / name, given.images), peers)
    lines += precision_table(given.data / "eval/kitti_boxes", given.data / "weights/yolox_nano.onnx")
    text = "\n".join([*lines, *CONCLUSION]) + "\n"
    if given.output:
        given.output.write_text(text)
    else:
        print(text)


INTRODUCTION = """# Our metrics beside their peers

Made by

    PYTHONPATH=. python benchmarks/metrics_peers.py --basicsr FOLDER --output docs/benchmarks/metrics_peers.md

Degraded images against their references, uint8 RGB, by each package's own code. Published figures can only be compared
where the definition is the same; the differences below are of the size of what papers report as progress.
""".splitlines()

CONCLUSION = """## Which of ours to put beside a published figure

| ours | made by |
|---|---|
| `psnr_rgb` | scikit-image; piq; BasicSR without `test_y_channel`; torchmetrics with `data_range`, image by image |
| `psnr_y`, `ssim_y` | BasicSR with `test_y_channel`, BGR handed in; MATLAB after `rgb2ycbcr` |
| `ssim_2d` | scikit-image with Gaussian weights; BasicSR; piq with `downsample=False` |
| `ssim_3d` | MATLAB's `ssim` of a colour array |
| `lpips` | lpips with `net="alex"`; torchmetrics, see below |
| none: measure again | the other rows: default windows, shrunk or cropped images, ranges taken from the image |

`restoregan evaluate` prints all of ours side by side; average precision is that of `restoregan evaluate-detection`.

## LPIPS

Not measured: the packages bring the layers that weigh the features (lpips' and torchmetrics' `alex.pth` are the same
bytes), but download the network itself, AlexNet or VGG16, from elsewhere. By their code they differ in this:

| peer | network, unless told otherwise | images | beside our `lpips` |
|---|---|---|---|
| lpips 0.1.4 | AlexNet, version 0.1 | [-1, 1]; [0, 1] with `normalize=True` of the call | it is what ours calls |
| torchmetrics 1.9.0 | AlexNet, version 0.1 | [-1, 1]; [0, 1] with `normalize=True` of the class | a mean of a batch |
| piq 0.8.0 | VGG16, no other | [0, 1] | none: measure again |
| BasicSR 1.4.2: calculate_lpips.py | VGG16 | [-1, 1] | none: measure again |

Without `normalize=True` torchmetrics refuses only values below -1: images in [0, 1] or [0, 255] are measured, wrongly.
""".splitlines()


if __name__ == "__main__":
    main()
