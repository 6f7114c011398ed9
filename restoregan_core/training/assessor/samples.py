# SPDX-License-Identifier: Apache-2.0
"""The assessor's samples in memory: made once by several processes, kept in the run folder, and mixed
differently in each pass."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from restoregan_core.data.assessment import AssessmentSample, AssessmentSource
from restoregan_core.data.sources import one_thread
from restoregan_core.training.checkpoint import load_checkpoint, save_checkpoint

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Samples:
    """Images with their truth, in memory."""

    images_NCHW: Tensor  # noqa: N815
    """uint8 RGB."""
    tiles_NERC: Tensor  # noqa: N815
    """float32 (N, 3, rows, columns), NaN where nobody knows."""
    frames_NE: Tensor  # noqa: N815
    """float32 (N, 3), likewise."""

    @classmethod
    def of(cls, made: list[AssessmentSample]) -> "Samples":
        """Stack samples of one size."""
        return cls(
            torch.from_numpy(np.stack([sample.image_CHW for sample in made])),
            torch.from_numpy(np.stack([sample.tiles for sample in made])),
            torch.from_numpy(np.stack([sample.frame for sample in made])),
        )

    def chosen(self, numbers: Tensor) -> "Samples":
        """Those of these numbers."""
        return Samples(self.images_NCHW[numbers], self.tiles_NERC[numbers], self.frames_NE[numbers])


def samples_of(source: AssessmentSource, count: int, workers: int, path: Path) -> Samples:
    """The first ``count`` samples; read from ``path`` if they were kept there before, else made and kept.

    Args:
        workers: processes that make them; 0 = this one.
    """
    key = json.dumps([asdict(source.config), source.seed, count])
    if path.is_file():
        kept = load_checkpoint(path)
        if kept["source"] == key and "images" in kept:
            return Samples(kept["images"], kept["tiles"], kept["frames"])
    made, told_s = [], time.monotonic()
    for sample in _made(source, count, workers):
        made.append(sample)
        if time.monotonic() - told_s > 30:
            told_s = time.monotonic()
            _LOG.info("%s: %d of %d made", path.name, len(made), count)
    samples = Samples.of(made)
    state = {"source": key, "images": samples.images_NCHW, "tiles": samples.tiles_NERC,
             "frames": samples.frames_NE}  # fmt: skip
    try:
        save_checkpoint(state, path)
    except OSError as error:
        _LOG.warning("%s: %s; a resumed run makes them again", path, error)
    return samples


def patchwork(samples: Samples, rng: np.random.Generator) -> Samples:
    """Each image's one part and the previous one's other, along tiles' edges; of their frames nobody knows the
    truth."""
    axis = int(rng.integers(2, 4))
    count = samples.tiles_NERC.shape[axis]
    edge = int(rng.integers(1, count)) if count > 1 else 1
    size = samples.images_NCHW.shape[axis] // count
    images, tiles = (
        torch.cat([whole.narrow(axis, 0, at), whole.roll(1, 0).narrow(axis, at, end - at)], axis)
        for whole, at, end in (
            (samples.images_NCHW, edge * size, count * size),
            (samples.tiles_NERC, edge, count),
        )
    )
    return Samples(images, tiles, torch.full_like(samples.frames_NE, torch.nan))


class _Numbered(Dataset):
    def __init__(self, source: AssessmentSource, count: int) -> None:
        self.source, self.count = source, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> AssessmentSample:
        return self.source.sample(index)


def _made(source: AssessmentSource, count: int, workers: int) -> Iterator[AssessmentSample]:
    loader = DataLoader(
        _Numbered(source, count), batch_size=None, num_workers=workers,
        worker_init_fn=one_thread if workers else None,
    )  # fmt: skip
    return iter(loader)
