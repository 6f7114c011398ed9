# SPDX-License-Identifier: Apache-2.0
"""Puts what tests share, and the benchmarks that some of them run, where they are found, by any pytest."""

import sys
from pathlib import Path

TEST = Path(__file__).resolve().parent
sys.path[:0] = [str(TEST / "support"), str(TEST.parent / "benchmarks")]
