# SPDX-License-Identifier: Apache-2.0
"""Promises about pairs: a broken one is named before training starts, and no test background slips in."""

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("lmdb", reason="needs the extra train")
import lmdb

from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.datasets.pairs import find_pairs, without_shared_backgrounds
from restoregan_core.images.folders import read_rgb


@pytest.fixture
def folder(tmp_path: Path, write_image) -> Path:
    for name, seed in (("a", 1), ("b/c", 2)):
        write_image(tmp_path / "input" / f"{name}.png", seed + 10)
        write_image(tmp_path / "target" / f"{name}.png", seed)
    return tmp_path


def test_partners_are_found_by_their_path(folder: Path) -> None:
    pairs = find_pairs(folder)
    assert [p.input_path.relative_to(folder).as_posix() for p in pairs] == ["input/a.png", "input/b/c.png"]
    assert [p.target_path.relative_to(folder).as_posix() for p in pairs] == ["target/a.png", "target/b/c.png"]


def test_partners_may_differ_in_their_suffix(folder: Path, write_image) -> None:
    (folder / "input/a.png").unlink()
    write_image(folder / "input/a.jpg")
    assert find_pairs(folder)[0].input_path.name == "a.jpg"


@pytest.mark.parametrize("side", ["input", "target"])
def test_a_missing_partner_is_named(folder: Path, side: str) -> None:
    (folder / side / "a.png").unlink()
    with pytest.raises(ValueError, match=r"a\.png has no partner"):
        find_pairs(folder)


def test_a_pair_of_two_sizes_is_named_with_both(folder: Path, write_image) -> None:
    write_image(folder / "input/a.png", height=44)
    with pytest.raises(ValueError, match=r"input/a\.png is 44x48 .*target/a\.png is 40x48"):
        find_pairs(folder)


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_an_unreadable_image_is_named(folder: Path, content: bytes) -> None:
    (folder / "target/b/c.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"target/b/c\.png is not a readable image"):
        find_pairs(folder)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_image_does_not_pass_for_a_whole_one(folder: Path, write_image, suffix: str) -> None:
    (folder / "target/a.png").unlink()
    path = write_image(folder / f"target/a{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=rf"target/a\{suffix}"):
        find_pairs(folder)


def test_a_folder_without_input_says_where_pairs_lie(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not hold a folder input/: pairs lie in input/ and target/"):
        find_pairs(tmp_path)


def test_an_unknown_layout_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no layout 'gopr'.*gopro"):
        find_pairs(tmp_path, layout="gopr")


def write_lmdb(path: Path, images: dict[str, np.ndarray]) -> None:
    lines = []
    with lmdb.open(str(path), map_size=2**22) as database, database.begin(write=True) as writing:
        for key, rgb_HWC in images.items():
            writing.put(key.encode(), cv2.imencode(".png", rgb_HWC[..., ::-1])[1].tobytes())
            lines.append(f"{key}.png ({rgb_HWC.shape[0]},{rgb_HWC.shape[1]},3) 1\n")
    (path / "meta_info.txt").write_text("".join(lines))


@pytest.mark.parametrize("names", [("input.lmdb", "target.lmdb"), ("lq.lmdb", "gt.lmdb")])
def test_images_come_out_of_lmdb_as_they_went_in(tmp_path: Path, names: tuple[str, str]) -> None:
    rng = np.random.default_rng(0)
    sides = [
        {key: rng.integers(0, 256, (8, 10, 3), dtype=np.uint8) for key in ("0001", "clip/0002")}
        for _ in names
    ]
    for name, images in zip(names, sides, strict=True):
        write_lmdb(tmp_path / name, images)
    pairs = find_pairs(tmp_path, layout="lmdb")
    assert len(pairs) == 2
    for pair, key in zip(pairs, ("0001", "clip/0002"), strict=True):
        assert np.array_equal(read_rgb(pair.input_path), sides[0][key])
        assert np.array_equal(read_rgb(pair.target_path), sides[1][key])


def test_a_key_without_partner_is_named(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    write_lmdb(tmp_path / "input.lmdb", {"1": image})
    write_lmdb(tmp_path / "target.lmdb", {"1": image, "2": image})
    with pytest.raises(ValueError, match="'2'"):
        find_pairs(tmp_path, layout="lmdb")
    (tmp_path / "input.lmdb/meta_info.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"meta_info.txt is not text"):
        find_pairs(tmp_path, layout="lmdb")


def test_a_damaged_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "input.lmdb"
    write_lmdb(path, {"1": np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)})
    whole = (path / "data.mdb").read_bytes()
    (path / "data.mdb").write_bytes(whole[: len(whole) // 2])  # to read its image would kill the process
    with pytest.raises(ValueError, match=r"input.lmdb is cut off"):
        read_rgb(f"{path}#1")
    (path / "data.mdb").write_bytes(whole[:8192] + bytes(len(whole) - 8192))
    with pytest.raises(ValueError, match=r"input.lmdb is not a readable LMDB database"):
        read_rgb(f"{path}#1")


def test_backgrounds_of_the_test_set_are_left_out_whatever_they_are_called(
    tmp_path: Path, write_image
) -> None:
    test_clean = write_image(tmp_path / "test/1.png", seed=5)
    training = []
    for name, seed in (("7", 5), ("8", 6), ("9", 7)):
        training.append(Pair(tmp_path / "x.png", write_image(tmp_path / f"train/{name}.png", seed=seed)))
    mirrored = tmp_path / "train/10.png"
    cv2.imwrite(str(mirrored), cv2.imread(str(test_clean))[:, ::-1])
    training.append(Pair(tmp_path / "x.png", mirrored))
    kept = without_shared_backgrounds(training, [Pair(tmp_path / "y.png", test_clean)])
    assert [pair.target_path.stem for pair in kept] == ["8", "9"]
