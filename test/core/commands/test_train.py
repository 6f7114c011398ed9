# SPDX-License-Identifier: Apache-2.0
"""``restoregan train`` as a user meets it: from the command line, alone and under torchrun."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("jsonargparse", reason="training needs more than a vehicle")
pytest.importorskip("lightning_fabric", reason="training needs more than a vehicle")

from restoregan_core.cli import main
from restoregan_core.training.checkpoint import load_checkpoint

ROOT = Path(__file__).resolve().parents[3]
SEQUENCES = """
name: tiny
generator: {base_width: 4, blocks: 1, dropout: 0.0, history: 2, recurrent: true}
data:
  pairs: [{path: PAIRS, consecutive: true}]
  clips: {unrolled: 2, spared_share: 0.5, failed_share: 0.5}
schedule:
  stages: [{steps: 3, patch_size: 32, batch_size: 4}]
loss: {perceptual_weight: 0, adversarial_weight: 0, pixel_weight: 1}
optimiser: {learning_rate: 1.0e-3, ema_decay: 0.9, clip_norm: 1.0}
device: cpu
threads: 1
workers: 0
log_every_steps: 1
"""
RECIPE = """
name: tiny
model: lite
generator: {base_width: 4, blocks: 1, dropout: 0.0}
data:
  pairs: [{path: PAIRS}]
schedule:
  stages:
    - {steps: 2, patch_size: 16, batch_size: 4}
    - {steps: 2, patch_size: 16, batch_size: 4, restart: true}
loss: {perceptual_weight: 0, adversarial_weight: 0.1, pixel_weight: 1, critic_steps: 1, adversarial: GAME}
optimiser: {learning_rate: 1.0e-3, ema_decay: 0.9, clip_norm: 1.0}
critic_size: 16
device: cpu
threads: 1
workers: 0
log_every_steps: 1
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for side in ("input", "target"):
        (tmp_path / "pairs" / side).mkdir(parents=True)
        for i in range(2):
            cv2.imwrite(
                str(tmp_path / "pairs" / side / f"{i}.png"), rng.integers(0, 256, (32, 32, 3), np.uint8)
            )
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE.replace("PAIRS", str(tmp_path / "pairs")).replace("GAME", "wasserstein_sigmoid"))
    return path


