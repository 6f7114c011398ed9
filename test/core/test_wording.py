# SPDX-License-Identifier: Apache-2.0
"""Numbers in sentences."""

from restoregan_core.wording import counted


def test_only_one_thing_is_not_in_the_plural() -> None:
    assert [counted(number, "frame") for number in range(3)] == ["0 frames", "1 frame", "2 frames"]
