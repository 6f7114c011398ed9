# SPDX-License-Identifier: Apache-2.0
"""``restoregan compare``: two models, presets or versions over the same bag."""

from pathlib import Path

from restoregan_core.commands.common import make_parser, output_folder


def main(argv: list[str]) -> int:
    """Print the differences, write compare.json and compare.html."""
    parser = make_parser(
        "compare",
        "Compare two replays of one bag: paired differences with intervals, and where they differ.",
        "restoregan compare out/rain out/balanced --output out/rain_or_balanced",
    )
    parser.add_argument("a", type=Path, metavar="DIR_A", help="output folder of a replay")
    parser.add_argument("b", type=Path, metavar="DIR_B", help="another one of the same bag")
    parser.add_argument("--output", type=output_folder, metavar="DIR", help="default: DIR_B/compare")
    given = parser.parse_args(argv)

    from rich.console import Console
    from rich.table import Table

    from restoregan_core.replay.compare import compare_replays
    from restoregan_core.replay.compare_page import write_compare_report
    from restoregan_core.replay.summary import write_json

    comparison = compare_replays(given.a, given.b)
    output = given.output or given.b / "compare"
    output.mkdir(parents=True, exist_ok=True)
    write_json({"a": str(given.a), "b": str(given.b), **comparison.to_dict()}, output / "compare.json")
    write_compare_report(given.a, given.b, comparison, output / "compare.html")
    table = Table("measure", "A", "B", "B - A", "95 % interval", "verdict")
    for d in comparison.differences:
        values = (f"{d.a:.4g}", f"{d.b:.4g}", f"{d.difference:+.3g}", f"{d.low:+.3g} to {d.high:+.3g}")
        table.add_row(f"{d.name} {d.unit}".strip(), *values, d.verdict)
    Console().print(table)
    print(f"{comparison.frames} frames, {comparison.segments} segments; {output / 'compare.html'}")
    return 0
