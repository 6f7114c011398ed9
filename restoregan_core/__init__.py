# SPDX-License-Identifier: Apache-2.0
"""restoregan without ROS: networks, losses, training, evaluation, and the pipeline that the node runs.

Read ``restoregan_core/pipeline.py`` first.

Example:
    >>> import numpy as np
    >>> from restoregan_core import load_pipeline
    >>> pipeline = load_pipeline("lite", preset="balanced")  # blur, too; by default rain alone
    >>> frame_HWC = np.full((90, 160, 3), 128, np.uint8)
    >>> result = pipeline.process(frame_HWC, camera="front")
    >>> result.action.name
    'PASSED_THROUGH'
"""

from typing import TYPE_CHECKING, Any

from restoregan_core.version import __version__

if TYPE_CHECKING:
    from restoregan_core.loading import load_assessor, load_pipeline, load_restorer

__all__ = ["__version__", "load_assessor", "load_pipeline", "load_restorer"]


def __getattr__(name: str) -> Any:
    # Lazy, so that importing a light module of the package (images.encodings, say) does not import torch.
    if name in ("load_assessor", "load_pipeline", "load_restorer"):
        from restoregan_core import loading

        return getattr(loading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
