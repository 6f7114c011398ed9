# SPDX-License-Identifier: Apache-2.0
"""Conditions on report.json, for CI: a YAML of short expressions, exit code 3, JUnit.

    rules:
      - frames.failed_open == 0
      - objects.lost <= objects.gained
      - latency.live_ms.p99 < latency.deadline_ms
      - name: rain is taken out
        rule: frames.restored_rain_after < 0.5 * frames.restored_rain_before

Values are paths into report.json and numbers, with + - * / and one comparison. Nothing runs as Python.
"""

import ast
import operator
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restoregan_core.documents import build, parse_yaml
from restoregan_core.files import atomic_write

_COMPARE: dict[type, Callable[[float, float], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_COMPUTE: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


MAX_RULE_LENGTH = 400


@dataclass(frozen=True)
class Rule:
    """One condition."""

    name: str
    text: str


@dataclass(frozen=True)
class RuleOutcome:
    """Whether it holds, and the numbers on both sides (or what is missing)."""

    rule: Rule
    holds: bool
    detail: str


@dataclass(frozen=True)
class _Entry:
    """A rule as a file has it."""

    rule: str
    name: str = ""


def read_rules(file: Path) -> list[Rule]:
    """Read and check a YAML file.

    Raises:
        ValueError: no such file, no rules in it, or a rule that is not a comparison.
    """
    if not file.is_file():
        raise ValueError(f"no rules at {file}")
    content = parse_yaml(file.read_bytes(), f"{file}")
    entries = content.get("rules") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{file} does not hold any rules: expected a list under 'rules'")
    rules = []
    for entry in entries:
        said = build(_Entry, {"rule": entry} if isinstance(entry, str) else entry, f"{file}: a rule")
        _parse(said.rule)
        rules.append(Rule(said.name or said.rule, said.rule))
    return rules


def check_rules(rules: list[Rule], report: dict[str, Any]) -> list[RuleOutcome]:
    """Hold a report against the rules. A value that the report lacks breaks the rule: it was not measured."""
    outcomes = []
    for rule in rules:
        comparison = _parse(rule.text)
        try:
            left = _value(comparison.left, report)
            right = _value(comparison.comparators[0], report)
            holds = _COMPARE[type(comparison.ops[0])](left, right)
            detail = f"{left:g} against {right:g}"
        except (KeyError, ArithmeticError) as error:
            holds, detail = False, str(error.args[0])
        outcomes.append(RuleOutcome(rule, holds, detail))
    return outcomes


def write_junit(outcomes: list[RuleOutcome], name: str, file: Path) -> None:
    """A JUnit file with one case a rule; its folder is made where there is none: it comes after hours of work."""
    failures = sum(not outcome.holds for outcome in outcomes)
    suite = ElementTree.Element(
        "testsuite", name=f"restoregan.{name}", tests=str(len(outcomes)), failures=str(failures), errors="0"
    )
    for outcome in outcomes:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=outcome.rule.name)
        if not outcome.holds:
            failure = ElementTree.SubElement(
                case, "failure", message=f"{outcome.rule.text}: {outcome.detail}"
            )
            failure.text = outcome.detail
    ElementTree.indent(suite)
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as temporary:
        ElementTree.ElementTree(suite).write(temporary, encoding="utf-8", xml_declaration=True)


def _parse(text: str) -> ast.Compare:
    if len(text) > MAX_RULE_LENGTH:  # nested no deeper than Python can follow
        raise ValueError(f"rule {text[:60]!r}... has {len(text)} characters, more than {MAX_RULE_LENGTH}")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"rule {text!r} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1 or type(tree.ops[0]) not in _COMPARE:
        raise ValueError(f"rule {text!r} is not a comparison such as: objects.lost <= objects.gained")
    for side in (tree.left, tree.comparators[0]):
        _check(side, text)
    return tree


def _check(node: ast.expr, text: str) -> None:
    if isinstance(node, ast.BinOp) and type(node.op) in _COMPUTE:
        _check(node.left, text)
        _check(node.right, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        _check(node.operand, text)
    elif not _is_number(node) and not _path(node):
        raise ValueError(
            f"rule {text!r}: {ast.unparse(node)!r} is neither a number nor a path like frames.count"
        )


def _is_number(node: ast.expr) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, int | float):
        return False
    return not isinstance(node.value, bool) and abs(node.value) <= 1e300


def _path(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        head = _path(node.value)
        return [*head, node.attr] if head else []
    return []


def _value(node: ast.expr, report: dict[str, Any]) -> float:
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand, report)
    if isinstance(node, ast.BinOp):
        return _COMPUTE[type(node.op)](_value(node.left, report), _value(node.right, report))
    value: Any = report
    for key in _path(node):
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise KeyError(f"{ast.unparse(node)} was not measured")
    return float(value)
