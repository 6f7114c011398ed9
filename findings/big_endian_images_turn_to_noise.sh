#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV and ONNX Runtime take a big-endian NumPy array for a native one; Pillow gives one for each big-endian TIFF.
#
# Versions:  pillow 13.0.0, tifffile 2026.3.3 (writes), opencv-python-headless 4.14.0.94, onnxruntime 1.32.0,
#            onnx 1.23.2, numpy 2.4.6.
# Guess:     an array that is not of the machine's byte order is converted or refused, as PyTorch refuses it.
# Seen:      a TIFF of 16 bits in big-endian order, levels 0, 1, 2: np.asarray(Image.open(...)) is right and has the
#            type >u2. OpenCV's resize, GaussianBlur, cvtColor, add and imencode make 0, 256, 512 of it, and return
#            a native array, so that nothing shows. ONNX Runtime reads big-endian floats 1, 2, 3 as 4.6e-41 and the
#            like. np.frombuffer(data, ">u2") of a ROS image with is_bigendian is such an array, too.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  pillow==13.0.0 tifffile==2026.3.3 opencv-python-headless==4.14.0.94 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat > "$work/order.py" <<'P'
import io

import cv2
import numpy as np
import onnxruntime
import tifffile
from onnx import parser
from PIL import Image

native = np.arange(48, dtype=np.uint16).reshape(6, 8)
file = io.BytesIO()
tifffile.imwrite(file, native, byteorder=">")
image = np.asarray(Image.open(file))
assert image.dtype == np.dtype(">u2") and np.array_equal(image, native)

for name, function in {
    "resize": lambda image: cv2.resize(image, (8, 6)),
    "cvtColor": lambda image: cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)[..., 0],
    "GaussianBlur": lambda image: cv2.GaussianBlur(image, (1, 1), 0),
    "add": lambda image: cv2.add(image, np.zeros_like(image)),
    "imencode": lambda image: cv2.imdecode(cv2.imencode(".png", image)[1], cv2.IMREAD_UNCHANGED),
}.items():
    seen = function(image)
    print(f"{name}: {image[0, :3].tolist()} becomes {seen[0, :3].tolist()}")
    assert np.array_equal(function(native), native)
    assert np.array_equal(seen, native.byteswap()) and seen.dtype == np.uint16

text = '<ir_version: 10, opset_import: ["" : 21]> same (float[n] x) => (float[n] y) { y = Identity(x) }'
session = onnxruntime.InferenceSession(parser.parse_model(text).SerializeToString())
levels = np.array([1, 2, 3], ">f4")
(seen,) = session.run(None, {"x": levels})
print(f"ONNX Runtime: {levels.tolist()} becomes {seen.tolist()}")
assert seen.max() < 1e-30
P
"$work/venv/bin/python" "$work/order.py"
