#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# torch.export.save puts the example input into the .pt2: an image that was used for tracing is shipped with the
# network.
#
# Versions:  torch 2.13.0, numpy 2.4.6.
# Guess:     the example gives shapes and types; the file holds the graph, the weights and those.
# Seen:      a network of 84 weights is a file of 490 kB after an example of 200 x 200 pixels, and of 9 kB after one
#            of 4 x 4; load(path).example_inputs gives every pixel back, although height and width are dynamic.
#            Tracing with zeros of the least size keeps the image out.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cat > "$work/example.py" <<'P'
import os

import torch

os.chdir(os.path.dirname(__file__))
network = torch.nn.Conv2d(3, 3, 3, padding=1)
free = ({2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO},)


def export(image):
    """The file's size and the example that comes back with the network."""
    torch.export.save(torch.export.export(network, (image,), dynamic_shapes=free), "network.pt2")
    (found,), _ = torch.export.load("network.pt2").example_inputs
    size = os.path.getsize("network.pt2")
    print(f"example of {tuple(image.shape)}: {size} bytes, {int((found == image).sum())} values of it come back")
    assert torch.equal(found, image)
    return size


torch.manual_seed(0)
small, large = export(torch.rand(1, 3, 4, 4)), export(torch.rand(1, 3, 200, 200))
assert sum(p.numel() for p in network.parameters()) == 84
assert small < 15_000 and large - small > 4 * 3 * 200 * 200 - 2000
P
"$work/venv/bin/python" "$work/example.py"
