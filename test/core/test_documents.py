# SPDX-License-Identifier: Apache-2.0
"""Whatever a document says, reading it gives what its type promises or one ValueError that names it."""

import json
import random
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_json, read_or_refused

from restoregan_core.documents import build, parse_json, parse_yaml


@dataclass(frozen=True)
class Inner:
    share: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str
    count: int = 1
    kind: Literal["a", "b"] = "a"
    pair: tuple[float, float] = (0.0, 1.0)
    names: list[str] = field(default_factory=list)
    inner: Inner | None = None
    table: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"count={self.count} must not be negative")


VALID = asdict(Outer("x", 2, "b", (1.0, 2.0), ["y"], Inner(0.25), {"z": [1]}))


def test_what_was_written_is_read() -> None:
    assert build(Outer, parse_json(json.dumps(VALID), "f"), "f") == Outer(
        "x", 2, "b", (1.0, 2.0), ["y"], Inner(0.25), {"z": [1]}
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32).map(random.Random))
def test_a_mutated_document_is_read_or_refused_by_name(rng: random.Random) -> None:
    for parse in (parse_json, parse_yaml):
        with read_or_refused("some.json"):
            build(Outer, parse(mutated_json(VALID, rng)[:5000], "some.json"), "some.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": "3"}, "f: count is '3', expected an integer"),
        ({"count": True}, "count is True, expected an integer"),
        ({"count": -1}, "f: count=-1 must not be negative"),
        ({"kind": "c"}, "kind is 'c', expected 'a' or 'b'"),
        ({"pair": [1.0]}, "expected a list of 2"),
        ({"pair": [1.0, float("nan")]}, r"pair\[1\] is nan, expected a finite number"),
        ({"inner": {"share": None}}, "inner: share is None"),
        ({"depth": 1}, "unknown settings depth"),
    ],
)
def test_the_message_says_which_value_and_what_was_expected(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build(Outer, VALID | change, "f")


def test_a_missing_key_is_named_and_unknown_ones_can_be_left_out() -> None:
    with pytest.raises(ValueError, match="f: name is missing"):
        build(Outer, {}, "f")
    assert build(Outer, {"name": "x", "depth": 1}, "f", only_known=False) == Outer("x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "f is not valid"),
        ("[" * 60 + "]" * 60, "nested more than 50 levels"),
        ("1" + "0" * 30, "integer of 100 bits"),
    ],
)
def test_depth_and_numbers_are_bounded(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_json(text, "f")


def test_aliases_cannot_stand_for_billions_of_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(ValueError, match="f holds more than 100,000 values"):
        parse_yaml("\n".join(lines), "f")
    with pytest.raises(ValueError, match="f is nested"):
        parse_yaml("&a [*a]", "f")


@pytest.mark.parametrize(
    "text", ["!!int x", "!!bool x", "!!timestamp x", "a: [", "\x00", "!!float []", "? {}"]
)
def test_a_tag_that_does_not_fit_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="f is not valid YAML"):
        parse_yaml(text, "f")
