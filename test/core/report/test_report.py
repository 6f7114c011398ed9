# SPDX-License-Identifier: Apache-2.0
"""The report can be opened from disk and used: by mouse, by keyboard, on a phone, without a network."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restoregan_core import report
from restoregan_core.report.page import Card, Table, encode_jpeg, finite
from restoregan_core.report.report import FrameRow, ImagePair, Report, write_html, write_json


def make_report() -> Report:
    rng = np.random.default_rng(0)
    rows = [
        FrameRow(
            time_s=number * 0.5,
            condition="clean" if number < 10 else "rain",
            blur_probability=0.1,
            rain_probability=number / 20,
            residual_blur_probability=0.1,
            residual_rain_probability=0.05,
            action="failed open" if number == 3 else "restored" if number >= 10 else "passed through",
            reason="deadline" if number == 3 else "none",
            latency_ms=12.5,
            psnr_before=25.0,
            psnr_after=math.nan if number == 4 else 26.5,
        )
        for number in range(20)
    ]
    images = []
    for row in range(0, 20, 4):
        before, after, truth = (rng.integers(0, 256, (90, 160, 3), dtype=np.uint8) for _ in range(3))
        images.append(ImagePair(row, encode_jpeg(before), encode_jpeg(after), encode_jpeg(truth)))
    return Report(
        title="drive <script>alert(1)</script>",
        cards=[Card("restored", "10", "of 20")],
        rows=rows,
        images=images,
        first_image=1,
        tables=[Table("Names & settings", ("", "count"), [("</script><b>", "1")], is_text=True)],
        summary={"latency_ms": {"p50": 12.5, "p99": math.nan}, "counts": [np.float64(1.0)]},
    )


@pytest.fixture
def page(tmp_path: Path) -> Path:
    write_html(make_report(), tmp_path / "report.html")
    return tmp_path / "report.html"


def test_nothing_is_loaded_from_a_network(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", text)
    assert not re.search(r"url\(\s*['\"]?(?:https?:)?//|@import", text)


def test_texts_of_users_are_escaped(page: Path) -> None:
    text = page.read_text()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "</script><b>" not in text


def test_no_asset_can_end_its_own_element() -> None:
    for file in (Path(report.__file__).parent / "assets").glob("*.[jc]s*"):
        assert not re.search(r"</(script|style)", file.read_text(), re.IGNORECASE), file.name


def test_vendored_libraries_come_with_their_licence() -> None:
    assets = Path(report.__file__).parent / "assets"
    for name in ("uplot", "img-comparison-slider"):
        assert "Permission is hereby granted" in (assets / f"{name}.LICENSE").read_text()
        assert list(assets.glob(f"{name}-*.js"))


def test_json_holds_every_frame_and_no_nan(tmp_path: Path) -> None:
    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    write_json(make_report(), tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text(), parse_constant=refuse)
    assert content["latency_ms"] == {"p50": 12.5, "p99": None}
    assert [frame["time_s"] for frame in content["frames"]] == [number * 0.5 for number in range(20)]
    assert content["frames"][4]["psnr_after"] is None


def test_finite_replaces_only_what_json_lacks() -> None:
    assert finite({"a": [math.inf, 1, "x", None, True]}) == {"a": [None, 1, "x", None, True]}


def test_images_are_shrunk_to_the_report_and_keep_their_colours() -> None:
    import cv2

    jpeg = encode_jpeg(np.full((200, 2000, 3), (250, 10, 20), np.uint8))
    image = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert image.shape == (96, 960, 3)
    assert np.abs(image.astype(int) - (250, 10, 20)).max() < 8


@pytest.fixture
def opened(browser: Any, page: Path) -> Any:
    browser.set_window_size(1200, 1000)
    browser.get_log("browser")
    browser.get(page.as_uri())
    return browser


def caption(browser: Any) -> str:
    return browser.find_element("id", "caption").text


def test_it_opens_without_a_console_message(opened: Any) -> None:
    assert caption(opened).startswith("2.00 s")  # the image that the report says to show first
    natural = "return [...document.querySelectorAll('#slider img')].map(i => i.naturalWidth)"
    assert opened.execute_script(natural) == [160, 160]
    assert opened.get_log("browser") == []


def test_the_slider_moves_by_keyboard(opened: Any) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.wait import WebDriverWait

    slider = opened.find_element("id", "slider")
    opened.execute_script("arguments[0].focus()", slider)
    before = opened.execute_script("return arguments[0].value", slider)
    ActionChains(opened).key_down(Keys.ARROW_RIGHT).perform()  # it moves for as long as the key is held
    WebDriverWait(opened, 20).until(
        lambda driver: driver.execute_script("return arguments[0].value", slider) > before
    )
    ActionChains(opened).key_up(Keys.ARROW_RIGHT).perform()


def test_the_slider_moves_by_mouse(opened: Any) -> None:
    from selenium.webdriver import ActionChains

    slider = opened.find_element("id", "slider")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", slider)
    quarter = -slider.size["width"] // 4
    ActionChains(opened).move_to_element(slider).click_and_hold().move_by_offset(
        quarter, 0
    ).release().perform()
    assert opened.execute_script("return arguments[0].value", slider) == pytest.approx(25, abs=4)


def test_a_click_on_the_timeline_shows_the_frame_of_that_time(opened: Any) -> None:
    from selenium.webdriver import ActionChains

    plot = opened.find_element("css selector", ".plot .u-over")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    near_the_end = plot.size["width"] // 2 - 5
    ActionChains(opened).move_to_element_with_offset(plot, near_the_end, 0).click().perform()
    assert caption(opened).startswith("8.00 s")
    assert "restored" in caption(opened)


def test_frames_are_stepped_through_by_keyboard(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    timeline = opened.find_element("class name", "plot")
    timeline.send_keys(Keys.ARROW_RIGHT)
    assert caption(opened).startswith("4.00 s")
    timeline.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert caption(opened).startswith("0.00 s")
    opened.find_element("id", "next").click()
    assert caption(opened).startswith("2.00 s")


def test_the_truth_can_be_put_on_the_right(opened: Any) -> None:
    after = opened.find_element("id", "after")
    published = after.get_attribute("src")
    opened.find_element("css selector", "#right-side option[value=truth]").click()
    assert after.get_attribute("src") != published
    assert opened.find_element("id", "right-tag").text == "ground truth"


def test_it_fits_a_phone(opened: Any) -> None:
    # Narrower than a headless window can be made: the page goes into a frame of a phone's width.
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 380, "height": 800, "deviceScaleFactor": 2, "mobile": True},
    )
    try:
        opened.refresh()
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 380
        assert opened.execute_script("return document.querySelector('.u-over').clientWidth") > 200
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
