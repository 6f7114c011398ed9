# SPDX-License-Identifier: Apache-2.0
"""A file of rules is read, or refused by one ValueError; a report is held against whatever was read."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes, mutated_json, read_or_refused

from restoregan_core.report.rules import check_rules, read_rules

VALID = {"rules": ["frames.failed_open == 0", {"name": "rain", "rule": "a.b < 0.5 * -c.d + 1"}]}
REPORT = {"frames": {"failed_open": 0}, "a": {"b": 1}, "c": {"d": 0}}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32).map(random.Random))
def test_mutated_rules_are_read_or_refused(tmp_path_factory, rng: random.Random) -> None:
    file = tmp_path_factory.getbasetemp() / "rules.yaml"
    text = json.dumps(VALID).encode()
    file.write_bytes(mutated_json(VALID, rng)[:5000] if rng.random() < 0.5 else mutated_bytes(text, rng))
    with read_or_refused(""):
        check_rules(read_rules(file), REPORT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [5]", "a rule is 5, expected a mapping"),
        ("rules: [[x]]", "expected a mapping"),
        ("rules: [{name: x}]", "rule is missing"),
        (f"rules: ['{'-' * 5000}1 == 0']", "has 5006 characters"),
        (f"rules: ['a < 1{'0' * 350}']", "neither a number nor a path"),
        ("rules: " + "[" * 3000, "is not valid YAML"),
    ],
)
def test_what_is_not_a_rule_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(ValueError, match=said):
        read_rules(tmp_path / "rules.yaml")
