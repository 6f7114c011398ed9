"""A generator with its pre- and post-processing: uint8 pictures in, uint8 pictures out, one graph.

Every runtime compiles this module, never the bare generator, so that normalising, the skip from the input,
rounding and clamping happen once, in one place, and on the device.
"""

import torch
from torch import Tensor, nn

from restoregan_core.models.generator import Generator


class FrameNetwork(nn.Module):
    """uint8 RGB (B, H, W, 3) -> the restored picture, the same, and the mean residual, a scalar.

    Height and width must be multiples of ``size_multiple``. The generator's change is rounded to whole grey
    levels and added to the integers that came in, so half precision costs nothing on what the network leaves
    alone: a residual of zero gives the picture bit for bit.

    The mean of the float residual is there to be tested for NaN: the cast to uint8 hides one.

    Args:
        generator: in eval mode, in the dtype to compute in.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator
        self.size_multiple = generator.config.size_multiple
        self.averages = generator.config.output_skip == "average"

    def forward(self, rgb_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        dtype = next(self.generator.parameters()).dtype
        # Subtracted before dividing: bf16 would lose two bits of a value near 1 that is then shifted.
        x_BCHW = (rgb_BHWC.permute(0, 3, 1, 2).to(dtype) - 127.5) / 127.5
        residual_BCHW = self.generator.residual(x_BCHW)
        if self.averages:
            residual_BCHW = (residual_BCHW - x_BCHW) / 2
        # float32: a mean over millions of half-precision values would overflow while it is summed.
        residual_BCHW = residual_BCHW.float()
        change_BHWC = torch.round(residual_BCHW * 127.5).to(torch.int32).permute(0, 2, 3, 1)
        restored_BHWC = (rgb_BHWC.to(torch.int32) + change_BHWC).clamp(0, 255).to(torch.uint8)
        return restored_BHWC, residual_BCHW.mean()
