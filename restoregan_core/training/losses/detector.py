# SPDX-License-Identifier: Apache-2.0
"""A detector's own features, and a loss on them: restore what a detector will look at.

The detector is an ONNX file of the YOLOX family, run by torch so that gradients come through. Compared is what
enters the joins between its scales, where coarse and fine features meet on their way to its heads: boxes and
classes are read from nothing else.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE_PX = 32
"""Stride of the coarsest scale: the sides of images must be multiples of it."""

_Attributes = dict[str, Any]


class DetectorFeatures(nn.Module):
    """The joined features of a frozen detector.

    Forward takes float (B, 3, H, W) RGB in [-1, 1], sides multiples of ``STRIDE_PX``, and returns a tensor
    (B, C, H / stride, W / stride) for each join.

    Args:
        path: the ONNX file. Its input is BGR of 0 to 255, as YOLOX takes it.

    Attributes:
        joins: names of the tensors that are returned.

    Raises:
        ValueError: no such file, not an ONNX file, an operator that is not known here or is used in a way that is
            not, or no joins between scales.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        graph = _read(path)
        self._input = graph.input[0].name
        joins = _joins(graph)
        if not joins:
            raise ValueError(
                f"{os.fspath(path)}: no joins between scales; give a detector of the YOLOX family"
            )
        self.joins = joins
        self._nodes = list(_needed(graph, joins))
        unknown = sorted({node.op_type for node, _ in self._nodes} - set(_OPERATORS))
        if unknown:
            raise ValueError(f"{os.fspath(path)}: operators that are not known here: {', '.join(unknown)}")
        self._constants: dict[str, str] = {}
        for number, (name, array) in enumerate(_constants(graph)):
            self._constants[name] = f"constant_{number}"
            self.register_buffer(f"constant_{number}", torch.from_numpy(array.copy()))
        try:
            self(torch.zeros(1, 3, 2 * STRIDE_PX, 2 * STRIDE_PX))
        except (KeyError, RuntimeError, ValueError) as error:  # now, not after hours of preparation
            raise ValueError(f"{os.fspath(path)} cannot be run: {error}") from error

    def forward(self, image_BCHW: Tensor) -> list[Tensor]:
        values = {name: getattr(self, buffer) for name, buffer in self._constants.items()}
        values[self._input] = ((image_BCHW + 1) * 127.5).flip(1)
        for node, attributes in self._nodes:
            inputs = [values[name] for name in node.input if name]
            values[node.output[0]] = _OPERATORS[node.op_type](inputs, attributes)
        return [values[name] for name in self.joins]


