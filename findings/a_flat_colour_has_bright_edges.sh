#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# colour-demosaicing gives a flat colour other levels along the border: 450 where the mosaic has 200 at most.
#
# Versions:  colour-demosaicing 0.2.7, numpy 2.4.6.
# Guess:     the mosaic of one colour comes back as that colour everywhere, as from OpenCV.
# Seen:      inside it does. demosaicing_CFA_Bayer_bilinear has red 450 and blue 12.5 in the corners of a flat
#            (200, 100, 50), and Malvar2004 is off by up to 106: both repeat the outer row of the mosaic at the border,
#            where the row beyond it is one of the other colours. Menon2007 is exact. A PSNR over the whole frame is
#            that of the border, and 450 wraps in a byte.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check colour-demosaicing==0.2.7 numpy==2.4.6
cat > "$work/flat.py" <<'P'
import warnings

warnings.simplefilter("ignore")  # colour-science misses Matplotlib, which is optional

import colour_demosaicing
import numpy as np

colour = np.array([200.0, 100.0, 50.0])
mosaic = np.empty((32, 48))
mosaic[0::2, 0::2], mosaic[1::2, 1::2] = colour[0], colour[2]
mosaic[0::2, 1::2] = mosaic[1::2, 0::2] = colour[1]
for name, expected in (("bilinear", 250), ("Malvar2004", 106.25), ("Menon2007", 0)):
    image = getattr(colour_demosaicing, f"demosaicing_CFA_Bayer_{name}")(mosaic)
    off = np.abs(image - colour)
    print(f"{name}: {image.min():.1f} to {image.max():.1f}; off by {off.max():.2f}, "
          f"three pixels from the border by {off[3:-3, 3:-3].max():.2f}")
    assert np.isclose(off.max(), expected, atol=1e-6) and off[3:-3, 3:-3].max() < 1e-6
P
"$work/venv/bin/python" "$work/flat.py"
