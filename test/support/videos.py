# SPDX-License-Identifier: Apache-2.0
"""Videos whose frames are not evenly spaced, as phones and dashcams write them."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

UNEVEN_TIMES_S = (*(n / 10 for n in range(10)), 2.9, 3.0, 3.1, 3.15, 3.2, 3.25, 3.3)
"""A camera that falls silent for two seconds, then doubles its rate."""


def write_uneven(path: Path, codec: str = "ffv1", times_s: Sequence[float] = UNEVEN_TIMES_S) -> Path:
    """Frames of 48x64 at these times, frame n of the grey level 10 n."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
