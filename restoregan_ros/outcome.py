"""What becomes of a frame: what is published for it, and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from restoregan_core.images.encodings import MalformedImageError, UnsupportedEncodingError
from restoregan_ros.msg import RestorationReport

if TYPE_CHECKING:
    from restoregan_core.result import RestorationResult

REASONS = {
    getattr(RestorationReport, name): name.removeprefix("REASON_")
    for name in dir(RestorationReport)
    if name.startswith("REASON_")
}
"""Value of RestorationReport.reason -> its name."""


@dataclass(frozen=True)
class Outcome:
    """What is published for one source frame, and why."""

    action: int
    """One of RestorationReport.ACTION_*."""
    reason: int = RestorationReport.REASON_NONE
    """One of RestorationReport.REASON_*."""
    detail: str = ""
    """One line for the log where something went wrong."""
    result: "RestorationResult | None" = None
    """The pipeline's result, if the pipeline got the frame."""


DISABLED = Outcome(RestorationReport.ACTION_PASSED_THROUGH, RestorationReport.REASON_DISABLED)
MISSED = Outcome(RestorationReport.ACTION_FAILED_OPEN, RestorationReport.REASON_DEADLINE)


def failure_of(error: Exception) -> Outcome:
    """FAILED_OPEN with the reason that fits ``error``."""
    if isinstance(error, UnsupportedEncodingError):
        reason = RestorationReport.REASON_UNSUPPORTED_ENCODING
    elif isinstance(error, MalformedImageError):
        reason = RestorationReport.REASON_MALFORMED
    else:
        reason = RestorationReport.REASON_RUNTIME_FAULT
    return Outcome(RestorationReport.ACTION_FAILED_OPEN, reason, f"{type(error).__name__}: {error}")
