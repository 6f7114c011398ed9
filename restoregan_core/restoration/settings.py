# SPDX-License-Identifier: Apache-2.0
"""What may be set of a pipeline while it runs. Needs no torch."""

from dataclasses import dataclass, field

from restoregan_core.restoration.circuit_breaker import CircuitLimits
from restoregan_core.restoration.gate import GateThresholds
from restoregan_core.restoration.output_bounds import OutputLimits


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """Assigned to ``RestorationPipeline.settings`` as a whole, between frames.

    Raises:
        ValueError: a value out of its range.
    """

    thresholds: GateThresholds = field(default_factory=GateThresholds)
    dwell_frames: int = 2
    """A tile that was switched on stays on for at least so many frames, at least 1."""
    output: OutputLimits = field(default_factory=OutputLimits)
    circuit: CircuitLimits = field(default_factory=CircuitLimits)
    """No effect in a pipeline without a circuit breaker."""

    def __post_init__(self) -> None:
        if self.dwell_frames < 1:
            raise ValueError(f"dwell_frames is {self.dwell_frames}; a tile stays on for at least 1 frame")
