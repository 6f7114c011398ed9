# SPDX-License-Identifier: Apache-2.0
"""report.json is what its readers were told."""

import dataclasses
import math
import re
import typing
from pathlib import Path

from restoregan_core.replay import schema

PAGE = Path(__file__).resolve().parents[3] / "docs/replay_report.md"


def paths_of(kind: type, prefix: str = "") -> set[str]:
    """Every key below a dataclass, dotted; lists as ``[]``, cameras by what they have more than all frames."""
    made = set()
    for name, hint in typing.get_type_hints(kind).items():
        if prefix == "cameras.NAME." and name in schema.FrameFigures.__dataclass_fields__:
            continue
        inner = [
            part
            for part in (hint, *typing.get_args(hint))
            if isinstance(part, type) and dataclasses.is_dataclass(part)
        ]
        container = typing.get_origin(hint)
        suffix = "[]." if container is list else ".NAME." if container is dict else "."
        made |= paths_of(inner[0], f"{prefix}{name}{suffix}") if inner else {prefix + name}
    return made


def test_every_key_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `([^`]+)`", PAGE.read_text(), re.MULTILINE)) - {"cameras.NAME"}
    assert documented == paths_of(schema.ReplayReport)


def test_the_documented_version_is_the_one_that_is_written() -> None:
    assert re.search(r"^\| `schema` \| version of this list: (\d+) \|", PAGE.read_text(), re.MULTILINE)[
        1
    ] == str(  # type: ignore[index]
        schema.SCHEMA_VERSION
    )


def test_what_is_not_a_number_is_null() -> None:
    point = schema.SweepPoint("balanced", 0.5, 0.25, math.nan)
    latency = schema.LatencyFigures(
        deadline_ms=100.0, processing_ms=None, restoration_ms=None, live_ms=None, over_deadline=0,
        over_deadline_share=math.nan, superseded=0, superseded_share=0.0,
    )  # fmt: skip
    names = [field.name for field in dataclasses.fields(schema.FrameFigures)]
    report = schema.ReplayReport(
        frames=schema.FrameFigures(**dict.fromkeys(names, 1)),  # type: ignore[arg-type]
        objects=None,
        ground_truth=None,
        latency=latency,
        cameras={},
        sweep=[point],
        replay=schema.ReplayFacts(
            settings={}, frames_done=1, is_complete=True, stopped="", damage=[], notes=[], wall_s=1.0, model_card={},
            environment={},
        ),
        segments=[],
        verdict=schema.Verdict(headline="helps", findings=[("good", "No frame failed open.")]),
    ).to_dict()  # fmt: skip
    assert list(report)[:2] == ["schema", "replay"]
    assert report["sweep"][0]["network_ms_per_frame"] is None
    assert report["latency"]["over_deadline_share"] is None
    assert report["verdict"]["findings"] == [["good", "No frame failed open."]]
