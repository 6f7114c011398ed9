# SPDX-License-Identifier: Apache-2.0
"""The page of a detection evaluation: tables, and a crop of every changed object. One file, no network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from restoregan_core.detection.evaluation import ObjectEvent
from restoregan_core.files import write_text
from restoregan_core.report import page

MAX_EVENTS = 300
_ORDER = {"lost": 0, "invented": 1, "gained": 2}


def write_page(path: Path, content: Mapping[str, Any], events: Sequence[ObjectEvent]) -> None:
    """Write the page atomically.

    Args:
        content: what the JSON file holds.
        events: the objects that changed; lost ones are shown first, at most `MAX_EVENTS`.
    """
    shown = sorted(events, key=lambda e: (_ORDER[e.what], e.view))[:MAX_EVENTS]
    classes = list(content["conditions"][0]["views"]["degraded"])
    text = page.render(
        "detection.html",
        **content,
        classes=classes,
        left_out=len(events) - len(shown),
        events=[
            {
                **{
                    name: str(getattr(e, name))
                    for name in ("what", "class_name", "size", "condition", "view", "frame")
                },
                "before": page.data_uri(page.encode_jpeg(e.before)),
                "after": page.data_uri(page.encode_jpeg(e.after)),
            }
            for e in shown
        ],
    )
    write_text(path, text)
