# SPDX-License-Identifier: Apache-2.0
"""How far a generator sees, from its config alone."""

from restoregan_core.models.generator_config import GeneratorConfig


def receptive_field(config: GeneratorConfig) -> int:
    """Side in input pixels of a square, centred on an output pixel, that holds all the pixels it depends on.

    An upper bound: where a pixel lies in its stride cell is not looked at. Tiles that overlap by half of it
    on each side, and begin at multiples of ``config.size_multiple``, give the same image as the whole.
    """
    step = config.pixel_unshuffle  # input pixels between neighbouring positions of the current scale
    block = 2 * config.block_convolutions
    field = step + 2 * (config.kernel_size - 1) * step  # stem and head
    for outer_blocks in config.outer_blocks:
        field += 2 * outer_blocks * block * step  # encoder and decoder
        field += 2 * step  # strided 3x3
        if config.upsampling != "shuffle":
            field += 2 * step  # the 3x3 after (or in) the upsampling
        step *= 2
        field += step  # the cell that one coarse position covers
    return field + config.blocks * block * step
