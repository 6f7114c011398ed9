# SPDX-License-Identifier: Apache-2.0
"""docs/field_reports.md: each case has its source and a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/field_reports.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| case ")
]


def test_each_row_names_its_source_and_a_test_that_exists() -> None:
    assert len(ROWS) >= 30
    for case, source, made, answer, test in ROWS:
        assert case
        assert re.match(r"[\w.-]+/[\w.-]+(#\d+|, commit \w+)", source), source
        assert made
        assert re.match(r"(fixed|held|will not)\b", answer), answer
        file, _, name = test.strip("`").partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE), test


def test_at_most_five_cases_stay_as_they_are() -> None:
    assert sum("will not" in answer.lower() for *_, answer, _ in ROWS) <= 5