class DetectorLoss(nn.Module):
    """Mean absolute difference of a detector's features, relative to their mean size; mean over the joins.

    Shape: two batches (B, 3, H, W) RGB in [-1, 1] -> scalar. 0: the detector sees no difference; 1: as much as
    there is to see.
    """

    def __init__(self, features: DetectorFeatures) -> None:
        super().__init__()
        self.features = features

    def forward(self, restored_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = [join.float() for join in self.features(target_BCHW)]
        found = [join.float() for join in self.features(restored_BCHW)]
        pairs = zip(found, wanted, strict=True)
        return torch.stack([(a - b).abs().mean() / (b.abs().mean() + 1e-6) for a, b in pairs]).mean()


def _read(path: str | os.PathLike[str]) -> Any:
    import onnx

    if not Path(path).is_file():
        raise ValueError(f"no detector at {os.fspath(path)!r}: set detector.weights to an ONNX file")
    try:
        return onnx.load(os.fspath(path)).graph
    except Exception as error:  # protobuf's exception types are private
        raise ValueError(f"{os.fspath(path)} is not an ONNX file") from error


def _joins(graph: Any) -> list[str]:
    """Concatenations of something that was enlarged, or that is going to be, with features of another scale."""
    resizes = [node for node in graph.node if node.op_type == "Resize"]
    between_scales = {node.output[0] for node in resizes} | {node.input[0] for node in resizes}
    joins = (node for node in graph.node if node.op_type == "Concat" and between_scales & set(node.input))
    return [node.output[0] for node in joins]


def _needed(graph: Any, wanted: list[str]) -> Iterator[tuple[Any, _Attributes]]:
    """The nodes that make the wanted tensors, in order, with their attributes."""
    from onnx.helper import get_attribute_value

    names = set(wanted)
    for node in reversed(graph.node):
        if names & set(node.output) and node.op_type != "Constant":
            names |= set(node.input)
    for node in graph.node:
        if names & set(node.output) and node.op_type != "Constant":
            yield node, {a.name: get_attribute_value(a) for a in node.attribute}


def _constants(graph: Any) -> Iterator[tuple[str, Any]]:
    from onnx.numpy_helper import to_array

    for tensor in graph.initializer:
        yield tensor.name, to_array(tensor)
    for node in graph.node:
        if node.op_type == "Constant":
            yield node.output[0], to_array(node.attribute[0].t)


def _convolve(inputs: list[Tensor], a: _Attributes) -> Tensor:
    _only(a, auto_pad=b"NOTSET")
    weights, bias = inputs[1], inputs[2] if len(inputs) > 2 else None
    return F.conv2d(inputs[0], weights, bias, a["strides"], _padding(a), a["dilations"], a["group"])


def _pool(inputs: list[Tensor], a: _Attributes) -> Tensor:
    _only(a, auto_pad=b"NOTSET", ceil_mode=0, dilations=[1, 1])
    return F.max_pool2d(inputs[0], a["kernel_shape"], a["strides"], _padding(a))


def _only(a: _Attributes, **known: Any) -> None:
    """Refuses an attribute that would change the result and is not computed here."""
    for name, value in known.items():
        if a.get(name, value) != value:
            raise ValueError(f"{name} {a[name]}: only {value} is known here")


def _padding(a: _Attributes) -> list[int]:
    pads: list[int] = a["pads"]
    if pads[:2] != pads[2:]:
        raise ValueError(f"pads {pads}: only equal ones on both sides are known here")
    return pads[:2]


def _enlarge(inputs: list[Tensor], a: _Attributes) -> Tensor:
    if a.get("mode") != b"nearest" or inputs[-1].tolist() != [1, 1, 2, 2]:
        raise ValueError(f"Resize {a.get('mode')} by {inputs[-1].tolist()}: only nearest by 2 is known here")
    place = a.get("coordinate_transformation_mode", b"half_pixel")
    rounding = a.get("nearest_mode", b"round_prefer_floor")
    if (place, rounding) not in _DOUBLING:
        raise ValueError(f"Resize {place} with {rounding}: only what doubles each pixel is known here")
    return F.interpolate(inputs[0], scale_factor=2.0, mode="nearest")


def _slice(inputs: list[Tensor], _: _Attributes) -> Tensor:
    image, starts, ends, axes, steps = inputs
    cut = [slice(None)] * image.dim()
    last = np.iinfo(np.int32).max  # stands for the end
    for start, end, axis, step in zip(*(t.tolist() for t in (starts, ends, axes, steps)), strict=True):
        cut[axis] = slice(start, None if end >= last else end, step)
    return image[tuple(cut)]


_DOUBLING = {
    (b"asymmetric", b"floor"),
    (b"asymmetric", b"round_prefer_floor"),
    (b"half_pixel", b"round_prefer_floor"),
    (b"half_pixel", b"round_prefer_ceil"),
    (b"pytorch_half_pixel", b"round_prefer_floor"),
    (b"pytorch_half_pixel", b"round_prefer_ceil"),
}
"""Pairs of ``coordinate_transformation_mode`` and ``nearest_mode`` that repeat each pixel when they enlarge by 2."""

_OPERATORS: dict[str, Callable[[list[Tensor], _Attributes], Tensor]] = {
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "Concat": lambda inputs, a: torch.cat(inputs, a["axis"]),
    "Conv": _convolve,
    "MaxPool": _pool,
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "Resize": _enlarge,
    "Sigmoid": lambda inputs, _: torch.sigmoid(inputs[0]),
    "Slice": _slice,
}
