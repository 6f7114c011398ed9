# SPDX-License-Identifier: Apache-2.0
"""What an image file holds besides its colours survives restoration."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, JpegImagePlugin

from restoregan_core.images.image_files import read_image_file, write_image_file

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def colours(height: int = 24, width: int = 32, channels: int = 3) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def round_trip(source: Path, output: Path, change: int = 0) -> None:
    image = read_image_file(source)
    write_image_file(output, image, np.clip(image.rgb.astype(int) + change, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_exif_colour_profile_and_rotation_tag_are_kept(tmp_path: Path, suffix: str):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "A camera", 6  # maker; turned by 90 degrees
    source, output = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    Image.fromarray(colours()).save(source, exif=exif, icc_profile=PROFILE)
    round_trip(source, output)
    with Image.open(output) as written:
        assert dict(written.getexif()) == dict(exif)
        assert written.info["icc_profile"] == PROFILE
        assert written.size == (32, 24)  # not turned twice


def test_a_jpeg_keeps_its_quality_and_subsampling(tmp_path: Path):
    Image.fromarray(colours()).save(tmp_path / "a.jpg", quality=37, subsampling=0)
    round_trip(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "a.jpg") as a, Image.open(tmp_path / "b.jpg") as b:
        assert b.quantization == a.quantization
        assert JpegImagePlugin.get_sampling(b) == 0


def test_an_unchanged_png_keeps_every_pixel(tmp_path: Path):
    Image.fromarray(colours()).save(tmp_path / "a.png")
    round_trip(tmp_path / "a.png", tmp_path / "b.png")
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "b.png")), colours())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_keep_their_precision_and_get_the_change_on_top(tmp_path: Path, suffix: str):
    deep = np.random.default_rng(1).integers(2000, 60000, (24, 32, 3), np.uint16)
    source = tmp_path / f"a{suffix}"
    cv2.imwrite(str(source), deep)
    assert any("16 bits" in note for note in read_image_file(source).notes)
    round_trip(source, tmp_path / f"same{suffix}")
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / f"same{suffix}"), cv2.IMREAD_UNCHANGED), deep)
    round_trip(source, tmp_path / f"brighter{suffix}", change=2)
    brighter = cv2.imread(str(tmp_path / f"brighter{suffix}"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(brighter.astype(int), deep.astype(int) + 2 * 257)


def test_alpha_is_kept_and_not_shown_to_the_network(tmp_path: Path):
    rgba = np.dstack([colours(), np.random.default_rng(2).integers(0, 256, (24, 32), np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    image = read_image_file(tmp_path / "a.png")
    np.testing.assert_array_equal(image.rgb, rgba[..., :3])
    round_trip(tmp_path / "a.png", tmp_path / "b.png", change=3)
    written = np.array(Image.open(tmp_path / "b.png"))
    np.testing.assert_array_equal(written[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(written[..., :3], np.clip(rgba[..., :3].astype(int) + 3, 0, 255))


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_stays_grey(tmp_path: Path, mode: str):
    Image.fromarray(colours()).convert(mode).save(tmp_path / "a.png")
    before = np.array(Image.open(tmp_path / "a.png"))
    round_trip(tmp_path / "a.png", tmp_path / "b.png", change=3)
    with Image.open(tmp_path / "b.png") as written:
        assert written.mode == mode
        after = np.array(written)
    if mode == "LA":
        np.testing.assert_array_equal(after[..., 1], before[..., 1])
        before, after = before[..., 0], after[..., 0]
    np.testing.assert_array_equal(after, np.clip(before.astype(int) + 3, 0, 255))


def test_a_grey_jpeg_is_written_as_one(tmp_path: Path):
    Image.fromarray(colours()).convert("L").save(tmp_path / "a.jpg")
    round_trip(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as written:
        assert written.mode == "L"


def test_a_palette_becomes_rgb_and_says_so(tmp_path: Path):
    Image.fromarray(colours()).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "a.png")
    expected = np.array(Image.open(tmp_path / "a.png").convert("RGB"))
    image = read_image_file(tmp_path / "a.png")
    np.testing.assert_array_equal(image.rgb, expected)
    assert any("palette" in note for note in image.notes)


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path: Path):
    Image.fromarray(colours()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=r"b\.png exists"):
        round_trip(tmp_path / "a.png", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == b"precious"
    image = read_image_file(tmp_path / "a.png")
    with pytest.raises(ValueError, match="its source"):
        write_image_file(tmp_path / "c.png", image, image.rgb[:-1])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_formats_that_cannot_hold_the_image_are_refused_with_the_remedy(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "deep.png"), np.zeros((8, 8, 3), np.uint16))
    Image.fromarray(colours(8, 8, 4)).save(tmp_path / "alpha.png")
    Image.fromarray(colours(8, 8)).convert("CMYK").save(tmp_path / "cmyk.jpg")
    cv2.imwrite(str(tmp_path / "float.tif"), np.zeros((8, 8, 3), np.float32))
    (tmp_path / "text.png").write_text("no image")
    for source, output, message in (
        ("deep.png", "o.jpg", "cannot hold 16 bits; write .png or .tif"),
        ("alpha.png", "o.jpg", "cannot hold alpha; write .png"),
        ("alpha.png", "o.xyz", "cannot write .xyz"),
        ("cmyk.jpg", "o.jpg", "convert it to RGB"),
        ("float.tif", "o.tif", r"float\.tif.*(8 or 16 bits|not a readable)"),
        ("text.png", "o.png", r"text\.png is not a readable image"),
    ):
        with pytest.raises(ValueError, match=message):
            round_trip(tmp_path / source, tmp_path / output)


def test_of_a_phones_jpeg_with_a_second_image_behind_it_the_first_is_restored(tmp_path: Path):
    first, second = (Image.fromarray(np.roll(colours(), shift, axis=1)) for shift in (0, 9))
    first.save(tmp_path / "phone.jpg", format="MPO", save_all=True, append_images=[second], quality=95)
    image = read_image_file(tmp_path / "phone.jpg")
    assert image.notes == ("holds 2 images: the first is read, and is all that is saved",)
    assert np.abs(image.rgb.astype(int) - colours()).mean() < 4
    write_image_file(tmp_path / "out.jpg", image, image.rgb)
    with Image.open(tmp_path / "out.jpg") as written:
        assert (written.format, getattr(written, "n_frames", 1)) == ("JPEG", 1)
