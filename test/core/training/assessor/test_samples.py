# SPDX-License-Identifier: Apache-2.0
"""Promises of the assessor's samples in memory."""

import numpy as np
import torch

from restoregan_core.training.assessor.samples import Samples, patchwork


def test_patchwork_keeps_each_tile_with_its_truth() -> None:
    values = torch.arange(3).view(3, 1, 1, 1)
    samples = Samples(
        values.expand(3, 3, 256, 256).to(torch.uint8), values.expand(3, 3, 4, 4).float(), torch.zeros(3, 3)
    )
    seen = set()
    for seed in range(8):
        mixed = patchwork(samples, np.random.default_rng(seed))
        assert torch.isnan(mixed.frames_NE).all()
        assert torch.equal(mixed.images_NCHW[:, :, ::64, ::64].float(), mixed.tiles_NERC)
        assert all(len(torch.unique(one)) == 2 for one in mixed.tiles_NERC)
        seen.add(int((mixed.tiles_NERC[0] == 0).sum()))
    assert len(seen) > 1, "the edge moves"
