# SPDX-License-Identifier: Apache-2.0
"""A weights file that is replaced or damaged while its network runs, and then is needed once more."""

import logging
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_generator

from restoregan_core import cli
from restoregan_core.assessment.classical import ClassicalAssessor
from restoregan_core.commands import restore as restore_command
from restoregan_core.models.weights_file import LostWeightsError
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.restoration.gate import PRESETS
from restoregan_core.restoration.output_bounds import OutputLimits
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.restoration.settings import PipelineSettings
from restoregan_core.result import Action, Reason
from restoregan_core.runtimes.engine_cache import engine_directory
from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime
from restoregan_core.runtimes.protocol import RuntimeUnavailableError
from restoregan_core.zoo import load_generator, save_generator


def write_weights(path: Path, seed: int = 0) -> None:
    save_generator(tiny_generator.loaded(seed=seed).generator, path, {})


def be_another(path: Path) -> None:
    write_weights(path, seed=1)


def be_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def be_cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


DAMAGES: dict[str, Callable[[Path], None]] = {
    "gone": Path.unlink,
    "another": be_another,
    "cut off": be_cut_off,
    "unreadable": be_a_folder,
}
damaged = pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    write_weights(tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def warm_cache(weights: Path, engines: Path | None) -> None:
    """So that the next process to start need not convert the network, and no longer has it when it has to."""
    Restorer(load_generator(weights), "openvino", engine_dir=engines).warm_up(64, 64)


def lose_converted(engines: Path) -> None:
    for engine in engines.glob("openvino-*.engine"):
        engine.write_bytes(b"")


def run_by(restorer: Restorer) -> RestorationPipeline:
    limits = OutputLimits(max_colour_shift=255, max_brightness_shift=255, max_pixel_change=255)
    return RestorationPipeline(
        ClassicalAssessor(), restorer, PipelineSettings(thresholds=PRESETS["always"], output=limits)
    )


@damaged
def test_frames_of_a_new_size_fail_open_by_the_files_name_until_it_is_put_back(
    weights, tmp_path, damage, caplog
):
    warm_cache(weights, tmp_path / "engines")
    pipeline = run_by(Restorer(load_generator(weights), "openvino", engine_dir=tmp_path / "engines"))
    known, new = tiny_generator.image(64, 64), tiny_generator.image(96, 64)
    assert pipeline.process(known).action == Action.RESTORED
    saved = shutil.copy(weights, tmp_path / "saved")
    damage(weights)
    lose_converted(tmp_path / "engines")
    caplog.set_level(logging.ERROR)
    for _ in range(2):
        result = pipeline.process(new)
        assert (result.action, result.reason) == (Action.FAILED_OPEN, Reason.RUNTIME_FAULT)
        assert result.image is new
        assert result.detail.startswith(f"restorer: {weights} ")
        assert "put the same file back, or start again" in result.detail
        assert "\n" not in result.detail
    assert [record.exc_info for record in caplog.records] == [None, None]
    assert pipeline.process(known).action == Action.RESTORED

    if weights.is_dir():
        weights.rmdir()
    shutil.move(saved, weights)
    assert pipeline.process(new).action == Action.RESTORED


def test_a_runtime_that_is_fallen_back_to_is_tried_again_when_the_file_is_back(
    weights, tmp_path, monkeypatch
):
    warm_cache(weights, tmp_path / "engines")
    restorer = Restorer(load_generator(weights), "openvino", engine_dir=tmp_path / "engines")

    def refuse(self: OpenVinoRuntime, height: int, width: int) -> None:
        raise RuntimeUnavailableError("not at this size")

    monkeypatch.setattr(OpenVinoRuntime, "load", refuse)
    saved = shutil.move(weights, tmp_path / "saved")
    for _ in range(2):
        with pytest.raises(LostWeightsError, match=r"tiny\.safetensors cannot be read: No such file"):
            restorer(tiny_generator.image(64, 64))
    shutil.move(saved, weights)
    restorer(tiny_generator.image(64, 64))
    assert restorer.describe().startswith("torch")


@damaged
def test_no_other_process_is_asked_to_convert_what_cannot_be_read(weights, damage):
    loaded = load_generator(weights)
    digest = loaded.lazy.digest()
    loaded.let_go()
    sent = pickle.dumps(loaded.lazy)
    damage(weights)
    assert pickle.loads(sent).digest() == digest
    with pytest.raises(LostWeightsError, match=r"tiny\.safetensors"):
        pickle.dumps(loaded.lazy)


def test_restoring_a_folder_ends_with_one_line_that_names_the_file(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    warm_cache(weights, None)
    (tmp_path / "rainy").mkdir()
    for name in "abc":
        cv2.imwrite(str(tmp_path / f"rainy/{name}.png"), np.zeros((96, 64, 3), np.uint8))
    run = restore_command._run

    def run_without_weights(*arguments):
        weights.unlink()
        lose_converted(engine_directory())
        return run(*arguments)

    monkeypatch.setattr(restore_command, "_run", run_without_weights)
    given = ["restore", "--runtime", "openvino", "--model", weights, tmp_path / "rainy", tmp_path / "out"]
    assert cli.main([str(word) for word in given]) == 2
    said = capsys.readouterr().err
    assert said.count(str(weights)) == 1
    assert said.splitlines()[-1].startswith(f"restoregan restore: {weights} cannot be read")
    assert not (tmp_path / "out").exists()
