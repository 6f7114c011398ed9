# SPDX-License-Identifier: Apache-2.0
"""LPIPS (Zhang et al. 2018, AlexNet), by the authors' own package, where it and its weights are available.

Nothing is downloaded: the AlexNet weights must lie in torch.hub's cache already.
"""

from pathlib import Path
from typing import Any

import torch

from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.protocols import Scores

_ALEXNET_FILE = "alexnet-owt-7be5be79.pth"


class LpipsUnavailableError(RuntimeError):
    """LPIPS cannot be measured here; the message says in one line what is missing."""


class LpipsDistance:
    """Call it with two uint8 RGB images: ``{"lpips": distance}``, 0 for identical ones; less is better.

    Raises:
        LpipsUnavailableError: the package or its weights are missing.
    """

    def __init__(self) -> None:
        try:
            import lpips
        except ModuleNotFoundError as error:
            raise LpipsUnavailableError(f"{error.name} is not installed (pip install lpips)") from error
        weights = Path(torch.hub.get_dir()) / "checkpoints" / _ALEXNET_FILE
        if not weights.is_file():
            raise LpipsUnavailableError(f"AlexNet's weights are not in torch.hub's cache ({_ALEXNET_FILE})")
        self._network: Any = lpips.LPIPS(net="alex", verbose=False).eval()

    def __call__(self, image_HWC: RgbImage, reference_HWC: RgbImage) -> Scores:
        with torch.inference_mode():
            distance = self._network(_to_tensor(image_HWC), _to_tensor(reference_HWC))
        return {"lpips": float(distance)}


def _to_tensor(image_HWC: RgbImage) -> torch.Tensor:
    return torch.from_numpy(image_HWC.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
