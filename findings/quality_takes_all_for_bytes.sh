#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV's quality module takes every image for one of 8 bits: in [0, 1] all are alike, in 16 bits PSNR is negative.
#
# Versions:  opencv-contrib-python-headless 4.14.0.94, numpy 2.4.6.
# Guess:     SSIM and GMSD have no argument for the range, so they know it by the type, or refuse.
# Seen:      one noisy image as bytes, as 16 bits (times 257) and as floats in [0, 1]: SSIM 0.576, 0.409, 0.99997; GMSD
#            0.049, 0.128, 0.000002; PSNR, whose argument is 255 unless it is given, 28.1, -20.1 and 76.3 dB.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-contrib-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/quality.py" <<'P'
import cv2
import numpy as np

random = np.random.default_rng(0)
image = cv2.GaussianBlur(random.integers(0, 256, (100, 120), np.uint8), (0, 0), 2)
noisy = (image + random.normal(0, 10, image.shape)).clip(0, 255).astype(np.uint8)
MEASURES = {
    "SSIM": cv2.quality.QualitySSIM_compute,
    "GMSD": cv2.quality.QualityGMSD_compute,
    "PSNR": cv2.quality.QualityPSNR_compute,
}


def measured(name, convert):
    found = {measure: compute(convert(image), convert(noisy))[0][0] for measure, compute in MEASURES.items()}
    print(f"{name}: " + ", ".join(f"{measure} {value:.6g}" for measure, value in found.items()))
    return found


as_bytes = measured("uint8", lambda pixels: pixels)
as_floats = measured("float32 in [0, 255]", lambda pixels: pixels.astype(np.float32))
in_one = measured("float32 in [0, 1]", lambda pixels: (pixels / 255).astype(np.float32))
in_16_bits = measured("uint16", lambda pixels: pixels.astype(np.uint16) * 257)
assert all(abs(as_bytes[measure] - as_floats[measure]) < 1e-4 for measure in MEASURES)
assert as_bytes["SSIM"] < 0.7 and in_one["SSIM"] > 0.9999 and in_16_bits["SSIM"] < as_bytes["SSIM"] - 0.1
assert as_bytes["GMSD"] > 0.03 and in_one["GMSD"] < 1e-5 and in_16_bits["GMSD"] > 2 * as_bytes["GMSD"]
assert in_16_bits["PSNR"] < 0 < 70 < in_one["PSNR"]
P
"$work/venv/bin/python" "$work/quality.py"
