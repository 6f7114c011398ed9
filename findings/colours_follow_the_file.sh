#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pypylon reads one colour image as blue, green, red from a PNG and as red, green, blue from a TIFF.
#
# Versions:  pypylon 26.9, numpy 2.4.6; no camera is needed.
# Guess:     an RGB8 image that ImagePersistence saves comes back as RGB8 from every lossless format.
# Seen:      (200, 100, 50) is (50, 100, 200) from a PNG, of the pixel type BGR8packed, and (200, 100, 50) from a TIFF,
#            of RGB8packed; of BGR8 as well. Both arrays have one shape and type: only the pixel type tells them apart.
#            A Mono12 image comes back as Mono16, times 16.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pypylon==26.9 numpy==2.4.6
cat > "$work/colours.py" <<'P'
import sys

import numpy as np
from pypylon import pylon

names = {getattr(pylon, f"PixelType_{name}"): name for name in ("RGB8packed", "BGR8packed", "Mono12", "Mono16")}


def read_back(name, pixel, ending):
    levels = np.tile(np.array(pixel, np.uint16 if name == "Mono12" else np.uint8), (32 * 48, 1)).tobytes()
    image, path = pylon.PylonImage(), f"{sys.argv[1]}/image.{ending}"
    image.AttachMemoryView(memoryview(levels), getattr(pylon, f"PixelType_{name}"), 48, 32, 0)
    pylon.ImagePersistence.Save(getattr(pylon, f"ImageFileFormat_{ending.capitalize()}"), path, image)
    seen = pylon.ImagePersistence.Load(path)
    found = names[seen.PixelType], seen.Array[8, 8].tolist()
    print(f"{name} {pixel} in {ending}: {found[0]} {found[1]}")
    return found


for name, pixel in (("RGB8packed", [200, 100, 50]), ("BGR8packed", [50, 100, 200])):
    assert read_back(name, pixel, "png") == ("BGR8packed", [50, 100, 200])
    assert read_back(name, pixel, "tiff") == ("RGB8packed", [200, 100, 50])
assert read_back("Mono12", [2748], "png") == ("Mono16", 2748 * 16)
P
"$work/venv/bin/python" "$work/colours.py" "$work"
