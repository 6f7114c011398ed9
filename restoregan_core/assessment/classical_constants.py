# SPDX-License-Identifier: Apache-2.0
"""Constants of ClassicalAssessor; written by tools/fit_classical_assessor.py --write."""

from typing import Any

BLUR: dict[str, Any] = {
    "measure_weights": (
        -2.3528,
        2.1416,
        0.0975,
        -3.5254,
        -0.9314,
        -0.7194,
        -0.429,
        -1.0426,
        -0.266,
        -0.2667,
        -0.5436,
        0.6003,
        -1.2972,
    ),
    "measure_bias": -3.3471,
    "tile_own": 0.3501,
    "tile_frame": 1.0592,
    "tile_bias": -0.0205,
    "frame_scale": 1.4526,
    "frame_bias": 0.0333,
}

RAIN: dict[str, Any] = {
    "measure_weights": (
        0.5183,
        -0.1921,
        -0.6917,
        0.8022,
        -0.7363,
        -0.9798,
        -0.377,
        -0.1898,
        -0.1516,
        1.3578,
        0.309,
        -0.2717,
    ),
    "measure_bias": -5.1515,
    "tile_own": 0.04,
    "tile_frame": 2.0295,
    "tile_bias": 0.1078,
    "frame_scale": 2.1005,
    "frame_bias": 0.1755,
}
