# SPDX-License-Identifier: Apache-2.0
"""What the evaluation of videos leaves behind: its part of the JSON, and a table to read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from restoregan_core.evaluation import results
from restoregan_core.evaluation.video import Consecutive, VideoScores

if TYPE_CHECKING:
    from rich.table import Table


def as_json(scores: VideoScores, setting: str = "") -> dict[str, Any]:
    """One set's entry: as that of single images where there is ground truth, and the key ``video``.

    Args:
        setting: of a baseline, chosen for this set.
    """
    entry: dict[str, Any] = (
        results.as_json(scores.scores, setting) if scores.scores else {"count": scores.count}
    )
    entry["video"] = _figures(scores, 0)
    if len(scores.outputs) > 1:
        entry.setdefault("against", {})["video"] = _figures(scores, 1)
    return entry


def make_table(all_scores: Sequence[VideoScores], names: Sequence[str]) -> "Table":
    """Streaks, steadiness and ghosts: a row for the input, the ground truth, and for each restorer.

    Args:
        names: of the restorers.
    """
    from rich.table import Table

    table = Table(
        title="Consecutive frames, in grey levels of 255, less is better. Ghosts: error where things move on their own."
    )
    table.add_column("set")
    table.add_column("frames", justify="right")
    table.add_column("of")
    for title in (
        "streak energy",
        "left",
        "excess",
        "left",
        "steadiness",
        "ghosts",
        "without history",
        "ratio",
        "lowest PSNR RGB",
    ):
        table.add_column(title, justify="right")
    for scores in all_scores:
        table.add_section()
        table.add_row(
            scores.name, str(scores.count), "input", *_consecutive(scores.input),
        )  # fmt: skip
        for index, name in enumerate(names):
            output, ghosts = scores.outputs[index], scores.ghosts[index]
            cells = [
                *_consecutive(output, scores.input),
            ]
            if ghosts is None:
                cells += ["-", "-", "-"]
            else:
                cells += [f"{ghosts.with_history:.3f}", f"{ghosts.without_history:.3f}"]
                cells.append("-" if ghosts.ratio is None else f"{ghosts.ratio:.3f}")
            lowest = _lowest(scores, index)
            table.add_row("", "", name, *cells, f"{lowest[1]:.2f}" if lowest else "-")
        if scores.target is not None:
            table.add_row("", "", "target", *_consecutive(scores.target, scores.input))
    return table


def _consecutive(figures: Consecutive, source: Consecutive | None = None) -> list[str]:
    """Energy and excess, each with the share of the source's that is left, and steadiness."""
    own = figures.streaks
    left = (
        (None, None) if source is None else (source.streaks.energy_left(own), source.streaks.excess_left(own))
    )
    cells = []
    for value, share in zip((own.energy, own.excess), left, strict=True):
        cells += [f"{value:.3f}", "-" if share is None else f"{100 * share:.1f} %"]
    return [*cells, f"{figures.frame_change:.3f}"]


def _figures(scores: VideoScores, index: int) -> dict[str, Any]:
    output, ghosts, lowest = scores.outputs[index], scores.ghosts[index], _lowest(scores, index)
    sides = {"input": scores.input, "output": output}
    if scores.target is not None:
        sides["target"] = scores.target
    figures: dict[str, Any] = {
        "streak_energy": {name: side.streaks.energy for name, side in sides.items()},
        "streak_energy_left": scores.input.streaks.energy_left(output.streaks),
        "streak_excess": {name: side.streaks.excess for name, side in sides.items()},
        "streak_excess_left": scores.input.streaks.excess_left(output.streaks),
        "steadiness": {name: side.frame_change for name, side in sides.items()},
    }
    if scores.scores is not None:
        figures["ghosts"] = {
            "moving_share": scores.moving_share,
            "with_history": ghosts.with_history if ghosts else None,
            "without_history": ghosts.without_history if ghosts else None,
            "ratio": ghosts.ratio if ghosts else None,
        }
        figures["lowest"] = lowest
    return figures


def _lowest(scores: VideoScores, index: int) -> list[Any] | None:
    """The frame with the lowest PSNR: its file, and the PSNR (RGB) in dB."""
    if scores.scores is None:
        return None
    worst = min(scores.scores.images, key=lambda image: image.outputs[index]["psnr_rgb"])
    return [worst.file, worst.outputs[index]["psnr_rgb"]]
