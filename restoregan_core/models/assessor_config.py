# SPDX-License-Identifier: Apache-2.0
"""What an assessor looks like and what it speaks of, as data. No torch is needed to read or to check it."""

from dataclasses import asdict, dataclass
from typing import Any

EVENTS = ("blur", "rain", "drops")
"""What the network's three outputs are about: motion blur of 3 px or more; streaks or drops; drops alone."""

TEMPORAL_EVENTS = ("blur", "rain")
"""What the frames before have something to say about."""
MEASURES = 20
"""Numbers of a tile that say how it changed, see ``assessment/temporal_measures.py``."""
SINGLE = 2 * len(EVENTS)
"""Log-odds of the network of single images: the tile's and the frame's."""
SINGLE_LIMIT, SINGLE_SCALE = 8.0, 4.0
"""Log-odds of the network of single images are held within the one from 0, and divided by the other."""


TEMPORAL_WIDTH = 32
"""Channels within the two perceptrons that look at the frames before."""


@dataclass(frozen=True, kw_only=True)
class AssessorConfig:
    """Shape of the network.

    Raises:
        ValueError: not four widths, or one below 1 or over 8192.
    """

    widths: tuple[int, ...] = (24, 32, 48, 64)
    """Channels at 1/2, 1/4, 1/8 and 1/16 of the frame's resolution."""
    head_width: int = 96
    """Channels of a tile's summary."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(int(width) for width in self.widths))
        sizes = (*self.widths, self.head_width)
        if len(self.widths) != 4 or min(sizes) < 1 or max(sizes) > 8192:
            raise ValueError(
                f"widths={self.widths}, head_width={self.head_width}: four widths and a head, all from 1 to 8192"
            )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def temporal_shapes() -> dict[str, tuple[int, ...]]:
    """Shapes of a ``TemporalHead``'s weights, by name."""
    inputs, outputs = 2 * MEASURES + SINGLE, len(TEMPORAL_EVENTS)
    perceptron = {
        "0.weight": (TEMPORAL_WIDTH, inputs), "0.bias": (TEMPORAL_WIDTH,),
        "2.weight": (outputs, TEMPORAL_WIDTH), "2.bias": (outputs,),
    }  # fmt: skip
    parts = {f"{part}.{name}": shape for part in ("tile", "frame") for name, shape in perceptron.items()}
    return {"mean": (MEASURES,), "deviation": (MEASURES,), **parts}
