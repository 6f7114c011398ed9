# SPDX-License-Identifier: Apache-2.0
"""What all pages share: a template filled in, with style and script inlined, so that a page needs no network."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.version import __version__

JPEG_QUALITY = 88
HIDDEN_BLUR = (
    "Rain hides blur: where it is taken out, blur that was there all along reads higher than before."
)
"""What a reader of probabilities before and after should know."""
_HERE = Path(__file__).parent


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


def render(template: str, /, **context: Any) -> str:
    """Fill in a template of ``templates/``.

    It sees ``context``, ``version``, and under ``assets`` the text of every style and script by file name.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )
    # Our own and vendored files, without </script> or </style> in them: a test holds them to that.
    assets = {
        file.name: Markup(file.read_text(encoding="utf-8"))
        for file in (_HERE / "assets").iterdir()
        if file.suffix in (".js", ".css")
    }
    return environment.get_template(template).render({"version": __version__, "assets": assets, **context})


def encode_jpeg(rgb_HWC: npt.NDArray[Any], max_width: int = 960) -> bytes:
    """A uint8 RGB image for the report, not wider than ``max_width``."""
    height, width = rgb_HWC.shape[:2]
    if width > max_width:
        size = (max_width, max(1, round(height * max_width / width)))
        rgb_HWC = cv2.resize(rgb_HWC, size, interpolation=cv2.INTER_AREA)
    bgr_HWC = cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr_HWC, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


def data_uri(jpeg: bytes) -> str:
    """The image as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def finite(value: Any) -> Any:
    """The same with NaN and infinity as None, through dicts and lists: JSON has no such numbers."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
