#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# crf 0 is lossless in x264 of 8 bits and in VP9, but not in x264 of 10 bits, x265 and SVT-AV1; in the last two, qp 0
# is not either.
#
# Versions:  av 18.1.0 (its libx264, libx265, libvpx-vp9, libsvtav1), numpy 2.4.6.
# Guess:     zero is the best quality, and the best quality of these encoders is exact: with AV1 surely, and with VP9
#            only by lossless=1.
# Seen:      largest error on noise, in levels, crf 0 and qp 0: x264 0 and 0, x264 of 10 bits 15 and 0, x265 8 and 1,
#            VP9 (crf 0, b 0) 0, SVT-AV1 35 and 35. Exact: qp 0 for x264, lossless=1 in x265-params and svtav1-params.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
cat > "$work/zero.py" <<'P'
import io

import av
import numpy as np

WIDTH, HEIGHT, FRAMES = 128, 96, 8


def error(codec, options, bits=8):
    """The largest difference between what is written and what is read, in levels."""
    dtype, pix_fmt = (np.uint8, "yuv420p") if bits == 8 else (np.dtype("<u2"), "yuv420p10le")
    noise, file, written, worst = np.random.default_rng(0), io.BytesIO(), [], 0
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
        for number in range(FRAMES):
            frame = av.VideoFrame(WIDTH, HEIGHT, pix_fmt)
            frame.pts = number
            planes = []
            for plane in frame.planes:
                rows = np.zeros((plane.height, plane.line_size // np.dtype(dtype).itemsize), dtype)
                rows[:, : plane.width] = noise.integers(0, 2**bits, (plane.height, plane.width))
                plane.update(rows.tobytes())
                planes.append(rows[:, : plane.width])
            written.append(planes)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == FRAMES
    for frame, planes in zip(frames, written, strict=True):
        assert frame.format.name == pix_fmt
        for plane, expected in zip(frame.planes, planes, strict=True):
            found = np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width]
            worst = max(worst, int(np.abs(found.astype(int) - expected).max()))
    print(f"{codec}, {bits} bits, {options}: largest error {worst}")
    return worst


quiet = {"x265-params": "log-level=none"}
assert error("libx264", {"crf": "0"}) == error("libx264", {"qp": "0"}) == 0
assert error("libx264", {"crf": "0"}, bits=10) > 0 == error("libx264", {"qp": "0"}, bits=10)
assert error("libx265", {"crf": "0", **quiet}) > 0 < error("libx265", {"qp": "0", **quiet})
assert error("libx265", {"x265-params": "lossless=1:log-level=none"}) == 0
assert error("libvpx-vp9", {"crf": "0", "b": "0"}) == 0
assert error("libsvtav1", {"crf": "0"}) > 5 < error("libsvtav1", {"qp": "0"})
assert error("libsvtav1", {"svtav1-params": "lossless=1"}) == 0
P
SVT_LOG=1 "$work/venv/bin/python" "$work/zero.py"
