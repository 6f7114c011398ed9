# SPDX-License-Identifier: Apache-2.0
"""A generator with its pre- and post-processing: uint8 images in, uint8 images out, one graph.

Every runtime compiles this module, never the bare generator, so that normalising, the skip from the input,
rounding and clamping happen once, in one place, and on the device.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restoregan_core.models.generator import Generator


class FrameNetwork(nn.Module):
    """uint8 (B, H, W, C) -> the restored image, uint8 RGB (B, H, W, 3), and the mean residual, a float32 scalar.

    The input holds the current frame and then, for a generator with history, the frames before, newest first, each
    aligned to the current one, and its ``images.blur_path`` if it looks at that: ``config.input_channels`` in all. What
    is beside the current frame may also come as an input of its own.

    The generator's change is rounded to whole grey levels and added to the levels that came in; these are
    whole numbers below 256, exact in float16 and in bfloat16. So half precision costs nothing on what the
    network leaves alone: a residual of zero gives the image bit for bit.

    The mean of the residual is there to be tested for NaN: the cast to uint8 hides one.

    Args:
        generator: in eval mode, in the dtype to compute in.
        pads: repeat the last row and column up to a multiple of ``size_multiple`` and crop the output to
            match. Without, height and width must be such multiples, and the graph may be of dynamic shape.
    """

    def __init__(self, generator: Generator, *, pads: bool = True) -> None:
        super().__init__()
        self.generator = generator
        self.pads = pads
        self.size_multiple = generator.config.size_multiple
        self.averages = generator.config.output_skip == "average"

    def forward(self, frames_BHWC: Tensor, history_BHWC: Tensor | None = None) -> tuple[Tensor, Tensor]:
        dtype = next(self.generator.parameters()).dtype
        height, width = frames_BHWC.shape[1:3]
        # Cast before, and after, anything else: TensorRT takes and gives uint8 but computes nothing in it.
        frames_BCHW = frames_BHWC.to(dtype).permute(0, 3, 1, 2)
        if history_BHWC is not None:
            frames_BCHW = torch.cat([frames_BCHW, history_BHWC.to(dtype).permute(0, 3, 1, 2)], 1)
        if self.pads:
            right, bottom = -width % self.size_multiple, -height % self.size_multiple
            if right or bottom:
                frames_BCHW = F.pad(frames_BCHW, (0, right, 0, bottom), mode="replicate")
        r = self.generator.config.pixel_unshuffle
        restored_BCHW, mean_residual = self._restore(
            F.pixel_unshuffle(frames_BCHW, r) if r > 1 else frames_BCHW
        )
        restored_BCHW = F.pixel_shuffle(restored_BCHW, r) if r > 1 else restored_BCHW
        if self.pads:
            restored_BCHW = restored_BCHW[:, :, :height, :width]
        return restored_BCHW.permute(0, 2, 3, 1).to(torch.uint8), mean_residual

    def _restore(self, unshuffled_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        current_BCHW, *beside = unshuffled_BCHW.split(3 * self.generator.config.pixel_unshuffle**2, 1)
        x_BCHW = (current_BCHW - 127.5) / 127.5
        # From the grey levels, exact in half precision, and before anything of all frames takes memory.
        changes = self.generator.changes(current_BCHW, beside, 127.5, 127.5)
        residual_BCHW = self.generator.unshuffled_residual(x_BCHW, changes)
        if self.averages:
            residual_BCHW = (residual_BCHW - x_BCHW) / 2
        restored_BCHW = current_BCHW + torch.round(residual_BCHW * 127.5)
        # float32: a sum over millions of values would overflow float16.
        return restored_BCHW.clamp(0, 255), residual_BCHW.float().mean()
