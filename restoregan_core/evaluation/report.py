"""The report of a demo or an evaluation: one HTML file that needs no network, and the same as JSON.

Whoever measures fills a ``Report``; nothing here knows how its numbers came about.
"""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core import __version__

_HERE = Path(__file__).parent
JPEG_QUALITY = 88


@dataclass(frozen=True, kw_only=True)
class FrameRow:
    """One source frame that was taken up. Probabilities in [0, 1]; NaN = not known."""

    time_s: float
    """Since the first frame."""
    camera: str = "camera"
    condition: str = ""
    """What was done to a clean frame, where that is known: ``clean``, ``blur``, ``rain`` or both."""
    blur: float = math.nan
    rain: float = math.nan
    residual_blur: float = math.nan
    """Of the frame as published."""
    residual_rain: float = math.nan
    action: str = "passed through"
    """``passed through``, ``restored``, ``failed open``."""
    reason: str = "none"
    latency_ms: float = math.nan
    assessment_ms: float = math.nan
    restoration_ms: float = math.nan
    psnr_before: float = math.nan
    """dB over RGB, of the source against the truth."""
    psnr_after: float = math.nan
    ssim_before: float = math.nan
    ssim_after: float = math.nan


@dataclass(frozen=True)
class PicturePair:
    """A frame to look at: JPEG bytes before and after, and of the truth where it is known."""

    row: int
    """Index of its FrameRow."""
    before: bytes
    after: bytes
    truth: bytes | None = None


@dataclass(frozen=True)
class Card:
    """One figure that stands at the top."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table as it is shown; cells are ready texts."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    is_text: bool = False
    """Left-aligned and wrapped, for names and settings."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a report shows."""

    title: str
    subtitle: str = ""
    cards: Sequence[Card] = ()
    rows: Sequence[FrameRow] = ()
    pictures: Sequence[PicturePair] = ()
    first_picture: int = 0
    """Which of ``pictures`` is shown at first."""
    tables: Sequence[Table] = ()
    summary: dict[str, Any] = field(default_factory=dict)
    """The figures for machines; goes into the JSON file as it is, NaN as null."""
    version: str = __version__


def encode_jpeg(rgb_HWC: npt.NDArray[Any], max_width: int = 960) -> bytes:
    """A uint8 RGB picture for the report, not wider than ``max_width``."""
    height, width = rgb_HWC.shape[:2]
    if width > max_width:
        size = (max_width, max(1, round(height * max_width / width)))
        rgb_HWC = cv2.resize(rgb_HWC, size, interpolation=cv2.INTER_AREA)
    bgr_HWC = cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr_HWC, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


def write_html(report: Report, path: Path) -> None:
    """Write the report as one self-contained page, atomically."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
    own = [*(_HERE / "assets").glob("*.js"), *(_HERE / "assets").glob("*.css")]
    data = {
        "rows": [finite(asdict(row)) for row in report.rows],
        "pictures": [
            {
                "row": pair.row,
                "before": _data_uri(pair.before),
                "after": _data_uri(pair.after),
                "truth": None if pair.truth is None else _data_uri(pair.truth),
            }
            for pair in report.pictures
        ],
        "first_picture": report.first_picture,
    }
    # Our own and vendored files, without </script> or </style> in them: a test holds them to that.
    assets = {file.name: Markup(file.read_text(encoding="utf-8")) for file in own}
    page = environment.get_template("report.html").render(report=report, data=data, assets=assets)
    _write(path, page)


def write_json(report: Report, path: Path) -> None:
    """Write summary and rows as JSON (NaN becomes null), atomically."""
    content = {
        "title": report.title,
        "restoregan": report.version,
        **finite(report.summary),
        "frames": [finite(asdict(row)) for row in report.rows],
    }
    _write(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def finite(value: Any) -> Any:
    """The same with NaN and infinity as None, through dicts and lists: JSON has no such numbers."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value


def column(rows: Sequence[FrameRow], name: str) -> npt.NDArray[np.float64]:
    """A number of every row; ``name`` is a field of FrameRow."""
    assert name in {declared.name for declared in fields(FrameRow)}, name
    return np.array([getattr(row, name) for row in rows], np.float64)


def _data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
