# SPDX-License-Identifier: Apache-2.0
"""The verdict of report.json in words: does restoration help on this drive, and what speaks for and against it?"""

import math
from collections.abc import Iterator

from restoregan_core.replay.schema import FrameFigures, Summary
from restoregan_core.report.page import HIDDEN_BLUR


def findings(summary: Summary) -> Iterator[tuple[str, str]]:
    """The verdict line by line: (good, bad or neutral, text)."""
    frames, objects, truth, latency = summary.frames, summary.objects, summary.ground_truth, summary.latency
    count = frames.count
    yield (
        "neutral",
        f"{frames.degraded} of {count} frames were degraded ({_share(frames.degraded, count)}),"
        f" {frames.restored} were restored in part or whole ({_share(frames.restored, count)}).",
    )
    if frames.failed_open:
        why = ", ".join(f"{name} {n}" for name, n in frames.failed_open_reasons.items())
        yield "bad", f"{frames.failed_open} frames failed open ({why})."
    else:
        yield "good", "No frame failed open."
    if frames.restored:
        yield from _probabilities(frames)
    if objects:
        gained, lost = objects.gained, objects.lost
        mark = "good" if gained > lost else "bad" if lost > gained else "neutral"
        yield (
            mark,
            f"The detector gained {gained} objects and lost {lost} (of {objects.before} before);"
            f" flicker between neighbouring frames went from {objects.flicker_before}"
            f" to {objects.flicker_after}.",
        )
    if truth and truth.psnr_gain is not None:
        mark = "good" if truth.psnr_gain > 0.05 else "bad" if truth.psnr_gain < -0.05 else "neutral"
        shown, left_out = truth.unequal or truth, truth.count - (truth.unequal or truth).count
        yield (
            mark,
            f"Against the ground truth: PSNR {shown.psnr_before:.2f} dB before, {shown.psnr_after:.2f} after"
            f" ({shown.psnr_gain:+.2f}; better in {truth.frames_better}, worse in"
            f" {truth.frames_worse} of {truth.count} frames)."
            + (f" {left_out} frames that came equal to it are not in these means." if left_out else ""),
        )
    if latency.live_ms:
        mark = "good" if latency.live_ms.p99 <= latency.deadline_ms else "bad"
        yield (
            mark,
            f"At the bag's rate on this machine: latency p50 {latency.live_ms.p50:.0f} ms, p99"
            f" {latency.live_ms.p99:.0f} ms against a deadline of {latency.deadline_ms:g} ms;"
            f" {_share(latency.superseded, count)} of the frames superseded.",
        )


def _probabilities(frames: FrameFigures) -> Iterator[tuple[str, str]]:
    """How blur and rain of the restored frames changed. Blur that rises as rain goes was there before."""
    rain_before, rain_after = frames.restored_rain_before, frames.restored_rain_after
    rain_went = rain_before is not None and rain_after is not None and rain_after < rain_before - 0.01
    for kind in ("blur", "rain"):
        before, after = (getattr(frames, f"restored_{kind}_{when}") for when in ("before", "after"))
        if before is None or after is None:
            continue
        mark = "good" if after < before - 0.01 else "bad" if after > before + 0.01 else "neutral"
        text = f"Mean {kind} probability of the restored frames: {before:.2f} before, {after:.2f} after."
        if kind == "blur" and mark == "bad" and rain_went:
            mark, text = "neutral", f"{text} {HIDDEN_BLUR}"
        yield mark, text


def headline(summary: Summary) -> str:
    """``helps``, ``harms`` or ``no clear effect``, by ground truth, else detector, else probabilities."""
    truth, objects, frames = summary.ground_truth, summary.objects, summary.frames
    if not frames.restored:
        return "nothing was restored"
    if truth and truth.psnr_gain is not None:
        score = truth.psnr_gain / 0.05
    elif objects and objects.gained + objects.lost:
        # Two standard deviations of a fair coin thrown for every changed object.
        score = (objects.gained - objects.lost) / (2 * math.sqrt(objects.gained + objects.lost))
    else:
        change = frames.degraded - frames.degraded_after
        score = change / max(1.0, 0.02 * frames.count)
    return "helps" if score > 1 else "harms" if score < -1 else "no clear effect"


def _share(part: float, whole: float) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"
