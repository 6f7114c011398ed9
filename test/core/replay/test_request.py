# SPDX-License-Identifier: Apache-2.0
"""A replay is asked for in the same words wherever it runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from replay_bags import drive, write_bag

from restoregan_core.replay.fleet import WARM_UP_S, Job
from restoregan_core.replay.request import ReplayRequest


def test_a_request_survives_its_way_through_json():
    request = ReplayRequest(
        bag="drive", output="out", cameras=("/front", "/rear"), detections=("/before", "/after"), end_s=3.5
    )
    assert ReplayRequest.from_json(request.to_json()) == request
    assert ReplayRequest.from_json(ReplayRequest(bag="b", output="o").to_json()).detections is None


def test_files_are_found_from_any_folder_and_names_stay_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.safetensors").touch()
    request = ReplayRequest(bag="drive", output="out", assessor="mine.safetensors").absolute()
    assert (request.bag, request.output) == (str(tmp_path / "drive"), str(tmp_path / "out"))
    assert (request.model, request.assessor) == ("lite", str(tmp_path / "mine.safetensors"))


def test_a_segment_is_the_same_request_with_its_own_span_and_a_warm_up(tmp_path):
    template = ReplayRequest(bag="", output="", preset="always", clips=0)
    first, second = (Job("drive/0", tmp_path, end_s=60.0), Job("drive/1", tmp_path, start_s=60.0))
    assert first.request(tmp_path, template).warm_up_s == 0.0
    request = second.request(tmp_path, template)
    assert (request.preset, request.clips, request.start_s, request.end_s) == ("always", 0, 60.0, None)
    assert (request.warm_up_s, request.output) == (WARM_UP_S, os.path.join(tmp_path, "drive/1"))


@pytest.mark.parametrize("wrong", [{"degrade": "fog"}, {"image_format": "bmp"}, {"end_s": -1.0}])
def test_what_cannot_be_is_refused_before_anything_is_read(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        ReplayRequest(bag="none", output="none", **wrong).options()


def test_a_process_of_its_own_carries_a_request_out_and_tells_bad_input_by_its_exit_code(
    tmp_path: Path, weights: Path
) -> None:
    def carried_out(bag: Path) -> subprocess.CompletedProcess:
        request = ReplayRequest(
            bag=str(bag), output=str(tmp_path / "out"), model=str(weights), runtime="torch", html=False,
            assessor="classical", clips=0,
        )  # fmt: skip
        command = [sys.executable, "-m", "restoregan_core.replay.run"]
        return subprocess.run(command, input=request.to_json(), capture_output=True, text=True, check=False)

    missing = carried_out(tmp_path / "no_bag")
    assert (missing.returncode, "no_bag" in missing.stderr) == (2, True), missing.stderr
    done = carried_out(write_bag(tmp_path / "drive", drive(3)))
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["frames"]["count"] == 3
    assert not (tmp_path / "out/report.html").exists()
