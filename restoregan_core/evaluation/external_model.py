# SPDX-License-Identifier: Apache-2.0
"""Others' PyTorch networks, judged like ours: ``module:factory`` names a function that builds the network.

The factory runs code from the user's own Python path; its weights are read without executing any.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restoregan_core.images.rgb import RgbImage

VALUE_RANGES = {"signed": (-1.0, 1.0), "unit": (0.0, 1.0)}
_WRAPPERS = (
    "params_ema", "state_dict_ema", "model_ema", "ema", "params", "state_dict", "model_state_dict", "model",
    "generator", "net", "net_g", "netG", "G",
)  # fmt: skip


class ExternalModel:
    """A network float32 (B, 3, H, W) RGB -> the same, as a callable from uint8 RGB (H, W, 3) to the same.

    Args:
        factory: ``package.module:function``; called without arguments, returns the network.
        weights: its state dict: ``.safetensors``, or a file that ``torch.load(weights_only=True)`` reads.
            Usual wrappers (``params``, ``state_dict``) are taken off, and what stands before all names:
            ``module.`` of DataParallel, ``_orig_mod.`` of torch.compile, an attribute of Lightning's module.
        value_range: of the network's images: ``signed`` is [-1, 1], ours; ``unit`` is [0, 1], most others'.
        size_multiple: images are mirrored out to multiples of this, and the result is cut back.

    Raises:
        ValueError: the function does not exist or does not build a network, or the weights are not a state
            dict or do not fit.
    """

    def __init__(
        self,
        factory: str,
        weights: str | Path,
        *,
        value_range: str = "signed",
        size_multiple: int = 32,
        device: str = "auto",
    ) -> None:
        if value_range not in VALUE_RANGES:
            raise ValueError(f"no value range {value_range!r}; there are: {', '.join(VALUE_RANGES)}")
        self._low, self._high = VALUE_RANGES[value_range]
        self._size_multiple = size_multiple
        chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self._device = torch.device(chosen)
        network = _build(factory)
        try:
            network.load_state_dict(_without_prefix(_read_state(Path(weights)), network.state_dict().keys()))
        except RuntimeError as error:
            raise ValueError(f"{weights} does not fit {factory}: {error}") from error
        self._network = network.eval().to(self._device)
        digest = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
        self.name = f"{factory}-{digest[:12]}"

    def __call__(self, rgb_HWC: RgbImage) -> RgbImage:
        """Restore one image; rounds and clips as every image is before it is measured.

        Raises:
            ValueError: the network's output is not a finite image of the input's size.
        """
        height, width = rgb_HWC.shape[:2]
        x_BCHW = (
            torch.from_numpy(np.ascontiguousarray(rgb_HWC)).to(self._device).permute(2, 0, 1)[None].float()
        )
        x_BCHW = x_BCHW / 255 * (self._high - self._low) + self._low
        bottom, right = -height % self._size_multiple, -width % self._size_multiple
        mode = "reflect" if bottom < height and right < width else "replicate"
        with torch.inference_mode():
            y_BCHW = self._network(F.pad(x_BCHW, (0, right, 0, bottom), mode=mode))
        if not isinstance(y_BCHW, Tensor) or y_BCHW.shape != (1, 3, height + bottom, width + right):
            got = tuple(y_BCHW.shape) if isinstance(y_BCHW, Tensor) else type(y_BCHW).__name__
            raise ValueError(
                f"{self.name} gave {got} for one image of {height + bottom}x{width + right}: wrap it"
            )
        if not torch.isfinite(y_BCHW).all():
            raise ValueError(f"{self.name} gave a non-finite image")
        y_HWC = y_BCHW[0, :, :height, :width].permute(1, 2, 0)
        eight_bit = (
            ((y_HWC - self._low) / (self._high - self._low) * 255).round().clamp(0, 255).to(torch.uint8)
        )
        return eight_bit.cpu().numpy()


def _build(factory: str) -> nn.Module:
    module_name, _, function_name = factory.partition(":")
    try:
        function = getattr(import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{factory!r} does not name a function; write module:function ({error})") from error
    network = function()
    if not isinstance(network, nn.Module):
        raise ValueError(f"{factory} built a {type(network).__name__}, not a torch.nn.Module")
    return network


def _read_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(f"{path} is not a file of weights")
    try:
        state: Any
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises what the file makes it raise
        raise ValueError(
            f"{path} cannot be read safely as weights ({_refused(error)}): where you trust it, read it with"
            " torch.load(weights_only=False) and save its state dict alone"
        ) from error
    for key in _WRAPPERS:
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
            break
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path} does not hold a state dict: expected names and tensors")
    return dict(state)


def _refused(error: Exception) -> str:
    """What torch.load would not unpickle, or the first line of another error."""
    found = re.search(r"GLOBAL (\S+)|Unsupported (?:class|type) (\S+)", str(error))
    if found:
        return f"it holds {found[1] or found[2]}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _without_prefix(state: dict[str, Tensor], wanted: Collection[str]) -> dict[str, Tensor]:
    """The state without what stands before all of its names, as far as none of them is a name of the network."""
    while state and not any(name in wanted for name in state):
        prefixes = {name.partition(".")[0] for name in state}
        if len(prefixes) > 1 or not all("." in name for name in state):
            break
        state = {name.partition(".")[2]: value for name, value in state.items()}
    return state
