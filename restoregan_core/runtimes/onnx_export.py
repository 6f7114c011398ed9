# SPDX-License-Identifier: Apache-2.0
"""A network as ONNX, with its pre- and post-processing inside: the way to trtexec, Isaac ROS and Jetson."""

import json
import logging
import os
import warnings
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from restoregan_core.files import atomic_write
from restoregan_core.models.generator import Generator
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.models.int8 import Int8Conv2d, settle
from restoregan_core.runtimes.frame_network import FrameNetwork
from restoregan_core.runtimes.torch_runtime import DTYPES

OPSET = 20
INPUT, HISTORY, OUTPUT, MEAN_RESIDUAL = "rgb", "history", "restored", "mean_residual"


def export_onnx(
    generator: Generator,
    path: str | os.PathLike[str],
    size: tuple[int, int] | None,
    precision: str = "fp16",
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write ``path``, atomically.

    The graph takes ``rgb``, uint8 (B, H, W, 3), and gives ``restored``, the same, and ``mean_residual``, a
    float32 scalar that is NaN if the network failed: then ``restored`` must not be used. A generator with history
    takes ``history`` besides, uint8 (B, H, W, 3 K), as ``restoration.history.AlignedHistory`` gives it: the frames
    before, newest first, each aligned to ``rgb`` (``images.failed_alignment``), or where ``config.recurrent`` says so
    the newest of them and what was ``restored`` of it, aligned alike; and ``images.blur_path.path_image`` last where
    ``config.path`` says so. Without frames before, give ``rgb`` in place of each, and the path image of no motion: a
    single image.

    The file's metadata says which: ``config`` is the generator's as JSON, as a weights file has it; ``inputs``, also
    JSON, names the images that each input holds side by side: ``frame``, ``frame-1`` and ``frame-2`` before it,
    ``restored-1``, ``path``.

    Args:
        generator: is not changed. With convolutions on integers each has a pair of QuantizeLinear and DequantizeLinear
            before its input and its weights.
        size: height and width in pixels, any, with a batch of one; None for a graph of dynamic batch, height
            and width, which must be multiples of ``config.size_multiple`` from twice that number on.
        precision: ``fp16`` or ``fp32``, of weights and arithmetic, beside the integers if there are any.
        metadata: what else the file is to say of itself.

    Raises:
        ValueError: another precision; or integers and no size, which PyTorch does not export.
    """
    if precision not in ("fp16", "fp32"):
        raise ValueError(f"no precision {precision!r} for ONNX; there are: fp16, fp32")
    if size is None and any(isinstance(module, Int8Conv2d) for module in generator.modules()):
        raise ValueError("a network on integers is exported for one size: give --size HEIGHTxWIDTH")
    copy = deepcopy(generator).eval().cpu().to(DTYPES[precision])
    settle(copy)
    network = FrameNetwork(copy, pads=size is not None).requires_grad_(False).eval()
    beside = 3 * generator.config.images_beside
    dynamic_shapes: tuple[dict[int, Any], ...] | None = None
    if size is None:
        multiple = network.size_multiple
        # Away from 0 and 1, which the exporter would take for constants.
        height, width = (multiple * torch.export.Dim(name, min=2, max=8192) for name in ("rows", "columns"))
        sizes = {0: torch.export.Dim("batch", min=1, max=64), 1: height, 2: width}
        dynamic_shapes = (sizes,) * (2 if beside else 1)
        example = torch.zeros(2, 8 * multiple, 12 * multiple, 3, dtype=torch.uint8)
    else:
        example = torch.zeros(1, *size, 3, dtype=torch.uint8)
    examples: tuple[Tensor, ...] = (example,)
    if beside:
        examples = (example, torch.zeros(*example.shape[:3], beside, dtype=torch.uint8))
    # It warns that torchvision, which nobody needs, is missing.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch's exporter about PyTorch
        program = torch.onnx.export(
            network,
            examples,
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT, HISTORY] if beside else [INPUT],
            output_names=[OUTPUT, MEAN_RESIDUAL],
            dynamic_shapes=dynamic_shapes,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update({**(metadata or {}), **_description(generator.config)})
    with atomic_write(Path(path), keep_suffix=True) as temporary:
        program.save(str(temporary))  # one file: all our networks are far below ONNX's 2 GB


def _description(config: GeneratorConfig) -> dict[str, str]:
    """What whoever runs the file has to know."""
    before = [f"frame-{k}" for k in range(1, 1 + config.history)]
    if config.recurrent:
        before = ["frame-1", "restored-1"]
    beside = [*before, *(["path"] if config.path else [])]
    inputs = {INPUT: ["frame"], **({HISTORY: beside} if beside else {})}
    return {"config": json.dumps(config.to_dict()), "inputs": json.dumps(inputs)}


def largest_difference(generator: Generator, path: str | os.PathLike[str], size: tuple[int, int]) -> int:
    """Run the file under ONNX Runtime against PyTorch in float32 on one image; the largest difference.

    Returns:
        In grey levels.
    """
    import numpy as np
    import onnxruntime

    rng = np.random.default_rng(0)
    # Smooth with some noise: like an image, so that a network's answer is too.
    ramp_HW = np.add.outer(np.linspace(0, 160, size[0]), np.linspace(0, 60, size[1]))
    rgb_HWC = ramp_HW[..., np.newaxis] + rng.normal(16, 8, (*size, 3))
    rgb_BHWC = rgb_HWC.clip(0, 255).astype(np.uint8)[np.newaxis]
    session = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    # Each older frame a little darker and shifted, so that the history is looked at.
    older = [
        np.roll(rgb_BHWC - rgb_BHWC // (8 * k), k, axis=2)
        for k in range(1, 1 + generator.config.images_beside)
    ]
    inputs = {INPUT: rgb_BHWC}
    if older:
        inputs[HISTORY] = np.concatenate(older, axis=3)
    got_BHWC = session.run([OUTPUT], inputs)[0]
    with torch.inference_mode():
        network = FrameNetwork(deepcopy(generator).eval().cpu().float())
        frames_BHWC = torch.from_numpy(np.concatenate([rgb_BHWC, *older], axis=3))
        expected_BHWC = network(frames_BHWC)[0].numpy()
    return int(np.abs(got_BHWC.astype(int) - expected_BHWC).max())
