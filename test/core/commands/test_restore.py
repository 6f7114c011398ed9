# SPDX-License-Identifier: Apache-2.0
"""``restoregan restore`` on an image, a folder and a video."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from videos import UNEVEN_TIMES_S, write_uneven

from restoregan_core import cli
from restoregan_core.images.video_files import read_timing
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.zoo import save_generator


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Brightens everything by a few grey levels."""
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(base_width=4, blocks=1, identity_start=True))
    torch.nn.init.constant_(generator.head.bias, 0.05)
    save_generator(generator, tmp_path / "brighter.safetensors", {}, torch.float32)
    return tmp_path / "brighter.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "rainy"
    (root / "deep").mkdir(parents=True)
    for name in ("a.png", "deep/b.png"):
        image = np.random.default_rng(0).integers(20, 200, (40, 70, 3), np.uint8)
        cv2.imwrite(str(root / name), image)
    return root


def run(network: Path, *arguments: object) -> int:
    return cli.main(["restore", "--runtime", "torch", "--model", str(network), *map(str, arguments)])


def is_brighter(output: Path, source: Path) -> bool:
    change = cv2.imread(str(output)).astype(int) - cv2.imread(str(source))
    return bool((change == 6).all())  # 0.05 of 127.5 grey levels


def test_an_image_is_restored_into_a_file(network: Path, folder: Path, tmp_path: Path):
    assert run(network, folder / "a.png", tmp_path / "clear.png") == 0
    assert is_brighter(tmp_path / "clear.png", folder / "a.png")


def test_an_image_is_restored_into_a_folder(network: Path, folder: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    assert run(network, folder / "a.png", tmp_path / "out") == 0
    assert is_brighter(tmp_path / "out/a.png", folder / "a.png")


def test_a_folder_keeps_its_tree(network: Path, folder: Path, tmp_path: Path):
    assert run(network, folder, tmp_path / "clear") == 0
    for name in ("a.png", "deep/b.png"):
        assert is_brighter(tmp_path / "clear" / name, folder / name)


def test_what_was_written_is_said_when_it_is_done(
    network: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(network, folder / "a.png", tmp_path / "clear.png") == 0
    assert f"wrote {tmp_path / 'clear.png'}" in capsys.readouterr().err
    (tmp_path / "clear").mkdir()
    (tmp_path / "clear/a.png").write_bytes((folder / "a.png").read_bytes())
    assert run(network, folder, tmp_path / "clear", "--skip-existing") == 0
    assert f"1 image restored into {tmp_path / 'clear'}" in capsys.readouterr().err


def test_nothing_is_overwritten_and_nothing_is_begun(
    network: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "clear/deep").mkdir(parents=True)
    (tmp_path / "clear/deep/b.png").write_bytes(b"precious")
    assert run(network, folder, tmp_path / "clear") == 2
    assert "b.png exists" in capsys.readouterr().err
    assert not (tmp_path / "clear/a.png").exists()
    assert run(network, folder, tmp_path / "clear", "--skip-existing") == 0
    assert (tmp_path / "clear/deep/b.png").read_bytes() == b"precious"
    assert is_brighter(tmp_path / "clear/a.png", folder / "a.png")


def test_an_output_inside_the_input_folder_is_not_restored_again(network: Path, folder: Path):
    assert run(network, folder, folder / "clear") == 0
    assert run(network, folder, folder / "clear", "--skip-existing") == 0
    assert not (folder / "clear/clear").exists()
    assert run(network, folder, folder) == 2


def test_one_bad_file_is_named_and_the_others_are_restored(
    network: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (folder / "broken.png").write_bytes(b"nothing")
    assert run(network, folder, tmp_path / "clear") == 2
    assert "broken.png is not a readable image" in capsys.readouterr().err
    assert is_brighter(tmp_path / "clear/deep/b.png", folder / "deep/b.png")
    assert not (tmp_path / "clear/broken.png").exists()


def test_16_bit_and_grey_files_go_through_with_a_word_about_them(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    deep = np.full((16, 16), 30000, np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    assert run(network, tmp_path / "deep.png", tmp_path / "out.png") == 0
    written = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(written, deep + 6 * 257)
    assert "16 bits" in capsys.readouterr().err


def test_a_video_is_restored(network: Path, tmp_path: Path):
    source = tmp_path / "in.mkv"
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter.fourcc(*"FFV1"), 10, (64, 48))
    for _ in range(3):
        writer.write(np.full((48, 64, 3), 100, np.uint8))
    writer.release()
    assert run(network, source, tmp_path / "out.mkv") == 0
    capture = cv2.VideoCapture(str(tmp_path / "out.mkv"))
    count = 0
    while (answer := capture.read())[0]:
        assert np.abs(answer[1].astype(int) - 106).max() <= 2
        count += 1
    assert count == 3


def test_a_video_of_uneven_frames_is_restored_with_a_word_about_its_times(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = write_uneven(tmp_path / "phone.mkv")
    assert run(network, source, tmp_path / "out.mkv") == 0
    assert "phone.mkv: frames are not evenly spaced" in capsys.readouterr().err
    assert read_timing(tmp_path / "out.mkv").count == len(UNEVEN_TIMES_S)


def recurrent(tmp_path: Path) -> Path:
    """Looks at its own last answer."""
    torch.manual_seed(0)
    config = GeneratorConfig(base_width=4, blocks=1, history=2, recurrent=True)
    save_generator(Generator(config), tmp_path / "recurrent.safetensors", {}, torch.float32)
    return tmp_path / "recurrent.safetensors"


@pytest.mark.parametrize("broken", [False, True])
def test_a_video_of_frames_goes_on_where_it_stopped(tmp_path: Path, broken: bool):
    source, out, whole = (tmp_path / name for name in ("in", "out", "whole"))
    source.mkdir()
    wide = np.kron(
        np.random.default_rng(0).integers(0, 256, (6, 12, 3), np.uint8), np.ones((8, 8, 1), np.uint8)
    )
    for k in range(4):
        cv2.imwrite(str(source / f"{k}.png"), wide[:, 3 * k : 3 * k + 80])
    network = recurrent(tmp_path)
    assert run(network, "--video", source, whole) == 0
    assert run(network, "--video", source, out) == 0
    (out / "3.png").unlink()
    if broken:
        (out / "2.png").write_bytes(b"not an image")
    assert run(network, "--video", "--skip-existing", source, out) == 0
    again, once = (cv2.imread(str(path / "3.png")) for path in (out, whole))
    assert (again == once).all() == (not broken)


def test_the_gate_decides_what_is_touched(
    network: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(network, "--gate", "off", folder / "a.png", tmp_path / "off.png") == 0
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "off.png")), cv2.imread(str(folder / "a.png")))
    assert "1 passed through" in capsys.readouterr().err
    assert run(network, "--gate", "always", folder / "a.png", tmp_path / "always.png") == 0
    assert is_brighter(tmp_path / "always.png", folder / "a.png")
    assert "1 restored" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        ("none.png", "o.png", "none.png does not exist"),
        ("rainy/a.png", "o.xyz", "cannot write .xyz"),
        ("rainy/a.png", "no/such/o.png", "does not exist"),
        ("rainy", "rainy/a.png", "is a file"),
        ("rainy", "out.mp4", "rainy is a folder, so OUTPUT must be one too"),
        ("rainy", "out.png", "is the name of a file"),
    ],
)
def test_bad_input_is_one_clear_line(
    source: str,
    output: str,
    message: str,
    network: Path,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    assert run(network, tmp_path / source, tmp_path / output) == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]
