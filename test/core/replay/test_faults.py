# SPDX-License-Identifier: Apache-2.0
"""What happens to real replays: killed in the middle, out of disk, given nonsense. Each in a real process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from replay_bags import comparable, drive, write_bag
from small_disks import keeping, must_mount

from restoregan_core.bags.reader import open_bag
from restoregan_core.replay import run as replay_run
from restoregan_core.replay.page import write_replay_report
from restoregan_core.replay.request import ReplayRequest
from restoregan_core.replay.state import ReplayFolder

ROOT = Path(__file__).resolve().parents[3]


def command(bag: Path, output: Path, weights: Path, *options: str) -> list[str]:
    return [
        sys.executable, "-m", "restoregan_core", "replay", str(bag), "--output", str(output), "--model",
        str(weights), "--runtime", "torch", "--clips", "0", "--no-html", *options,
    ]  # fmt: skip


def checkpoint(output: Path) -> dict:
    file = output / "work/checkpoint.json"
    return json.loads(file.read_text()) if file.is_file() else {"frames_done": 0}


def test_a_replay_that_was_killed_goes_on_and_gives_what_one_run_gives(tmp_path: Path, weights: Path) -> None:
    bag = write_bag(tmp_path / "bag", drive(60, is_still=True))  # so that every frame depends on those before
    options = ("--checkpoint-frames", "4", "--preset", "always", "--image-format", "raw")
    process = subprocess.Popen(command(bag, tmp_path / "killed", weights, *options), cwd=ROOT)
    limit_s = time.monotonic() + 200
    while checkpoint(tmp_path / "killed")["frames_done"] < 8:
        assert process.poll() is None
        assert time.monotonic() < limit_s
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    done = checkpoint(tmp_path / "killed")["frames_done"]
    assert 8 <= done < 60
    with open_bag(tmp_path / "killed/bag") as partial:  # what was done is a whole bag
        reports = sum(1 for _ in partial.messages(["/front/restored/report"]))
        assert reports >= done
        assert not partial.damage
    finished = {f.name: f.read_bytes() for f in (tmp_path / "killed/work/rows").glob("*.parquet")}

    for output in ("killed", "whole"):
        subprocess.run(command(bag, tmp_path / output, weights, *options), cwd=ROOT, check=True)
    for name in checkpoint(tmp_path / "killed")["row_parts"][: done // 4]:
        # Its rows hold measured times: equal bytes mean that the frames were not done again.
        assert (tmp_path / "killed/work/rows" / name).read_bytes() == finished[name]
    assert comparable(tmp_path / "killed/bag") == comparable(tmp_path / "whole/bag")


def test_a_second_replay_into_the_folder_of_one_at_work_is_refused(tmp_path: Path, weights: Path) -> None:
    bag = write_bag(tmp_path / "bag", drive(4))
    refused = command(bag, tmp_path / "out", weights)
    with ReplayFolder(tmp_path / "out").claimed():
        second = subprocess.run(refused, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert f"another replay is at work in {tmp_path / 'out'}" in second.stderr
    assert not os.listdir(tmp_path / "out")
    subprocess.run(refused, cwd=ROOT, check=True)  # which is possible once the first has ended


def test_the_folder_is_claimed_until_the_report_is_written(
    tmp_path: Path, weights: Path, monkeypatch
) -> None:
    refusals = []

    def write_report(folder: ReplayFolder, report: dict) -> None:
        with pytest.raises(ValueError, match="another replay is at work") as refusal, folder.claimed():
            pass
        refusals.append(refusal)
        write_replay_report(folder, report)

    monkeypatch.setattr(replay_run, "write_replay_report", write_report)
    bag = write_bag(tmp_path / "bag", drive(4))
    replay_run.run(
        ReplayRequest(
            bag=str(bag), output=str(tmp_path / "out"), model=str(weights), runtime="torch", clips=0
        )
    )
    assert len(refusals) == 1
    assert (tmp_path / "out/report.html").is_file()


def test_a_killed_replay_leaves_no_claim_and_the_one_that_goes_on_has_its_own(
    tmp_path: Path, weights: Path
) -> None:
    bag = write_bag(tmp_path / "bag", drive(60))
    again = command(bag, tmp_path / "out", weights, "--checkpoint-frames", "4")
    for expected in (0, 4):  # the second run goes on from where the first was killed
        process = subprocess.Popen(again, cwd=ROOT)
        limit_s = time.monotonic() + 200
        while checkpoint(tmp_path / "out")["frames_done"] <= expected:
            assert process.poll() is None
            assert time.monotonic() < limit_s
            time.sleep(0.002)
        with (
            pytest.raises(ValueError, match="another replay is at work"),
            ReplayFolder(tmp_path / "out").claimed(),
        ):
            pass
        process.kill()
        process.wait()
    subprocess.run(again, cwd=ROOT, check=True)
    assert checkpoint(tmp_path / "out")["frames_done"] == 60


def test_a_full_disk_stops_the_replay_with_what_was_done_usable(tmp_path: Path, weights: Path) -> None:
    small = tmp_path / "small"
    wrapper = [*must_mount(small, "size=14m"), *keeping(small / "out", tmp_path / "copy")]
    bag = write_bag(tmp_path / "bag", drive(300, height=128, width=160))
    replay = command(bag, small / "out", weights, "--image-format", "raw", "--preset", "off",
                     "--checkpoint-frames", "20")  # fmt: skip
    done = subprocess.run([*wrapper, *replay], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "no space left" in done.stderr
    assert "run it again to go on" in done.stderr
    report = json.loads((tmp_path / "copy/report.json").read_text())
    count = report["replay"]["frames_done"]
    assert 0 < count < 300
    assert report["frames"]["count"] == count
    assert "no space left" in report["replay"]["stopped"]
    with open_bag(tmp_path / "copy/bag") as partial:
        assert sum(1 for _ in partial.messages(["/front/restored/image_raw"])) == count
        assert not partial.damage


@pytest.mark.parametrize(
    "fault", ["no detector", "no onnx", "no rules", "bad rule", "no bag", "no camera", "model"]
)
def test_bad_input_is_refused_with_exit_2_and_one_line(
    tmp_path: Path, weights: Path, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from restoregan_core.cli import main

    bag = write_bag(tmp_path / "bag", drive(1))
    nonsense = tmp_path / "nonsense.onnx"
    nonsense.write_text("this is not a network")
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [__import__('os').remove('x') == 0]")
    options, said = {
        "no detector": (["--detector", str(tmp_path / "none.onnx")], "none.onnx"),
        "no onnx": (["--detector", str(nonsense)], "nonsense.onnx is not an ONNX file"),
        "no rules": (["--require", str(tmp_path / "none.yaml")], "none.yaml"),
        "bad rule": (["--require", str(rules)], "neither a number nor a path"),
        "no bag": ([], "no bag at"),
        "no camera": (["--camera", "/rear/image_raw"], "/front/image_raw"),
        "model": (["--model", "no_such"], "no_such"),
    }[fault]  # fmt: skip
    arguments = command(tmp_path / "none" if fault == "no bag" else bag, tmp_path / "out", weights)[3:]
    assert main([*arguments, *options]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists() or not os.listdir(tmp_path / "out")


def test_rules_decide_about_the_exit_code_and_are_written_as_junit(tmp_path: Path, weights: Path) -> None:
    from xml.etree import ElementTree

    from restoregan_core.cli import main

    bag = write_bag(tmp_path / "bag", drive(4))
    rules = tmp_path / "rules.yaml"
    arguments = [*command(bag, tmp_path / "out", weights)[3:], "--require", str(rules)]
    rules.write_text("rules:\n  - frames.failed_open == 0\n  - frames.count >= 4\n")
    assert main(arguments) == 0
    rules.write_text(
        "rules:\n  - name: enough\n    rule: frames.count > 4\n  - objects.lost <= objects.gained\n"
    )
    assert main(arguments) == 3
    cases = ElementTree.parse(tmp_path / "out/junit.xml").findall("testcase")
    assert [case.get("name") for case in cases] == ["enough", "objects.lost <= objects.gained"]
    messages = [case.find("failure").get("message") for case in cases]
    assert messages[0] == "frames.count > 4: 4 against 4"
    assert "objects.lost was not measured" in messages[1]
