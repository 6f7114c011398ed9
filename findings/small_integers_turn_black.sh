#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scikit-image makes an image of bytes black once it is of NumPy's usual integers: 200 becomes 2e-17.
#
# Versions:  scikit-image 0.26.0, numpy 2.4.6.
# Guess:     resize, gaussian and rgb2gray keep the levels 0 to 255 of an int64 array, as they do for floats, or divide
#            them by 255, as they do for bytes.
# Seen:      a grey of 200: 0.784 of uint8, 200 of float64, 2.2e-17 of int64 and 9.3e-8 of int32, for the whole range of
#            the type is taken for [-1, 1]. There is no warning. The difference of two images, a sum over frames and an
#            image out of a table of labels are such arrays; what comes out is black, and divided by its maximum right.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.26.0 numpy==2.4.6
cat > "$work/black.py" <<'P'
import warnings

import numpy as np
from skimage.color import rgb2gray
from skimage.filters import gaussian
from skimage.transform import resize

warnings.simplefilter("error")
functions = {"resize": lambda image: resize(image, (4, 4)), "gaussian": gaussian, "rgb2gray": rgb2gray}
expected = {np.uint8: 200 / 255, np.float64: 200, np.int64: 200 / 2**63, np.int32: 200 / 2**31}
for name, function in functions.items():
    seen = {}
    for kind in expected:
        flat = np.full((8, 8, 3) if name == "rgb2gray" else (8, 8), 200, kind)
        seen[kind] = float(function(flat)[2, 2])
    print(f"{name}: " + ", ".join(f"{kind.__name__} {level:.3g}" for kind, level in seen.items()))
    assert all(np.isclose(seen[kind], level, rtol=1e-3, atol=0) for kind, level in expected.items())
P
"$work/venv/bin/python" "$work/black.py"
