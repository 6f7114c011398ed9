# SPDX-License-Identifier: Apache-2.0
"""What becomes of a frame: what is published for it, and why."""

from dataclasses import dataclass

from restoregan_core.images.encodings import MalformedImageError, UnsupportedEncodingError
from restoregan_core.result import Action, Reason, RestorationResult


@dataclass(frozen=True)
class Outcome:
    """What is published for one source frame, and why."""

    action: Action
    reason: Reason = Reason.NONE
    detail: str = ""
    """One line for the log where something went wrong."""
    result: RestorationResult | None = None
    """The pipeline's result, if the pipeline got the frame."""


DISABLED = Outcome(Action.PASSED_THROUGH, Reason.DISABLED)
MISSED = Outcome(Action.FAILED_OPEN, Reason.DEADLINE)


def failure_of(error: Exception) -> Outcome:
    """FAILED_OPEN with the reason that fits ``error``."""
    if isinstance(error, UnsupportedEncodingError):
        reason = Reason.UNSUPPORTED_ENCODING
    elif isinstance(error, MalformedImageError):
        reason = Reason.MALFORMED
    else:
        reason = Reason.RUNTIME_FAULT
    return Outcome(Action.FAILED_OPEN, reason, f"{type(error).__name__}: {error}")
