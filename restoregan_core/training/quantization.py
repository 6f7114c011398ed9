# SPDX-License-Identifier: Apache-2.0
"""Scales for a trained network's convolutions to compute on 8-bit integers: chosen by samples, not learnt.

Each convolution is looked at by itself. Of some ways to divide the difficulty between its input and its weights
(``Int8Conv2d.smoothing``), and some shares of the input's range to keep, that one is taken which changes its output
least on what the float network feeds it. The first convolution behind each skip stays one of floats: it reads the sum
of fine and coarse features, whose ranges are the most unlike, and three of them are half of the whole loss.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from itertools import count

import torch
from torch import Tensor, nn

from restoregan_core.data.sources import TrainingSource
from restoregan_core.models.generator import Generator
from restoregan_core.models.int8 import HIGHEST, Int8Conv2d, convolutions
from restoregan_core.models.lazy_network import Weights
from restoregan_core.training.unrolled import inputs_of

_STRENGTHS = 0.0, 0.25, 0.4, 0.5, 0.6, 0.75, 0.85, 1.0
"""Of the smoothing: 0 leaves the channels as they are, 1 gives them one range."""
_RANGES = 0.35, 0.5, 0.65, 0.8, 0.9, 1.0
"""Shares of the largest value that are kept; what is beyond is clipped."""
_PATCH = 24
"""Side of what is kept of each sample's input to a layer, in its pixels: all of it would take gigabytes."""
_LEAST = 1e-9


def draw_inputs(source: TrainingSource, generator: Generator, size: int) -> Iterator[Tensor]:
    """Samples for ``choose_scales``, without end.

    Args:
        source: its recipe's samples are of the generator's kind. Of a recurrent one's, the first and the last frame of
            each sequence are inputs: one without anything before it, one with what the generator made of all before.
        generator: in eval mode.
        size: side of each, px.
    """
    if not generator.config.recurrent:
        return (source.samples([number], size).input_BCHW[0] for number in count())
    # A network of its own, copied now: ``choose_scales`` listens to all that goes through the other one.
    network = copy.deepcopy(generator)

    def first_and_last(number: int) -> tuple[Tensor, Tensor]:
        first, *_, last = inputs_of(source.sequences([number], size), network)
        return first, last

    return (input_BCHW[0].add(1).div(2) for number in count() for input_BCHW in first_and_last(number))


@torch.no_grad()
def choose_scales(generator: Generator, inputs: Iterable[Tensor]) -> Weights:
    """What ``Int8Conv2d`` needs beside the weights: name -> float32 array.

    Args:
        generator: in eval mode, in float32; is not changed.
        inputs: samples, each float32 (``config.input_channels``, H, W) in [0, 1]: of every kind that it will meet, the
            clean ones included, for these show the least error.

    Raises:
        ValueError: no sample.
    """
    layers = _layers(generator)
    seen = _inputs_of_layers(generator, layers, inputs)
    if not all(seen.values()):
        raise ValueError("no sample to choose scales by: give at least one")
    scales: dict[str, Tensor] = {}
    for name, layer in layers.items():
        patches_BCHW, largest_C = _together(seen.pop(name))
        chosen = _best(layer, patches_BCHW, largest_C)
        scales[f"{name}.input_scale"] = chosen.input_scale
        scales[f"{name}.smoothing"] = chosen.smoothing
    return {name: value.numpy() for name, value in scales.items()}


def _layers(generator: Generator) -> dict[str, nn.Conv2d]:
    found = convolutions(generator)
    if generator.config.unet_skips:
        for scale in range(len(generator.decoder)):
            found.pop(f"decoder.{scale}.0.body.0", None)
    return found


def _inputs_of_layers(
    generator: Generator, layers: dict[str, nn.Conv2d], inputs: Iterable[Tensor]
) -> dict[str, list[tuple[Tensor, Tensor]]]:
    """Of each layer and sample a patch of its input, and the largest value in each channel."""
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in layers}
    draw = torch.Generator().manual_seed(0)

    def remember(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            x_CHW = arguments[0][0]
            sides = [min(side, _PATCH) for side in x_CHW.shape[1:]]
            top, left = (
                int(torch.randint(whole - side + 1, (), generator=draw))
                for whole, side in zip(x_CHW.shape[1:], sides, strict=True)
            )
            patch_CHW = x_CHW[:, top : top + sides[0], left : left + sides[1]].clone()
            seen[name].append((patch_CHW, x_CHW.abs().amax((1, 2))))

        return hook

    hooks = [layer.register_forward_pre_hook(remember(name)) for name, layer in layers.items()]
    try:
        for x_CHW in inputs:
            generator(x_CHW[None].mul(2).sub(1))
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _together(seen: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    patches, largest = zip(*seen, strict=True)
    return torch.stack(patches), torch.stack(largest).amax(0)


def _best(layer: nn.Conv2d, patches_BCHW: Tensor, largest_C: Tensor) -> Int8Conv2d:
    """The layer with the scales that change its output least, relative to what it gives for each sample."""
    expected_BCHW = layer(patches_BCHW)
    power_B = expected_BCHW.square().mean((1, 2, 3)).clamp_min(_LEAST)
    candidates: list[tuple[float, int, Int8Conv2d]] = []
    for strength in _STRENGTHS:
        smoothing_C = _smoothing(layer, largest_C, strength)
        reach = float((largest_C / smoothing_C).max())
        for kept in _RANGES:
            candidate = Int8Conv2d(layer, max(kept * reach, _LEAST) / HIGHEST, smoothing_C)
            error_B = (candidate(patches_BCHW) - expected_BCHW).square().mean((1, 2, 3))
            candidates.append((float((error_B / power_B).mean()), len(candidates), candidate))
    return min(candidates)[2]


def _smoothing(layer: nn.Conv2d, largest_C: Tensor, strength: float) -> Tensor:
    if not strength:
        return torch.ones_like(largest_C)
    of_inputs_C = largest_C.clamp_min(1e-4 * float(largest_C.max()) + _LEAST)
    of_weights_C = layer.weight.abs().amax((0, 2, 3)).clamp_min(1e-6)
    smoothing_C = of_inputs_C**strength / of_weights_C ** (1 - strength)
    return smoothing_C / smoothing_C.median()
