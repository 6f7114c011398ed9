# SPDX-License-Identifier: Apache-2.0
"""What was read before is read again only from the same file; what is compiled keeps no second copy in memory."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from restoregan_core import zoo
from restoregan_core.assessment.learned import LearnedAssessor
from restoregan_core.models.generator import Generator
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.models.lazy_network import LazyNetwork
from restoregan_core.restoration.restorer import Restorer

TINY = GeneratorConfig(base_width=4, blocks=1)


def saved(folder: Path) -> Path:
    path = folder / "tiny.safetensors"
    zoo.save_generator(Generator(TINY), path, {})
    return path


def test_a_generator_that_was_let_go_is_the_same_when_it_is_asked_for_again(tmp_path: Path) -> None:
    loaded = zoo.load_generator(saved(tmp_path))
    before = {name: value.copy() for name, value in loaded.lazy.weights.items()}
    loaded.let_go()
    after = loaded.lazy.weights
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[name], before[name]) for name in before)
    assert loaded.generator.config == TINY


def test_a_shipped_one_keeps_its_scales_for_integers() -> None:
    loaded = zoo.load_generator("lite")
    assert loaded.int8 is not None
    digests = loaded.lazy.digest(), loaded.int8.digest()
    loaded.let_go()
    assert (loaded.lazy.digest(), loaded.int8.digest()) == digests


def test_a_file_that_has_changed_meanwhile_is_refused_by_name(tmp_path: Path) -> None:
    loaded = zoo.load_generator(saved(tmp_path))
    loaded.let_go()
    saved(tmp_path)
    with pytest.raises(ValueError, match=r"tiny\.safetensors has changed since it was loaded"):
        _ = loaded.generator


def test_so_is_one_that_is_gone(tmp_path: Path) -> None:
    loaded = zoo.load_generator(saved(tmp_path))
    loaded.let_go()
    saved(tmp_path).unlink()
    with pytest.raises(ValueError, match=r"tiny\.safetensors cannot be read: .* it was loaded before"):
        _ = loaded.generator


def is_freed(lazy: LazyNetwork, run: Callable[[], object]) -> bool:
    """Whether the weights of a network are gone from memory once it was made ready to run."""
    array = weakref.ref(next(iter(lazy.weights.values())))
    ready = run()
    gc.collect()
    assert ready is not None
    return array() is None


def test_a_restorer_on_openvino_keeps_no_weights_beside_the_compiled_network(tmp_path: Path) -> None:
    loaded = zoo.load_generator(saved(tmp_path))
    assert is_freed(loaded.lazy, lambda: Restorer(loaded, "openvino", "cpu", engine_dir=tmp_path))


def test_nor_does_the_assessor(tmp_path: Path) -> None:
    loaded = zoo.load_assessor_network()
    assert is_freed(loaded.lazy, lambda: LearnedAssessor(loaded, "cpu", tmp_path))
