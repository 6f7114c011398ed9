# SPDX-License-Identifier: Apache-2.0
"""A serialised image, damaged anywhere, is read or refused by a ValueError."""

import contextlib
import random

from damaged_recordings import READERS


def test_damage_is_read_past_or_refused(tmp_path) -> None:
    rng = random.Random(0)
    run = READERS["image_cdr"](tmp_path)
    for _ in range(500):
        with contextlib.suppress(ValueError):
            run(rng)
