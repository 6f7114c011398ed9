#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In Lightning Fabric on one device only forward() runs in mixed precision, marked methods do not.
#
# Versions:  lightning-fabric 2.6.6, torch 2.13.0, on the CPU.
# Guess:     calling another method of a module that was set up raises and asks for mark_forward_method; once it is
#            marked it runs in bfloat16 as forward() does.
# Seen:      without a distributed strategy neither happens: the method runs in float32, marked or not, silently.
#            `with fabric.autocast():` around the call makes it bfloat16.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
"$work/venv/bin/pip" install --quiet --disable-pip-version-check lightning-fabric==2.6.6 torch==2.13.0
"$work/venv/bin/python" - <<'P'
import torch
from lightning_fabric import Fabric

seen = []


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 4, 3)

    def features(self, image):
        result = self.convolution(image)
        seen.append(result.dtype)
        return result

    forward = features


fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
network, image = fabric.setup_module(Network()), torch.rand(1, 3, 8, 8)
network(image)
network.features(image)
network.mark_forward_method("features")
network.features(image)
with fabric.autocast():
    network.features(image)
print(dict(zip(("forward", "features", "features, marked", "features in autocast()"), seen)))
assert seen == [torch.bfloat16, torch.float32, torch.float32, torch.bfloat16]
P
