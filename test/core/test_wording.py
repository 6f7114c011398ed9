# SPDX-License-Identifier: Apache-2.0
"""Numbers and misspelt names in sentences."""

from restoregan_core.wording import counted, did_you_mean


def test_only_one_thing_is_not_in_the_plural() -> None:
    assert [counted(number, "frame") for number in range(3)] == ["0 frames", "1 frame", "2 frames"]


def test_a_misspelt_name_is_answered_by_the_nearest_known_one_if_any_is_near() -> None:
    assert did_you_mean("lit", ["paper", "lite"]) == " (did you mean lite?)"
    assert did_you_mean("unet", ["paper", "lite"]) == ""
