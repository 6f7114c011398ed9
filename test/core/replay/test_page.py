# SPDX-License-Identifier: Apache-2.0
"""The replay's page in a real browser: no error, the slider moves, the timeline jumps, tiles are drawn."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from replay_bags import drive, write_bag

from restoregan_core.cli import main

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--virtual-time-budget=5000", "--enable-logging=stderr",
)  # fmt: skip

PROBE = """
<script>
const failures = [];
addEventListener("error", (event) => failures.push(event.message));
addEventListener("load", async () => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const byId = (id) => document.getElementById(id);
  const seen = {};
  await wait(500);
  seen.caption = byId("caption").textContent;
  byId("slider").value = 50;
  const frame = byId("slider").getBoundingClientRect();
  const grip = { clientX: frame.left + frame.width * 0.8, clientY: frame.top + 20, button: 0, bubbles: true };
  byId("slider").dispatchEvent(new MouseEvent("mousedown", grip));
  window.dispatchEvent(new MouseEvent("mouseup", grip));
  seen.slider = Number(byId("slider").value);
  byId("next").click();
  seen.next = byId("caption").textContent;
  const over = document.querySelector(".u-over");
  const box = over.getBoundingClientRect();
  const at = { clientX: box.left + box.width * 0.95, clientY: box.top + 20, bubbles: true };
  for (const kind of ["mousedown", "mouseup", "click"]) over.dispatchEvent(new MouseEvent(kind, at));
  seen.clicked = byId("caption").textContent;
  const left = new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true });
  document.querySelector(".plot").dispatchEvent(left);
  seen.stepped = byId("caption").textContent;
  const quarter = { ...at, clientX: box.left + box.width * 0.25 };
  for (const kind of ["mousedown", "mouseup", "click"]) over.dispatchEvent(new MouseEvent(kind, quarter));
  seen.early = byId("caption").textContent;
  byId("overlay").value = "restored";
  byId("overlay").dispatchEvent(new Event("change"));
  await wait(200);
  const canvas = byId("tiles");
  const drawn = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  seen.tiles = drawn.some((value) => value > 0);
  seen.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  seen.images = document.querySelectorAll("img").length;
  seen.failures = failures;
  document.title = "PROBED";
  const result = document.createElement("pre");
  result.id = "probe";
  result.textContent = JSON.stringify(seen);
  document.body.append(result);
});
</script>
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Path:
    root = tmp_path_factory.mktemp("page")
    bag = write_bag(root / "bag", drive(24, height=192, width=320))
    arguments = [
        "replay",
        str(bag),
        "--output",
        str(root / "out"),
        "--model",
        str(weights),
        "--runtime",
        "torch",
    ]
    assert main([*arguments, "--preset", "always", "--degrade", "rain"]) == 0
    return root / "out"


def probe(page: str, probed: Path, profile: Path, size: str) -> dict[str, Any]:
    """What the browser saw on the page; no error among it."""
    probed.write_text(page.replace("</head>", f"{PROBE}</head>", 1))
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--window-size={size}", f"--user-data-dir={profile}", "--dump-dom", f"file://{probed}"],
        capture_output=True, text=True, timeout=200, check=True,
    )  # fmt: skip
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    seen = json.loads(found[1].replace("&gt;", ">").replace("&amp;", "&"))
    assert seen["failures"] == []
    assert "CONSOLE" not in done.stderr
    return seen


@needs_browser
@pytest.mark.parametrize("size", ["1200,1500", "500,1500"])
def test_an_hours_pause_leaves_the_recordings_their_room_on_the_time_axis(
    output: Path, tmp_path: Path, size: str
) -> None:
    page = (output / "report.html").read_text()
    found = re.search(r'(<script[^>]*id="report-data"[^>]*>)(.*?)(</script>)', page, re.DOTALL)
    data = json.loads(found[2])
    data["time_s"] = [time_s + 3600 * (time_s >= 0.48) for time_s in data["time_s"]]
    data["after_pause"] = [number == 12 for number in range(24)]
    page = page.replace(found[0], found[1] + json.dumps(data).replace("<", "\\u003c") + found[3])
    seen = probe(page, output / "paused.html", tmp_path, size)
    times = [float(re.search(r"front, ([\d.]+) s", seen[name])[1]) for name in ("clicked", "early")]
    assert 3600.8 < times[0] <= 3600.92  # the click was at 95 % of the time axis
    assert 0.15 < times[1] < 0.35  # and this one at 25 %
    assert seen["overflow"] <= 0


@needs_browser
@pytest.mark.parametrize("size", ["1200,1500", "500,1500"])
def test_the_page_works_with_mouse_and_keyboard_and_without_errors(
    output: Path, tmp_path: Path, size: str
) -> None:
    seen = probe((output / "report.html").read_text(), output / "probed.html", tmp_path, size)
    assert 75 < seen["slider"] < 85
    assert seen["next"] != seen["caption"]
    time_s = float(re.search(r"front, ([\d.]+) s", seen["clicked"])[1])
    assert 0.8 < time_s <= 0.92  # the click was at 95 % of the time axis
    assert float(re.search(r"front, ([\d.]+) s", seen["stepped"])[1]) < time_s
    assert seen["tiles"]
    assert seen["overflow"] <= 0


def test_the_page_needs_no_network_and_embeds_at_most_300_images(output: Path) -> None:
    page = (output / "report.html").read_text()
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert not re.search(r"@import|url\((?!data:)", page)
    assert page.count("data:image/jpeg") <= 300
    for name in re.findall(r'"(images/[^"]+)"', page):
        assert (output / name).is_file()


def test_verdict_and_figures_are_on_the_page(output: Path) -> None:
    page = (output / "report.html").read_text()
    report = json.loads((output / "report.json").read_text())
    assert report["verdict"]["headline"] in page
    assert "made for a test" in page  # the model card
    left = report["cameras"]["front"]["streak_energy"]["excess_left"]
    assert "streaks left" in page
    assert f"{100 * max(left, 0):.0f} %" in page
    for title in (
        "Cameras",
        "What other thresholds would have done",
        "Time",
        "Worst segments",
        "Environment",
    ):
        assert f"<h2>{title}</h2>" in page
    for segment in report["segments"]:
        assert 0 <= segment["start_s"] < 1
        assert f">{segment['start_s']:.1f} s<" in page, "not seconds since 1970"


def test_the_model_card_reads_as_text(output: Path) -> None:
    from restoregan_core.replay.page import write_replay_report
    from restoregan_core.replay.state import ReplayFolder

    report = json.loads((output / "report.json").read_text())
    report["replay"]["model_card"] = {
        "steps": "12762",
        "training_data": '["Street: CC BY 4.0", "Yard: research use"]',
        "scores": '{"street": {"psnr_db": 24.534617966603474, "ssim": 0.8115}}',
        "recipe": '{"schedule": {"stages": [{"steps": 40000}]}}',
    }
    folder = ReplayFolder(output)
    before = folder.report_html.read_text()
    write_replay_report(folder, report)
    page = folder.report_html.read_text()
    folder.report_html.write_text(before)
    assert "Street: CC BY 4.0; Yard: research use" in page
    assert "scores: street" in page
    assert "psnr_db 24.53, ssim 0.8115" in page
    for raw in ("{&#34;", "stages"):
        assert raw not in page.split("Model card")[1].split("<h2>")[0]
