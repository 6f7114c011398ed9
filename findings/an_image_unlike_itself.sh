#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# By torchmetrics an image compared with itself has a UQI of 0.86 and an SCC of 0.93; its VIF of a noisy image is 0.31
# or 0.95, by the range.
#
# Versions:  torchmetrics 1.9.0, torch 2.13.0, scikit-image 0.26.0 (the photograph).
# Guess:     an index whose best value is 1 is 1 for two equal images; and a metric without a data_range does not
#            depend on whether pixels are in [0, 1] or in [0, 255].
# Seen:      equal images: universal_image_quality_index 0.859, spatial_correlation_coefficient 0.934; with one half of
#            the image blown out, as a bright sky is, 0.49 and 0.51, for flat regions count as 0.
#            visual_information_fidelity with noise of 20 of 255: 0.307 in [0, 255], 0.952 in [0, 1]; and nan for two
#            equal flat images in [0, 1].
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  torchmetrics==1.9.0 torch==2.13.0 scikit-image==0.26.0 numpy==2.4.6
cat > "$work/metrics.py" <<'P'
import math

import torch
from skimage import data
from torchmetrics.functional.image import (
    spatial_correlation_coefficient,
    universal_image_quality_index,
    visual_information_fidelity,
)

photograph = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None] / 255
bright_sky = photograph.clone()
bright_sky[..., 256:] = 1
flat = torch.full((1, 3, 256, 256), 0.5)
torch.manual_seed(0)
noisy = (photograph + torch.randn_like(photograph) * 20 / 255).clamp(0, 1)


def compared_with_itself(name, image):
    found = float(universal_image_quality_index(image, image)), float(spatial_correlation_coefficient(image, image))
    print(f"{name}: UQI {found[0]:.3f}, SCC {found[1]:.3f}")
    return found


assert all(0.8 < value < 0.95 for value in compared_with_itself("photograph", photograph))
assert all(0.4 < value < 0.6 for value in compared_with_itself("one half blown out", bright_sky))
assert compared_with_itself("flat", flat) == (0, 0)

bytes_, unit = (float(visual_information_fidelity(noisy * r, photograph * r)) for r in (255, 1))
print(f"VIF of the noisy photograph: {bytes_:.3f} in [0, 255], {unit:.3f} in [0, 1]")
assert bytes_ < 0.35 and unit > 0.9
bytes_, unit = (float(visual_information_fidelity(flat * r, flat * r)) for r in (255, 1))
print(f"VIF of two flat images: {bytes_} in [0, 255], {unit} in [0, 1]")
assert bytes_ == 1 and math.isnan(unit)
P
"$work/venv/bin/python" "$work/metrics.py"
