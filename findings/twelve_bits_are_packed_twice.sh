#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# imagecodecs' packints_decode reads a camera's 12-bit pixels, three bytes for two, as other numbers, without an error.
#
# Versions:  pypylon 26.9, imagecodecs 2026.3.6, numpy 2.4.6; no camera is needed.
# Guess:     packed integers of 12 bits are packed one way: low bits first, as Mono12p of GenICam has them.
# Seen:      the pixels 0x123 and 0x456 are 23 61 45 as Mono12p and 12 63 45 as Mono12Packed, and pypylon reads both
#            rightly. packints_decode, which packs as TIFF does, makes 0x236 and 0x145 of the first and 0x126 and 0x345
#            of the second, where every other column is nearly right: the image is there, with noise on it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  pypylon==26.9 imagecodecs==2026.3.6 numpy==2.4.6
cat > "$work/bits.py" <<'P'
import imagecodecs
import numpy as np
from pypylon import pylon


def by_both(name, three_bytes):
    """The first two pixels of an image of 8 x 4 by pypylon and by imagecodecs."""
    packed = bytes(three_bytes) * 16
    image, converter = pylon.PylonImage(), pylon.ImageFormatConverter()
    image.AttachMemoryView(memoryview(packed), getattr(pylon, f"PixelType_{name}"), 8, 4, 0)
    converter.OutputPixelFormat = pylon.PixelType_Mono16
    right = converter.Convert(image).GetArray()[0, :2].tolist()
    seen = imagecodecs.packints_decode(packed, np.uint16, 12, runlen=8)[:2].tolist()
    print(f"{name}: pypylon {[hex(level) for level in right]}, imagecodecs {[hex(level) for level in seen]}")
    return right, seen


assert by_both("Mono12p", (0x23, 0x61, 0x45)) == ([0x123, 0x456], [0x236, 0x145])
assert by_both("Mono12packed", (0x12, 0x63, 0x45)) == ([0x123, 0x456], [0x126, 0x345])
P
"$work/venv/bin/python" "$work/bits.py"
