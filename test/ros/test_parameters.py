# SPDX-License-Identifier: Apache-2.0
"""Parameters are declared once: files and table follow the declarations, contradictions are refused."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from restoregan_core.restoration.gate import PRESETS
from restoregan_ros.parameter_docs import markdown_table, yaml_text
from restoregan_ros.parameters import CameraSettings, NodeSettings, Settings

ROOT = Path(__file__).resolve().parents[2]


def settings(*cameras: str) -> Settings:
    names = cameras or ("camera",)
    return Settings(node=NodeSettings(cameras=names), cameras={name: CameraSettings() for name in names})


def test_parameter_file_is_what_the_declarations_give():
    assert (ROOT / "config" / "restore.param.yaml").read_text() == yaml_text()


def test_parameter_file_holds_every_parameter_at_its_default():
    parameters = yaml.safe_load(yaml_text())["/**"]["ros__parameters"]
    own = {
        d.name: list(d.default) if isinstance(d.default, tuple) else d.default for d in fields(NodeSettings)
    }
    cameras = {f"camera.{d.name}": d.default for d in fields(CameraSettings)}
    assert parameters == {**own, **cameras}
    assert all(type(parameters[name]) is type(value) for name, value in own.items())


def test_documentation_holds_the_table():
    assert markdown_table() in (ROOT / "docs" / "parameters.md").read_text()


def test_every_parameter_has_a_description_and_every_number_a_range():
    for declared in (*fields(NodeSettings), *fields(CameraSettings)):
        assert declared.metadata["description"]
        if isinstance(declared.default, int | float) and not isinstance(declared.default, bool):
            assert declared.metadata["minimum"] < declared.metadata["maximum"]


@pytest.mark.parametrize("preset", PRESETS)
def test_thresholds_are_the_presets_unless_set(preset):
    assert NodeSettings(preset=preset).gate_thresholds() == PRESETS[preset]


def test_a_threshold_that_is_set_overrides_the_presets():
    thresholds = NodeSettings(preset="cautious", blur_on_threshold=0.9).gate_thresholds()
    assert (thresholds.blur_on, thresholds.rain_on) == (0.9, PRESETS["cautious"].rain_on)


@pytest.mark.parametrize(
    "values",
    [
        {"blur_on_threshold": 0.2, "blur_off_threshold": 0.3},
        {"rain_on_threshold": 0.1},  # below the preset's off
        {"blur_warn_probability": 0.8, "blur_error_probability": 0.7},
        {"hang_timeout_s": 0.5, "deadline_ms": 600.0},
        {"mode": "other"},
        {"deadline_ms": 0.0},
        {"camera.priority": 11},
        {"warm_up_sizes": ("720",)},
        {"warm_up_sizes": ("99999x99999",)},
        {"warm_up_sizes": ("720x1280",), "max_image_pixels": 720 * 1280 - 1},
    ],
)
def test_contradictions_are_refused_and_name_the_value(values):
    with pytest.raises(ValueError, match=r"\d|other"):
        settings().changed(values)


def test_a_camera_with_a_slash_has_parameters_with_a_dot():
    changed = settings("stereo/left", "front").changed({"stereo.left.priority": 3, "use_sim_time": True})
    assert changed.cameras["stereo/left"].priority == 3
    assert changed.cameras["front"].priority == 1
