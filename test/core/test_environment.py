# SPDX-License-Identifier: Apache-2.0
import mmap

import numpy as np

from restoregan_core.environment import installed_versions, processor_name, resident_memory_mb


def test_versions_are_those_that_are_imported_and_missing_packages_are_none():
    assert installed_versions(["numpy", "no-such-package"]) == {
        "numpy": np.__version__,
        "no-such-package": None,
    }


def test_the_processor_has_a_name():
    assert processor_name()


def test_memory_that_is_taken_is_seen():
    before_mb = resident_memory_mb()
    # Pages of its own: an array may get memory that malloc has kept, which is resident already.
    with mmap.mmap(-1, 100_000_000) as taken:
        np.frombuffer(taken, np.uint8, 100_000_000)[:] = 1
        assert resident_memory_mb() - before_mb > 80
