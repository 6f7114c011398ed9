# SPDX-License-Identifier: Apache-2.0
"""The profile is named under both variables, and one that the user has named stands."""

from pathlib import Path

import pytest

from restoregan_ros.fastdds_profile import VARIABLES, profile_environment


def test_both_variables_name_the_profile_in_the_share_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    expected = str(Path("share/config/fastdds_large_images.xml"))
    assert profile_environment(Path("share")) == dict.fromkeys(VARIABLES, expected)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_profile_of_the_users_own_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in VARIABLES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "/mine.xml")
    assert profile_environment(Path("share")) == {}
