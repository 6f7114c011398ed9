# SPDX-License-Identifier: Apache-2.0
"""``restoregan evaluate`` from the command line to its files."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clips import clean_clip, rained_on, write_frames

from restoregan_core import cli
from restoregan_core.metrics import psnr_ssim
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.zoo import save_generator

CONSECUTIVE = {"streak_energy", "streak_energy_left", "streak_excess", "streak_excess_left", "steadiness"}
KEYS = {"psnr_rgb", "psnr_y", "ssim_2d", "ssim_3d"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "pairs"
    for side in ("input", "target"):
        (root / side).mkdir(parents=True)
    for index in range(3):
        clean = cv2.GaussianBlur(
            np.random.default_rng(index).integers(0, 256, (40, 56, 3), np.uint8), (0, 0), 2
        )
        noise = np.random.default_rng(9).normal(0, 4 * (index + 1), clean.shape)
        cv2.imwrite(str(root / "target" / f"{index}.png"), clean)
        cv2.imwrite(str(root / "input" / f"{index}.png"), np.clip(clean + noise, 0, 255).astype(np.uint8))
    return root


def save_network(path: Path, bias: float = 0.0) -> Path:
    """A network that changes nothing, or brightens everything a little."""
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(base_width=4, blocks=1, identity_start=True))
    torch.nn.init.constant_(generator.head.bias, bias)
    save_generator(generator, path, {}, torch.float32)
    return path


def run(*arguments: object) -> int:
    return cli.main(["evaluate", "--runtime", "torch", *map(str, arguments)])


def test_json_has_the_documented_keys_and_figures_computed_by_hand(data: Path, tmp_path: Path):
    network = save_network(tmp_path / "same.safetensors")
    assert run("--model", network, "--data", data, "--json", tmp_path / "out.json") == 0
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["model"].startswith("same-")
    entry = content["sets"]["pairs"]
    assert entry["count"] == 3
    assert set(entry["input"]) >= KEYS
    assert set(entry["output"]) >= KEYS
    pairs = [
        [cv2.imread(str(data / side / f"{i}.png"))[..., ::-1] for side in ("input", "target")]
        for i in range(3)
    ]
    assert entry["input"]["psnr_rgb"] == pytest.approx(np.mean([psnr_ssim.psnr_rgb(*pair) for pair in pairs]))
    assert entry["output"] == pytest.approx(entry["input"])  # this network changes nothing
    assert sorted(file for file, _ in entry["worst"]) == ["0.png", "1.png", "2.png"]
    assert [gain for _, gain in entry["worst"]] == [0.0, 0.0, 0.0]


def test_the_table_shows_every_protocol_and_a_line_says_why_lpips_is_missing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # wherever this runs: no weights there
    assert run("--baseline", "none", "--data", data) == 0
    captured = capsys.readouterr()
    for title in ("PSNR RGB", "PSNR Y", "SSIM 2-D", "SSIM 3-D"):
        assert title in captured.out
    assert "LPIPS" not in captured.out, "no column without a figure"
    assert "lpips was not measured: " in captured.err


def test_lite_is_evaluated_where_no_model_is_named(data: Path, tmp_path: Path):
    assert run("--data", data, "--json", tmp_path / "out.json") == 0
    assert json.loads((tmp_path / "out.json").read_text())["model"].startswith("lite-")


def test_a_comparison_has_intervals_and_a_third_row_per_image(data: Path, tmp_path: Path):
    same, brighter = (
        save_network(tmp_path / "same.safetensors"),
        save_network(tmp_path / "b.safetensors", 0.05),
    )
    out, table = tmp_path / "out.json", tmp_path / "out.csv"
    assert run("--model", brighter, "--against", same, "--data", data, "--json", out, "--csv", table) == 0
    difference = json.loads(out.read_text())["sets"]["pairs"]["against"]["difference"]["psnr_rgb"]
    assert difference["low"] <= difference["mean"] <= difference["high"] < 0  # brightening hurts every image
    rows = list(csv.DictReader(table.open()))
    assert [row["file"] for row in rows] == ["0.png", "1.png", "2.png"]
    gaps = [float(row["output_psnr_rgb"]) - float(row["against_psnr_rgb"]) for row in rows]
    assert np.mean(gaps) == pytest.approx(difference["mean"])


def test_worst_cases_are_images_of_input_output_and_target(data: Path, tmp_path: Path):
    brighter = save_network(tmp_path / "b.safetensors", 0.05)
    assert run("--model", brighter, "--data", data, "--worst", tmp_path / "worst") == 0
    first = sorted((tmp_path / "worst/pairs").iterdir())[0]
    assert first.name.endswith("dB_0.png")  # the least noisy image loses most
    image = cv2.imread(str(first))
    assert image.shape == (40, 3 * 56, 3)
    np.testing.assert_array_equal(image[:, :56], cv2.imread(str(data / "input/0.png")))
    np.testing.assert_array_equal(image[:, 112:], cv2.imread(str(data / "target/0.png")))
    assert image[:, 56:112].mean() > image[:, :56].mean() + 3


def test_a_baseline_names_the_setting_that_it_chose(data: Path, tmp_path: Path):
    assert run("--baseline", "median", "--data", data, "--json", tmp_path / "out.json") == 0
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["model"] == "median"
    assert content["sets"]["pairs"]["setting"] in ("3x3", "5x5", "7x7")


def test_aligned_figures_stand_beside_the_unaligned(data: Path, tmp_path: Path):
    assert run("--baseline", "none", "--align", "--data", data, "--json", tmp_path / "out.json") == 0
    figures = json.loads((tmp_path / "out.json").read_text())["sets"]["pairs"]["input"]
    assert set(figures) >= KEYS | {"psnr_rgb_aligned", "ssim_2d_aligned"}


def test_a_network_of_others_is_judged(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "theirs_here.py").write_text(
        "import torch\ndef build(): return torch.nn.Conv2d(3, 3, 1, bias=False)\n"
    )
    torch.save({"weight": torch.eye(3)[:, :, None, None]}, tmp_path / "eye.pth")
    monkeypatch.chdir(tmp_path)  # a factory beside the user is found
    arguments = ("--model", "theirs_here:build", "--weights", "eye.pth", "--data", data, "--json", "o.json")
    assert run(*arguments) == 0
    entry = json.loads(Path("o.json").read_text())["sets"]["pairs"]
    assert entry["output"]["psnr_rgb"] == pytest.approx(entry["input"]["psnr_rgb"])


def test_a_published_layout_is_read_and_realblurs_is_aligned(data: Path, tmp_path: Path):
    root = tmp_path / "RealBlur"
    root.mkdir()
    (root / "RealBlur_J_test_list.txt").write_text("gt_0.png blur_0.png\ngt_1.png blur_1.png\n")
    for i in range(2):
        (root / f"blur_{i}.png").symlink_to(data / f"input/{i}.png")
        (root / f"gt_{i}.png").symlink_to(data / f"target/{i}.png")
    arguments = (
        "--baseline",
        "none",
        "--data",
        root,
        "--layout",
        "realblur_j",
        "--json",
        tmp_path / "o.json",
    )
    assert run(*arguments) == 0
    entry = json.loads((tmp_path / "o.json").read_text())["sets"]["RealBlur"]
    assert entry["count"] == 2
    assert "psnr_rgb_aligned" in entry["input"]


def test_sets_of_one_name_keep_their_parents(data: Path, tmp_path: Path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "pairs").symlink_to(data)
    (tmp_path / "second/pairs").mkdir(parents=True)
    for side in ("input", "target"):
        (tmp_path / "second/pairs" / side).symlink_to(data / side)
    out = tmp_path / "out.json"
    assert run("--baseline", "none", "--data", data, "--data", tmp_path / "second/pairs", "--json", out) == 0
    assert set(json.loads(out.read_text())["sets"]) == {f"{tmp_path.name}/pairs", "second/pairs"}
    assert run("--baseline", "none", "--data", data, "--data", other / "pairs") == 2  # the same folder twice


@pytest.fixture
def rain(tmp_path: Path) -> Path:
    root = tmp_path / "rain"
    write_frames(root / "input", rained_on(clean_clip(4)))
    write_frames(root / "target", clean_clip(4))
    return root


def test_videos_with_and_without_truth_have_the_documented_keys(rain: Path, tmp_path: Path):
    out, table = tmp_path / "out.json", tmp_path / "out.csv"
    assert (
        run("--video", "--baseline", "median", "--data", rain, "--data", rain / "input", "--json", out) == 0
    )
    content = json.loads(out.read_text())
    assert content["model"] == "median"
    scored, real = content["sets"]["rain"], content["sets"]["input"]
    assert scored["count"] == real["count"] == 4
    assert set(real) == {"count", "video"}
    assert set(real["video"]) == CONSECUTIVE
    assert set(scored["video"]) == CONSECUTIVE | {"ghosts", "lowest"}
    assert set(scored["video"]["streak_energy"]) == {"input", "output", "target"}
    assert set(scored["video"]["ghosts"]) == {"moving_share", "with_history", "without_history", "ratio"}
    assert scored["output"]["psnr_rgb"] > scored["input"]["psnr_rgb"] + 3
    assert scored["video"]["lowest"][0] in {"input/0000.png", "input/0001.png"}  # without history
    energy = real["video"]["streak_energy"]
    assert real["video"]["streak_energy_left"] == energy["output"] / energy["input"] < 1
    excess = real["video"]["streak_excess"]
    assert real["video"]["streak_excess_left"] == excess["output"] / excess["input"] < 1
    assert run("--video", "--baseline", "median", "--data", rain, "--csv", table) == 0
    assert len(list(csv.DictReader(table.open()))) == 4


def test_a_network_with_history_gets_it_in_videos_and_not_otherwise(rain: Path, tmp_path: Path):
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(base_width=4, blocks=1, history=2))
    save_generator(generator, tmp_path / "h.safetensors", {}, torch.float32)
    outs = [tmp_path / "video.json", tmp_path / "single.json"]
    for out, more in zip(outs, (["--video"], []), strict=True):
        assert run("--model", tmp_path / "h.safetensors", "--data", rain, "--json", out, *more) == 0
    video, single = (json.loads(out.read_text())["sets"]["rain"] for out in outs)
    assert video["input"] == pytest.approx(single["input"])
    assert video["output"]["psnr_rgb"] != pytest.approx(single["output"]["psnr_rgb"], abs=1e-6)
    assert "video" not in single


def test_what_a_clean_video_loses_is_measured(rain: Path, tmp_path: Path):
    out = tmp_path / "out.json"
    assert run("--video", "--clean", "--baseline", "median", "--data", rain, "--json", out) == 0
    entry = json.loads(out.read_text())["sets"]["rain"]
    assert entry["input"]["psnr_rgb"] == 100
    file, lowest = entry["video"]["lowest"]
    assert file in {"0002.png", "0003.png"}
    assert 20 < lowest < entry["output"]["psnr_rgb"] < 100


def test_videos_are_compared_too(rain: Path, tmp_path: Path):
    same, brighter = save_network(tmp_path / "a.safetensors"), save_network(tmp_path / "b.safetensors", 0.05)
    out = tmp_path / "out.json"
    assert run("--video", "--model", brighter, "--against", same, "--data", rain, "--json", out) == 0
    against = json.loads(out.read_text())["sets"]["rain"]["against"]
    assert against["difference"]["psnr_rgb"]["mean"] < 0
    assert against["video"]["streak_energy_left"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--data"),
        (("--data", "{data}", "--model", "lite", "--baseline", "none"), "not both"),
        (("--data", "{data}", "--model", "a:b"), "--weights"),
        (("--data", "{tmp}", "--baseline", "none"), "input/"),
        (("--data", "{data}", "--model", "{tmp}/none.safetensors"), "none.safetensors"),
        (("--data", "{data}", "--baseline", "none", "--layout", "kitti"), "no layout 'kitti'"),
        (("--data", "{data}", "--baseline", "none", "--json", "{tmp}/no/o.json"), "does not exist"),
        (("--data", "{data}", "--baseline", "none", "--clean"), "--clean is for --video"),
        (("--data", "{data}", "--baseline", "none", "--video", "--align"), "--align is for single images"),
        (("--data", "{data}", "--baseline", "none", "--video", "--worst", "w"), "--worst is for single"),
        (
            ("--data", "{data}/input", "--baseline", "none", "--video", "--csv", "{tmp}/o.csv"),
            "--csv has scores",
        ),
        (("--data", "{data}/input", "--baseline", "wiener", "--video"), "no images to choose"),
        (("--data", "{tmp}/none.mp4", "--baseline", "none", "--video"), "none.mp4"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(
    arguments: tuple[str, ...], message: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["evaluate", *(a.format(data=data, tmp=tmp_path) for a in arguments)]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_mismatched_pairs_stop_it_before_anything_is_measured(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    cv2.imwrite(str(data / "target/1.png"), np.zeros((8, 8, 3), np.uint8))
    assert run("--baseline", "none", "--data", data, "--json", tmp_path / "o.json") == 2
    assert "1.png" in capsys.readouterr().err
    assert not (tmp_path / "o.json").exists()
