# SPDX-License-Identifier: Apache-2.0
"""The Fast DDS profile that large images need, in a process's environment."""

import os
from pathlib import Path

VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
"""The name of today, and the one up to Fast DDS 2."""


def profile_environment(share: Path) -> dict[str, str]:
    """Variables that name the profile in ``share``, the package's share folder; none where one is named already."""
    if any(map(os.environ.get, VARIABLES)):
        return {}
    return dict.fromkeys(VARIABLES, str(share / "config" / "fastdds_large_images.xml"))
