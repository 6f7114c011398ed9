#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IDS peak's Binning adds the pixels up unless it is told to average them: 2 x 2 makes 255 of every byte from 64 on.
#
# Versions:  ids_peak_ipl 1.18.0, numpy 2.4.6; no camera is needed.
# Guess:     an image that is binned in software keeps its brightness, as one that is made smaller does.
# Seen:      2 x 2 of 60 is 240, of 100 is 255; 1000 of Mono12 is 4000, 2000 is cut to 4095. After
#            SetMode(BinningMode_Average) 100 is 100 and 2000 is 2000.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ids-peak-ipl==1.18.0 numpy==2.4.6
cat > "$work/bin.py" <<'P'
import numpy as np
from ids_peak_ipl import ids_peak_ipl as ipl


def binned(name, level, mode=None):
    kind = np.uint8 if name == "Mono8" else np.uint16
    image = ipl.Image.CreateFromSize(getattr(ipl, f"PixelFormatName_{name}"), 48, 32)
    image.get_numpy_1D().view(kind)[:] = level
    binning = ipl.Binning()
    binning.SetBinningX(2)
    binning.SetBinningY(2)
    if mode is not None:
        binning.SetMode(mode)
    result = binning.Process(image)
    seen = np.unique(result.get_numpy_1D().view(kind)).tolist()
    print(f"{name} of {level}, {'by its defaults' if mode is None else 'averaged'}: {seen}")
    return seen


average = ipl.Binning.BinningMode_Average
assert binned("Mono8", 60) == [240] and binned("Mono8", 100) == [255]
assert binned("Mono12", 1000) == [4000] and binned("Mono12", 2000) == [4095]
assert binned("Mono8", 100, average) == [100] and binned("Mono12", 2000, average) == [2000]
P
"$work/venv/bin/python" "$work/bin.py"
