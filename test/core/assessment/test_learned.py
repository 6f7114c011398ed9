# SPDX-License-Identifier: Apache-2.0
"""Promises about the shipped judge, on a made scene: it sees blur and rain, not softness and night."""

import cv2
import numpy as np
import pytest
from street_scene import rained_on, smeared, street

from restoregan_core import load_assessor
from restoregan_core.assessment import learned
from restoregan_core.assessment.learned import LearnedAssessor
from restoregan_core.runtimes.protocol import RuntimeUnavailableError
from restoregan_core.zoo import load_assessor_network


@pytest.fixture(scope="module")
def assessor() -> LearnedAssessor:
    return load_assessor()


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return street()


def test_motion_blur_is_seen_and_the_stronger_the_surer(assessor, scene):
    found = [assessor.assess(smeared(scene, px, 20)).blur_probability for px in (6, 12)]
    assert assessor.assess(scene).blur_probability < 0.4
    assert min(found) > 0.6
    assert found[1] > found[0]


def test_rain_is_seen(assessor, scene):
    assert assessor.assess(scene).rain_probability < 0.4
    assert assessor.assess(rained_on(scene)).rain_probability > 0.6


def test_blur_of_one_half_is_seen_in_that_half(assessor, scene):
    half = scene.copy()
    half[:, 320:] = smeared(scene, 12, 20)[:, 320:]
    grid = assessor.assess(half).blur_grid
    assert grid[:, 6:].mean() > grid[:, :4].mean() + 0.2


def test_night_and_a_soft_lens_are_neither(assessor, scene):
    night = (scene * 0.4).astype(np.uint8)
    soft = cv2.GaussianBlur(scene, (0, 0), 0.8)
    for image in (night, soft):
        found = assessor.assess(image)
        assert found.rain_probability < 0.5
        assert found.blur_probability < 0.6


@pytest.mark.parametrize(("height", "width"), [(1, 1), (63, 65), (64, 64), (360, 641)])
def test_any_size_gives_a_grid_that_covers_it(assessor, height, width):
    found = assessor.assess(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))
    assert found.blur_grid.shape == found.rain_grid.shape == (-(-height // 64), -(-width // 64))
    values = [found.blur_probability, found.rain_probability]
    assert all(0 <= value <= 1 for value in [*values, *found.blur_grid.ravel(), *found.rain_grid.ravel()])


def test_lens_drops_are_not_claimed_to_be_assessed(assessor, scene):
    assert np.isnan(assessor.assess(scene).lens_drop_probability)


def test_a_frame_is_not_written_to(assessor, scene):
    frame = scene.copy()
    frame.flags.writeable = False
    assessor.assess(frame)


def test_without_openvino_torch_says_nearly_the_same(scene, assessor, monkeypatch):
    def missing(*_: object) -> None:
        raise RuntimeUnavailableError("OpenVINO is not installed")

    monkeypatch.setattr(learned, "CpuGraph", missing)
    other = LearnedAssessor(load_assessor_network()).assess(scene)
    found = assessor.assess(scene)
    np.testing.assert_allclose(found.blur_grid, other.blur_grid, atol=0.05)
    np.testing.assert_allclose(found.rain_grid, other.rain_grid, atol=0.05)


def test_integers_are_chosen_where_the_cpu_has_instructions_for_them(scene, tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    loaded = load_assessor_network()
    asked = {
        precision: LearnedAssessor(loaded, "cpu", tmp_path, precision=precision).assess(scene).blur_grid
        for precision in ("float", "int8")
    }
    assert not np.array_equal(asked["float"], asked["int8"])
    for has, precision in ((True, "int8"), (False, "float")):
        monkeypatch.setattr(learned, "has_int8", lambda has=has: has)
        chosen = LearnedAssessor(loaded, "cpu", tmp_path).assess(scene).blur_grid
        np.testing.assert_array_equal(chosen, asked[precision])
    with pytest.raises(ValueError, match="no precision 'int4'; there are: auto, float, int8"):
        LearnedAssessor(loaded, precision="int4")


def test_a_second_start_compiles_nothing_and_says_the_same(scene, tmp_path, monkeypatch):
    openvino = pytest.importorskip("openvino")
    loaded = load_assessor_network()
    first = LearnedAssessor(loaded, engine_dir=tmp_path).assess(scene)
    monkeypatch.setattr(openvino, "convert_model", lambda *_, **__: pytest.fail("compiled again"))
    second = LearnedAssessor(loaded, engine_dir=tmp_path).assess(scene)
    np.testing.assert_array_equal(first.blur_grid, second.blur_grid)
    np.testing.assert_array_equal(first.rain_grid, second.rain_grid)


def test_files_that_are_not_an_assessor_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no assessor at"):
        load_assessor("nobody")
    with pytest.raises(ValueError, match="does not hold an assessor"):
        load_assessor("restoregan_core/weights/lite.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match="not a safetensors file"):
        load_assessor(broken)


def test_a_frame_that_is_too_large_is_judged_in_bands_and_the_log_says_so_once(scene, caplog):
    whole = LearnedAssessor(load_assessor_network())
    banded = LearnedAssessor(load_assessor_network(), max_pixels=200 * scene.shape[1])
    half = scene.copy()
    half[192:] = smeared(scene, 12, 20)[192:]
    with caplog.at_level("INFO"):
        found = [banded.assess(half) for _ in range(2)][1]
    assert found.blur_grid.shape == found.rain_grid.shape == whole.assess(half).blur_grid.shape
    bands = [whole.assess(half[top : top + 192]) for top in range(0, half.shape[0], 192)]
    np.testing.assert_allclose(found.blur_grid, np.concatenate([band.blur_grid for band in bands]), atol=1e-5)
    assert found.blur_probability == pytest.approx(max(band.blur_probability for band in bands), abs=1e-5)
    assert sum("bands of 192 rows" in line for line in caplog.messages) == 1
