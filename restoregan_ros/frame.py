# SPDX-License-Identifier: Apache-2.0
"""A camera's frame on its way through the node."""

import time
from dataclasses import dataclass, field

from restoregan_ros.outcome import Outcome
from restoregan_ros.source_image import SourceImage


@dataclass(eq=False)
class Frame:
    """A source frame that was accepted: it waits, is worked on, and is settled by whoever publishes it."""

    camera: str
    source: SourceImage
    received_s: float = field(default_factory=time.monotonic)
    """Steady clock."""
    is_settled: bool = False
    """Whether somebody published its image; changes under the lock of the camera's stream."""
    unreported: Outcome | None = None
    """What its image was published as, until its report is; changes under the same lock."""
    latency_ms: float = 0.0
    """From receipt to the image's publication."""
