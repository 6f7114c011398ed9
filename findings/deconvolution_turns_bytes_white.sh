#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scikit-image's deconvolutions make an image of bytes white; its denoising functions bring bytes to [0, 1] themselves.
#
# Versions:  scikit-image 0.26.0, numpy 2.4.6.
# Guess:     the functions of skimage.restoration take an image of bytes alike: denoise_tv_chambolle gives the same for
#            bytes as for the image in [0, 1].
# Seen:      a blurred photograph: richardson_lucy, wiener and unsupervised_wiener of the image in [0, 1] have a mean of
#            0.47 to 0.49; of the bytes 0.96 to 1.00, for they compute with 0 to 255 and then cut to [-1, 1]. Nothing is
#            said. With clip=False richardson_lucy gives the image in levels of bytes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.26.0 numpy==2.4.6
cat > "$work/deblur.py" <<'P'
import numpy as np
from scipy.ndimage import uniform_filter
from skimage import data
from skimage.restoration import denoise_tv_chambolle, richardson_lucy, unsupervised_wiener, wiener

sharp = data.camera()[:256, :256]
blurred = uniform_filter(sharp.astype(float), 5).round().astype(np.uint8)
kernel = np.full((5, 5), 1 / 25)
for name, restore in {
    "richardson_lucy": lambda image: richardson_lucy(image, kernel, num_iter=10),
    "wiener": lambda image: wiener(image, kernel, 0.01),
    "unsupervised_wiener": lambda image: unsupervised_wiener(image, kernel, rng=0)[0],
}.items():
    of_bytes, of_floats = restore(blurred).mean(), restore(blurred / 255).mean()
    print(f"{name}: mean {of_bytes:.2f} of bytes, {of_floats:.2f} of the same image in [0, 1]")
    assert of_bytes > 0.95 and abs(of_floats - blurred.mean() / 255) < 0.03
assert np.allclose(denoise_tv_chambolle(blurred), denoise_tv_chambolle(blurred / 255))
unclipped = richardson_lucy(blurred, kernel, num_iter=10, clip=False).mean()
print(f"richardson_lucy without clipping: {unclipped:.0f} of {blurred.mean():.0f}")
assert abs(unclipped - blurred.mean()) < 5
P
"$work/venv/bin/python" "$work/deblur.py"
