# SPDX-License-Identifier: Apache-2.0
"""What a JSON or YAML document or a list says, checked before anything believes it: one ValueError for what is wrong.

    said = parse_json(file.read_bytes(), f"{file}")
    manifest = build(Manifest, said, f"{file}")

A document comes from a disk that may have lost a sector, from another version, or from a hand that slipped. Its
depth, its numbers and its types are bounded here, so that nothing behind it has to expect more than what its
dataclass says.
"""

import itertools
import json
import math
import re
import types
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

MAX_DEPTH = 50
"""Lists and mappings within each other; far from Python's limit of recursion."""
MAX_YAML_VALUES = 100_000
"""Aliases repeat what they name: a few lines can stand for billions of values."""
MAX_INTEGER = 2**63

_T = TypeVar("_T")


def read_lines(file: Path) -> list[str]:
    """Lines of a text file in UTF-8, without their ends.

    Raises:
        ValueError: not text in UTF-8; names the file.
        OSError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not text in UTF-8: {error.reason} at byte {error.start}") from error


def parse_json(text: str | bytes, what: str) -> Any:
    """What a JSON document says.

    Args:
        text: the document; bytes in UTF-8.
        what: names it in errors: a file, or an entry of one.

    Raises:
        ValueError: not JSON, nested too deeply, or with an integer beyond 64 bits; the message begins with ``what``.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is not valid JSON: {_first_line(error)}") from error
    _check_bounds(value, what)
    return value


def parse_yaml(text: str | bytes, what: str) -> Any:
    """What a YAML document says; like ``parse_json``, and likewise bounded.

    Raises:
        ValueError: not YAML, nested too deeply, too large, or with an integer beyond 64 bits.
    """
    import yaml

    brackets = re.findall(rb"[][{}]", text.encode() if isinstance(text, str) else text)
    depths = itertools.accumulate(1 if bracket in b"[{" else -1 for bracket in brackets)
    # PyYAML takes very long for thousands; some may be within texts.
    if max(depths, default=0) > 10 * MAX_DEPTH:
        raise ValueError(f"{what} is not valid YAML: it opens more than {10 * MAX_DEPTH} brackets")
    try:
        value = yaml.safe_load(text)
    except Exception as error:  # a wrong tag, such as `!!int x`, makes PyYAML raise nearly anything
        raise ValueError(f"{what} is not valid YAML: {_first_line(error)}") from error
    _check_bounds(value, what, MAX_YAML_VALUES)
    return value


def build(kind: type[_T], value: Any, what: str, *, only_known: bool = True) -> _T:
    """An object of a dataclass, or of a type such as ``list[float]``, from what a document says.

    Integers may stand for floats, and lists for tuples. Floats must be finite.

    Args:
        kind: its fields' annotations decide; Any, Literal, Optional, list, tuple, dict, dataclasses and scalars.
        value: of ``parse_json`` or ``parse_yaml``.
        what: names the document in errors.
        only_known: refuse keys that are not a field; else leave them out.

    Raises:
        ValueError: a missing or unknown key, a value of another type, or one that the dataclass refuses.
    """
    made: _T = _convert(kind, value, what, only_known)
    return made


def _first_line(error: BaseException) -> str:
    lines = str(error).split("\n")
    return (" ".join(" ".join(lines).split()) or type(error).__name__)[:200]


def _check_bounds(value: Any, what: str, max_values: float = math.inf) -> None:
    waiting, seen = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"{what} is nested more than {MAX_DEPTH} levels deep")
        if seen > max_values:
            raise ValueError(f"{what} holds more than {max_values:,} values")
        if isinstance(item, int) and abs(item) > MAX_INTEGER:
            raise ValueError(f"{what} holds an integer of {item.bit_length()} bits; at most 64 can be read")
        if isinstance(item, dict):
            waiting += [(entry, depth + 1) for pair in item.items() for entry in pair]
        elif isinstance(item, list | tuple | set):
            waiting += [(entry, depth + 1) for entry in item]


def _convert(kind: Any, value: Any, where: str, only_known: bool) -> Any:
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _dataclass(kind, value, where, only_known)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return _convert(next(kind for kind in inner if kind is not type(None)), value, where, only_known)
    if origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in inner):
            raise _unfit(value, where, " or ".join(map(repr, inner)))
        return value
    if origin in (list, tuple):
        return _sequence(origin, inner, value, where, only_known)
    if origin is dict:
        if not isinstance(value, dict):
            raise _unfit(value, where, "a mapping")
        return {
            _convert(inner[0], key, f"a key of {where}", only_known): _convert(
                inner[1], entry, f"{where}.{str(key)[:40]}", only_known
            )
            for key, entry in value.items()
        }
    return _scalar(kind, value, where)


def _sequence(origin: Any, inner: tuple[Any, ...], value: Any, where: str, only_known: bool) -> Any:
    if not isinstance(value, list | tuple):
        raise _unfit(value, where, "a list")
    if origin is tuple and inner[-1] is not Ellipsis and len(value) != len(inner):
        raise _unfit(value, where, f"a list of {len(inner)}")
    kinds = inner if origin is tuple and inner[-1] is not Ellipsis else inner[:1] * len(value)
    return origin(
        _convert(kind, entry, f"{where}[{i}]", only_known)
        for i, (kind, entry) in enumerate(zip(kinds, value, strict=True))
    )


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        raise _unfit(value, where, "a finite number")
    if kind in _NAMES and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise _unfit(value, where, _NAMES[kind])


_NAMES: dict[type, str] = {int: "an integer", str: "a text", bool: "true or false"}


def _dataclass(kind: Any, value: Any, where: str, only_known: bool) -> Any:
    if not isinstance(value, dict):
        raise _unfit(value, where, "a mapping")
    known = {field.name: field for field in fields(kind)}
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown and only_known:
        raise ValueError(f"{where}: unknown settings {', '.join(unknown)[:200]}: written by a newer version?")
    missing = [
        name
        for name, field in known.items()
        if name not in value and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise ValueError(f"{where}: {', '.join(missing)} is missing")
    hints = get_type_hints(kind)
    converted = {
        name: _convert(hints[name], value[name], f"{where}: {name}", only_known)
        for name in known
        if name in value
    }
    try:
        return kind(**converted)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _unfit(value: Any, where: str, expected: str) -> ValueError:
    return ValueError(f"{where} is {repr(value)[:60]}, expected {expected}")
