# SPDX-License-Identifier: Apache-2.0
"""Each source file names its licence, and the XML is well formed."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from restoregan_core.cli import VERBS

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("restoregan_core", "restoregan_ros", "launch", "benchmarks", "tools", "test", "docker", "findings")
LICENCE = "SPDX-License-Identifier: Apache-2.0"


def test_every_source_file_names_its_licence() -> None:
    sources = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")] + [ROOT / "setup.py"]
    sources += [*(f for f in (ROOT / "scripts").iterdir() if f.is_file()), *ROOT.glob("test/**/*.cpp")]
    assert len(sources) > 200
    lacking = [str(file.relative_to(ROOT)) for file in sources if LICENCE not in file.read_text()[:120]]
    assert lacking == []


def test_the_overview_leads_to_every_verb() -> None:
    overview = (ROOT / "docs" / "index.md").read_text()
    assert [verb for verb in VERBS if f"`{verb}`" not in overview] == []


@pytest.mark.parametrize("file", ["package.xml", "config/fastdds_large_images.xml"])
def test_xml_is_well_formed(file: str) -> None:
    assert ElementTree.parse(ROOT / file).getroot().tag
