# SPDX-License-Identifier: Apache-2.0
"""What a generator looks like, as data. No torch is needed to read or to check it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from restoregan_core.documents import build


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Shape of a generator. The defaults are the paper's; every field that departs from it says how.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    base_width: int = 64
    """Channels at the finest scale."""
    width_multipliers: tuple[int, ...] = (1, 2, 4)
    """Channels of each scale, finest first, in units of ``base_width``; each further one halves the size."""
    blocks: int = 10
    """Residual blocks at the coarsest scale: 10 in the paper's formula, 6 in the text of its Fig. 3."""
    outer_blocks: tuple[int, ...] = (0, 0)
    """Residual blocks at each finer scale, finest first, in the encoder and again in the decoder."""
    block_convolutions: Literal[2, 3] = 3
    """Convolutions in one residual block."""
    dropout: float = 0.5
    """After the first activation of a block, in training only."""
    leaky_slope: float = 0.2
    """Slope of the blocks' LeakyReLU; the paper gives none."""
    kernel_size: int = 7
    """Kernel size of the first and the last layer."""
    upsampling: Literal["nearest", "transposed", "shuffle"] = "nearest"
    """``nearest``: UC3 as in the paper's formula; ``transposed``: as in the text of its Fig. 3;
    ``shuffle``: 1x1 convolution and pixel shuffle, the cheapest."""
    output_skip: Literal["add", "average"] = "add"
    """``add``: input + G(input); ``average``: (input + G(input)) / 2, as the paper's likely ancestor has it."""
    unet_skips: bool = False
    """Add each encoder scale's features to the decoder's."""
    pixel_unshuffle: int = 1
    """Work on r x r pixels as channels: the stem sees 1/r of the resolution with 3 r^2 channels."""
    identity_start: bool = False
    """Start with a zero last layer, so that training starts from output = input."""
    history: int = 0
    """Frames before the current one that the network sees beside it, aligned to it; 0 in the paper. What is added
    costs the stem 3 more channels a frame, and the head one map a frame of how far to trust it."""
    history_median: bool = False
    """Offer the head the pixel-wise median of the current frame and two frames of history as a third image to take
    over, with a map of trust of its own. Where alignment holds, all of a rain goes by one decision for a region
    instead of one for each streak."""

    path: bool = False
    """Show the network the current frame along its own motion, too (``images.blur_path``), as one more image beside it.
    For blur: what a pixel was mixed with is known then, but for how far."""
    recurrent: bool = False
    """Of two frames of history, show the network its own restoration of the newer one in place of the older one, as
    frame-recurrent networks see it (Sajjadi et al. 2018). The shape is the same."""

    def __post_init__(self) -> None:
        # YAML and JSON give lists; a frozen dataclass that is hashable wants tuples.
        object.__setattr__(self, "width_multipliers", tuple(self.width_multipliers))
        object.__setattr__(self, "outer_blocks", tuple(self.outer_blocks))
        if self.base_width < 1 or not self.width_multipliers or min(self.width_multipliers) < 1:
            raise ValueError(
                f"base_width={self.base_width} and width_multipliers={self.width_multipliers} must be positive"
            )
        if len(self.outer_blocks) != len(self.width_multipliers) - 1:
            raise ValueError(
                f"outer_blocks={self.outer_blocks} must have one entry for each scale but the coarsest: "
                f"{len(self.width_multipliers) - 1}"
            )
        if self.blocks < 0 or any(n < 0 for n in self.outer_blocks):
            raise ValueError(
                f"blocks={self.blocks} and outer_blocks={self.outer_blocks} must not be negative"
            )
        if self.block_convolutions not in (2, 3):
            raise ValueError(f"block_convolutions={self.block_convolutions} must be 2 or 3")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout} must lie in [0, 1)")
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size={self.kernel_size} must be odd")
        if self.upsampling not in ("nearest", "transposed", "shuffle"):
            raise ValueError(f"upsampling={self.upsampling!r} must be nearest, transposed or shuffle")
        if self.output_skip not in ("add", "average"):
            raise ValueError(f"output_skip={self.output_skip!r} must be add or average")
        if self.pixel_unshuffle < 1:
            raise ValueError(f"pixel_unshuffle={self.pixel_unshuffle} must be at least 1")
        scales = (*self.width_multipliers, self.pixel_unshuffle, len(self.width_multipliers))
        counts = (self.blocks, *self.outer_blocks, self.kernel_size)
        if max(self.widths) > 8192 or max(scales) > 64 or max(counts) > 255:
            raise ValueError(
                f"widths={self.widths}, pixel_unshuffle={self.pixel_unshuffle}, blocks={self.blocks}, "
                f"outer_blocks={self.outer_blocks}, kernel_size={self.kernel_size}: at most 8192 channels, 64 "
                "scales and times, 255 blocks and pixels"
            )
        if not 0 <= self.history <= 8:
            raise ValueError(f"history={self.history} must lie in [0, 8]")
        if self.history_median and self.history != 2:
            raise ValueError(f"history_median=True is for history=2, not history={self.history}")
        if self.recurrent and self.history != 2:
            raise ValueError(f"recurrent=True is for history=2, not history={self.history}")
        if self.path and not (self.history and self.pixel_unshuffle == 2):
            raise ValueError(
                f"path=True is for a network with history and pixel_unshuffle=2, not history={self.history} and "
                f"pixel_unshuffle={self.pixel_unshuffle}"
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each scale, finest first."""
        return tuple(self.base_width * m for m in self.width_multipliers)

    @property
    def input_channels(self) -> int:
        """Channels of the input: RGB of the current frame, then of each image beside it."""
        return 3 * (1 + self.images_beside)

    @property
    def images_beside(self) -> int:
        """Images that the network takes beside the current frame: its history, newest first, and the ``path``."""
        return self.history + self.path

    @property
    def blended_images(self) -> int:
        """Images beside the current one that the output takes over from, each with a map of trust."""
        return self.history + self.history_median

    @property
    def size_multiple(self) -> int:
        """Height and width of the input must be multiples of this number of pixels."""
        return int(self.pixel_unshuffle * 2 ** (len(self.width_multipliers) - 1))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any], what: str = "the generator's config") -> "GeneratorConfig":
        """The inverse of ``to_dict``.

        Raises:
            ValueError: a key that is not a field, or a value of another type or out of range; ``what`` names it.
        """
        return build(cls, values, what)
