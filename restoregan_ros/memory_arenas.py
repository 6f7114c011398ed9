# SPDX-License-Identifier: Apache-2.0
"""How many arenas glibc's malloc takes memory from.

By default each new thread gets one, up to eight a core, and an arena keeps what the largest frame needed after the
thread has ended. Nor does malloc_trim, by which OpenVINO gives back what compiling a network took, reach the upper end
of any arena but the first. So restore_node's threads share that one.
"""

import ctypes
import os
from collections.abc import Mapping

MOST_ARENAS = 1
_M_ARENA_MAX = -8  # of malloc.h


def limit_arenas(most: int = MOST_ARENAS, environment: Mapping[str, str] = os.environ) -> bool:
    """Let threads that start from now on share arenas, unless the environment says how many there are.

    Returns:
        whether the limit is set; False too where the C library has none.
    """
    if "MALLOC_ARENA_MAX" in environment or "glibc.malloc.arena_max" in environment.get("GLIBC_TUNABLES", ""):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, most))
    except (AttributeError, OSError, TypeError):  # another C library
        return False
