# SPDX-License-Identifier: Apache-2.0
"""report.json as types: what each key means, in one place. docs/replay_report.md says the same for its readers.

Users hold their drives against it in CI. A key that is renamed or removed, or that comes to mean something else, raises
``SCHEMA_VERSION``; a key that is added does not.
"""

from dataclasses import asdict, dataclass
from typing import Any

from restoregan_core.replay.segments import Segment
from restoregan_core.replay.threshold_sweep import SweepPoint
from restoregan_core.report.page import finite

SCHEMA_VERSION = 2


@dataclass(frozen=True, kw_only=True)
class FrameFigures:
    """Of all frames, or of those of one camera. Means are None where no frame has the value."""

    count: int
    duration_s: float
    degraded: int
    """Frames with a blur or rain probability of at least 0.5."""
    degraded_after: int
    """The same as published."""
    restored: int
    passed_through: int
    failed_open: int
    failed_open_reasons: dict[str, int]
    """Name of the reason -> frames."""
    blur_probability: float | None
    rain_probability: float | None
    residual_blur_probability: float | None
    residual_rain_probability: float | None
    changed_share: float | None
    """Of the pixels."""
    restored_blur_before: float | None
    """This and all below: means over the restored frames alone; the others would only dilute them."""
    restored_blur_after: float | None
    restored_rain_before: float | None
    restored_rain_after: float | None
    restored_sharpness_before: float | None
    """Variance of the Laplacian."""
    restored_sharpness_after: float | None
    restored_mean_change: float | None
    """Mean absolute change in grey levels."""


@dataclass(frozen=True, kw_only=True)
class StreakFigures:
    """Energy of what flares up in one frame alone, on a sample of a camera's frames."""

    count: int
    """Frames that were measured, each with its neighbours."""
    before: float
    """Grey levels of 255."""
    after: float
    left: float | None
    """``after`` / ``before``."""
    excess_before: float
    """What flares up less what dips in one frame alone: noise cancels, rain stays; about 0 in dry weather."""
    excess_after: float
    excess_left: float | None
    """``excess_after`` / ``excess_before``; None where rain cannot be told from noise."""


@dataclass(frozen=True, kw_only=True)
class CameraFigures(FrameFigures):
    """Of one camera."""

    streak_energy: StreakFigures | None
    """None without three frames in a row."""


@dataclass(frozen=True, kw_only=True)
class ObjectFigures:
    """What a detector found before and after restoration, over all frames."""

    before: int
    after: int
    gained: int
    lost: int
    flicker_before: int
    """Objects that both neighbouring frames have and the one between lacks."""
    flicker_after: int


@dataclass(frozen=True, kw_only=True)
class DetectionF1:
    """F1 of a detector's objects against those that it finds in the clean frame."""

    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class UnequalFigures:
    """Of the frames that came unlike their clean image; means in dB."""

    count: int
    psnr_before: float
    psnr_after: float
    psnr_gain: float


@dataclass(frozen=True, kw_only=True)
class GroundTruthFigures:
    """Against the clean images; means in dB, equal images counted as 100, and of SSIM on luma."""

    count: int
    """Frames with a clean image."""
    psnr_before: float | None
    psnr_after: float | None
    ssim_before: float | None
    ssim_after: float | None
    psnr_gain: float | None
    frames_better: int
    frames_worse: int
    unequal: UnequalFigures | None
    """The PSNR figures without the frames that came equal to their clean image, whose 100 dB would drown the others;
    None where all did."""
    detection_f1: DetectionF1 | None
    """None without a detector."""


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """In ms."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, kw_only=True)
class LatencyFigures:
    """The pipeline's own times, and the node's latency as if run at the bag's rate on this machine."""

    deadline_ms: float
    processing_ms: Percentiles | None
    """Decoding, assessment and restoration of a frame."""
    restoration_ms: Percentiles | None
    """None where nothing was restored."""
    live_ms: Percentiles | None
    """Ends with the image's publication; only the next frame waits for the judgement of a restored one."""
    over_deadline: int
    over_deadline_share: float
    """Of the frames that would have been accepted."""
    superseded: int
    """Frames that a newer one would have replaced before their turn."""
    superseded_share: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Everything that frames.parquet tells."""

    frames: FrameFigures
    objects: ObjectFigures | None
    """None without a detector."""
    ground_truth: GroundTruthFigures | None
    """None without clean images."""
    latency: LatencyFigures
    cameras: dict[str, CameraFigures]
    sweep: list[SweepPoint]
    """Presets first, then thresholds."""


@dataclass(frozen=True, kw_only=True)
class ReplayFacts:
    """What was replayed, and how far it came."""

    settings: dict[str, Any]
    """All that decides about pixels, as it was in force."""
    frames_done: int
    is_complete: bool
    stopped: str
    """Why it ended early; "" if it did not."""
    damage: list[str]
    """Where the bag is damaged."""
    notes: list[str]
    """What of the bag was left out on purpose, and which stamps do not go on."""
    wall_s: float
    """Time spent, over all runs."""
    model_card: dict[str, str]
    """What the weights say about themselves."""
    environment: dict[str, str]
    """Versions and machine."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Does restoration help on this drive?"""

    headline: str
    """``helps``, ``harms``, ``no clear effect`` or ``nothing was restored``."""
    findings: list[tuple[str, str]]
    """(good, bad or neutral; a sentence)."""


@dataclass(frozen=True, kw_only=True)
class ReplayReport(Summary):
    """All of report.json."""

    schema: int = SCHEMA_VERSION
    replay: ReplayFacts
    segments: list[Segment]
    """The worst stretches, each of which is a bag in ``clips/``."""
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: without NaN or infinity, which become None."""
        made = finite(asdict(self))
        first = ("schema", "replay")
        return {key: made[key] for key in (*first, *(key for key in made if key not in first))}
