# SPDX-License-Identifier: Apache-2.0
"""The layouts for Foxglove and RViz show topics and fields that there are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOXGLOVE = json.loads((ROOT / "config" / "foxglove_layout.json").read_text())
PUBLISHED = (ROOT / "restoregan_ros" / "camera_stream.py").read_text()


def panels_in(layout: Any) -> set[str]:
    """Names of the panels that a tree of splits holds."""
    if isinstance(layout, str):
        return {layout}
    return panels_in(layout["first"]) | panels_in(layout["second"])


def test_each_of_foxgloves_panels_has_its_place() -> None:
    assert panels_in(FOXGLOVE["layout"]) == set(FOXGLOVE["configById"])


def test_foxglove_plots_fields_that_a_report_has() -> None:
    (message,) = (ROOT / "msg").glob("*.msg")
    fields = set(re.findall(r"^[\w/\[\]]+ +([a-z]\w*)", message.read_text(), re.MULTILINE))
    plotted = set(re.findall(r"/restored/report\.(\w+)", json.dumps(FOXGLOVE)))
    assert len(plotted) > 5
    assert plotted <= fields


@pytest.mark.parametrize("file", ["foxglove_layout.json", "restoregan.rviz"])
def test_topics_are_those_that_the_node_publishes(file: str) -> None:
    shown = yaml.safe_load((ROOT / "config" / file).read_text())
    topics = {
        name.partition(".")[0] for name in re.findall(r'"/front/(restored/[\w/.]+)"', json.dumps(shown))
    }
    assert topics
    # Foxglove opens replay's bags, which hold the same pictures compressed.
    assert [topic for topic in topics if f'/{topic.removesuffix("/compressed")}"' not in PUBLISHED] == []
