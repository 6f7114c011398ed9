# SPDX-License-Identifier: Apache-2.0
"""What OpenVINO compiles against what the other runtimes do, both in eager PyTorch."""

import numpy as np
import pytest
import torch

from restoregan_core.images.planes import from_planes, to_planes
from restoregan_core.models.generator import Generator
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.models.int8 import convolutions, with_int8
from restoregan_core.runtimes.frame_network import FrameNetwork
from restoregan_core.runtimes.planes_network import PlanesNetwork

SMALL = {
    "base_width": 8,
    "width_multipliers": (1, 2),
    "outer_blocks": (1,),
    "blocks": 1,
    "block_convolutions": 2,
}
CONFIGS = {
    "history and median": {
        "pixel_unshuffle": 2,
        "history": 2,
        "history_median": True,
        "upsampling": "shuffle",
    },
    "the path, too": {
        "pixel_unshuffle": 2,
        "history": 2,
        "history_median": True,
        "path": True,
        "upsampling": "shuffle",
    },
    "one frame before": {"pixel_unshuffle": 2, "history": 1, "upsampling": "shuffle", "unet_skips": True},
    "single pixels": {"upsampling": "nearest"},
    "average": {"pixel_unshuffle": 2, "output_skip": "average", "upsampling": "transposed"},
}


@pytest.mark.parametrize("on_integers", [False, True], ids=["floats", "integers"])
@pytest.mark.parametrize("config", CONFIGS)
def test_planes_come_out_as_the_frame_does(config, on_integers):
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(**SMALL, **CONFIGS[config])).eval().requires_grad_(False)
    torch.nn.init.normal_(generator.head.weight, std=0.05)
    if on_integers:
        with_int8(generator, convolutions(generator))
        for name, buffer in generator.named_buffers():
            if name.endswith("input_scale"):
                buffer.fill_(0.02)
        generator.load_state_dict(generator.state_dict())  # which is when scales are read
    frames = np.random.default_rng(0).integers(0, 256, (1, 16, 24, generator.config.input_channels), np.uint8)

    expected, mean = FrameNetwork(generator)(torch.from_numpy(frames))
    block = generator.config.pixel_unshuffle
    planes, mean_of_planes = PlanesNetwork(generator)(torch.from_numpy(to_planes(frames, block)))

    assert float((expected.float() - torch.from_numpy(frames[..., :3]).float()).abs().mean()) > 1
    difference = np.abs(from_planes(planes.numpy(), block).astype(int) - expected.numpy())
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01, "sums in another order round otherwise now and then, no more"
    assert float(mean_of_planes) == pytest.approx(float(mean), abs=1e-4)
