# SPDX-License-Identifier: Apache-2.0
"""From the node's settings to a warmed pipeline."""

import sys
from typing import TYPE_CHECKING

import numpy as np

from restoregan_core.concurrency import half_of_the_cores
from restoregan_ros.parameters import NodeSettings

if TYPE_CHECKING:
    from restoregan_core.pipeline import RestorationPipeline


def open_pipeline(settings: NodeSettings) -> "RestorationPipeline":
    """Load the network; takes seconds.

    Raises:
        ValueError, RuntimeError: the model or the runtime is not available; the message says why.
    """
    # Imported here, where the node is configured: it may take seconds.
    from restoregan_core.loading import load_pipeline

    pipeline = load_pipeline(
        settings.model,
        runtime=settings.runtime,
        device=settings.device,
        precision=settings.precision,
        build_if_missing=settings.build_if_missing,
        engine_dir=settings.engine_dir or None,
        assessor=settings.assessor,
        threads=settings.threads,
    )
    # An OpenMP pool of all cores starves the threads that receive and publish.
    if not settings.threads and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(half_of_the_cores())
    return pipeline


def warm_up(pipeline: "RestorationPipeline", settings: NodeSettings) -> None:
    """Run assessor and network once at each of ``warm_up_sizes``, so that the first frames are not late."""
    for size in settings.warm_up_sizes:
        if size:
            height, width = map(int, size.split("x"))
            pipeline.assessor.assess(np.zeros((height, width, 3), np.uint8))
            pipeline.restorer.warm_up(height, width)