def test_a_recipe_is_trained_and_a_finished_run_is_left_as_it_is(recipe: Path, tmp_path: Path) -> None:
    arguments = ["train", "--config", str(recipe), "--output", str(tmp_path / "run")]
    assert main(arguments) == 0
    first = load_checkpoint(tmp_path / "run" / "last.pt")
    assert first["step"] == 4
    assert main(arguments) == 0
    assert load_checkpoint(tmp_path / "run" / "last.pt")["step"] == 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--optimiser.learning_rat", "1"], "learning_rat"),
        (["--optimiser.learning_rate", "fast"], "learning_rate"),
        (["--optimiser.learning_rate", "-1"], "learning_rate=-1.0"),
        (["--loss.pixel", "l3"], "l3"),
        (["--critic_size", "64"], "critic_size=64"),
        (["--schedule.epoch_scale", "0"], "epoch_scale=0.0"),
        (["--transfer.freeze", "[brain]"], "brain"),
        (["--data.pairs", "[{path: nowhere}]"], "nowhere"),
        (["--data.pairs", "[photos]"], "'[{path: photos}]'"),
    ],
)
def test_a_wrong_setting_is_one_clear_line_and_exit_2(
    arguments: list[str], says: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--config", str(recipe), "--output", str(tmp_path / "run"), *arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("restoregan train: ")
    assert says in lines[0]
    assert not (tmp_path / "run").exists()


def test_an_unknown_key_in_the_file_is_named(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.write_text(recipe.read_text() + "epocs: 3\n")
    assert main(["train", "--config", str(recipe)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "epocs" in line


def test_a_missing_recipe_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", "nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("game", ["wasserstein_sigmoid", "wgan_gp", "sequences"])
def test_two_processes_train_what_one_process_with_the_same_global_batch_trains(
    game: str, recipe: Path, tmp_path: Path
) -> None:
    """Equal weights in both ranks, and losses equal to one process's up to the order of float32 sums.

    The gradient penalty's points are drawn in each process, so there only the ranks are compared.
    """
    if game == "sequences":
        recipe.write_text(SEQUENCES.replace("PAIRS", str(tmp_path / "pairs")))
    recipe.write_text(recipe.read_text().replace("wasserstein_sigmoid", game))
    networks = ("generator", "ema") if game == "sequences" else ("generator", "ema", "critic")
    program = tmp_path / "ranks.py"
    program.write_text(
        "import sys, torch\n"
        "from restoregan_core.commands.train import parse\n"
        "from restoregan_core.data.sources import TrainingSource\n"
        "from restoregan_core.training.trainer import Trainer\n"
        "config = parse(sys.argv[2:])\n"
        "trainer = Trainer(config, TrainingSource(config.data, config.seed))\n"
        "assert trainer.run() == 0\n"
        "torch.save(trainer.learner.state(), f'{sys.argv[1]}-{trainer.fabric.global_rank}.pt')\n"
    )
    arguments = ["--config", str(recipe), "--output"]
    run = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node=2",
        "--standalone",  # it finds a free port itself; one that was looked for before can be taken by then
    ]
    path = os.pathsep.join(
        [str(ROOT), os.environ.get("PYTHONPATH", "")]
    )  # of a checkout that is not installed, too
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    two = [*run, str(program), str(tmp_path / "two"), *arguments, str(tmp_path / "run2")]
    subprocess.run(two, check=True, env=environment, capture_output=True, timeout=240)
    rank0, rank1 = (torch.load(tmp_path / f"two-{rank}.pt", weights_only=True) for rank in (0, 1))
    for network in networks:
        for key, weight in rank0[network].items():
            assert torch.equal(weight, rank1[network][key]), (network, key)
    if game == "wgan_gp":
        return
    one = [sys.executable, str(program), str(tmp_path / "one"), *arguments, str(tmp_path / "run1")]
    subprocess.run(one, check=True, env=environment, capture_output=True, timeout=240)
    single = torch.load(tmp_path / "one-0.pt", weights_only=True)
    for network in networks:
        for key, weight in rank0[network].items():
            # 4 Adam steps of 1e-3: a wrong share of the batch moves weights by thousandths.
            torch.testing.assert_close(weight, single[network][key], rtol=1e-3, atol=2e-4)


def test_sigterm_to_the_whole_group_saves_and_exits(recipe: Path, tmp_path: Path) -> None:
    """As a job scheduler ends a job: data workers get the signal too."""
    command = [sys.executable, "-m", "restoregan_core", "train", "--config", str(recipe), "--workers", "1"]
    command += ["--output", str(tmp_path / "run"), "--schedule.epoch_scale", "100000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        events = tmp_path / "run" / "tensorboard"
        deadline_s = time.monotonic() + 120
        while not any(path.stat().st_size > 1000 for path in events.glob("*")) and process.poll() is None:
            assert time.monotonic() < deadline_s, "no step within two minutes"
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGTERM)
        errors = process.communicate(timeout=60)[1]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert load_checkpoint(tmp_path / "run" / "last.pt")["step"] > 0


def test_help_shows_an_example_that_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    example = capsys.readouterr().out.partition("\nexample:\n")[2].splitlines()[0]
    assert example.startswith("  restoregan train --config paper ")
    assert example.endswith(" --schedule.epoch_scale 0.001")


def test_help_says_what_each_setting_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Images measured of each folder, evenly spread" in shown  # of validation.max_images
    assert "Samples with frames before the current one" in shown  # of data.clips


def test_when_one_of_two_ranks_is_killed_the_other_ends_and_the_checkpoint_is_whole(
    recipe: Path, tmp_path: Path
) -> None:
    launch = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    train = ["-m", "restoregan_core", "train", "--config", str(recipe), "--output", str(tmp_path / "run")]
    endless = ["--schedule.epoch_scale", "100000", "--checkpoint_minutes", "0.001"]
    process = subprocess.Popen(
        [sys.executable, *launch, *train, *endless], stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    checkpoint = tmp_path / "run" / "last.pt"
    try:
        deadline_s = time.monotonic() + 240
        while not checkpoint.is_file():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline_s, "no checkpoint within four minutes"
            time.sleep(0.1)
        ranks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        (killed,) = [
            int(rank) for rank in ranks if b"LOCAL_RANK=1\0" in Path(f"/proc/{rank}/environ").read_bytes()
        ]
        os.kill(killed, signal.SIGKILL)
        errors = process.communicate(timeout=240)[1]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode != 0, errors
    assert load_checkpoint(checkpoint)["step"] > 0
    assert not [rank for rank in ranks if Path(f"/proc/{rank}").exists()], "nobody is left waiting"
