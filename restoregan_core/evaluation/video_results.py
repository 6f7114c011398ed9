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
            scores.name, str(scores.count), "input", *_consecutive(scores.input, None, None),
            f"{scores.input.frame_change:.3f}",
        )  # fmt: skip
        for index, name in enumerate(names):
            output, ghosts = scores.outputs[index], scores.ghosts[index]
            cells = [
                *_consecutive(output, scores.streaks_left(index), scores.excess_left(index)),
                f"{output.frame_change:.3f}",
            ]
            if ghosts is None:
                cells += ["-", "-", "-"]
            else:
                cells += [f"{ghosts.with_history:.3f}", f"{ghosts.without_history:.3f}"]
                cells.append("-" if ghosts.ratio is None else f"{ghosts.ratio:.3f}")
            lowest = _lowest(scores, index)
            table.add_row("", "", name, *cells, f"{lowest[1]:.2f}" if lowest else "-")
        if scores.target is not None:
            energy = scores.target.streak_energy
            share = energy / scores.input.streak_energy if scores.input.streak_energy else None
            cells = _consecutive(
                scores.target, share, scores.input.streaks.excess_left(scores.target.streaks)
            )
            table.add_row("", "", "target", *cells, f"{scores.target.frame_change:.3f}")
    return table


def _consecutive(figures: Consecutive, energy_left: float | None, excess_left: float | None) -> list[str]:
    cells = []
    for value, left in ((figures.streak_energy, energy_left), (figures.streak_excess, excess_left)):
        cells += [f"{value:.3f}", "-" if left is None else f"{100 * left:.1f} %"]
    return cells


def _figures(scores: VideoScores, index: int) -> dict[str, Any]:
    output, ghosts, lowest = scores.outputs[index], scores.ghosts[index], _lowest(scores, index)
    sides = {"input": scores.input, "output": output}
    if scores.target is not None:
        sides["target"] = scores.target
    figures: dict[str, Any] = {
        "streak_energy": {name: side.streak_energy for name, side in sides.items()},
        "streak_energy_left": scores.streaks_left(index),
        "streak_excess": {name: side.streak_excess for name, side in sides.items()},
        "streak_excess_left": scores.excess_left(index),
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
