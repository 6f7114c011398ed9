# SPDX-License-Identifier: Apache-2.0
"""The documentation says what is there: links lead somewhere, and lists name all that they claim to list."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def tracked(pattern: str) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in names.split("\n") if name and (ROOT / name).exists()]


def anchors(page: Path) -> set[str]:
    """What a link may name behind its #: each heading in lower case, spaces as hyphens, punctuation gone."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert broken_links(page) == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title: here\n[a](gone.md) [b](page.md#a-title-here) [c](#gone) [d](https://a.b/c)\n")
    assert broken_links(page) == ["gone.md", "#gone"]


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_of_this_repository_that_a_page_names_exists(page: Path) -> None:
    """Files in backticks that begin with a folder of the repository."""
    folders = "restoregan_core|restoregan_ros|benchmarks|config|docker|docs|launch|msg|scripts|test|tools"
    named = re.findall(rf"`(?:\w+ )?((?:{folders})/[\w/.-]+\.[a-z]+)", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_stays_an_overview() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_the_report_page_names_every_field_and_constant_of_the_message() -> None:
    page = (ROOT / "docs" / "report.md").read_text()
    message = (ROOT / "msg" / "RestorationReport.msg").read_text()
    fields = re.findall(r"^[\w/\[\]]+ (\w+)(?:$|\s)", message, re.MULTILINE)
    constants = re.findall(r"^uint8 (?:ACTION|REASON)_(\w+)=(\d+)", message, re.MULTILINE)
    assert len(fields) > 15
    assert [name for name in fields if f"`{name}`" not in page] == []
    assert [name for name, value in constants if f"| {name} {value} |" not in page] == []


def test_the_list_of_benchmarks_names_every_script_and_every_page() -> None:
    index = (ROOT / "docs" / "benchmarks" / "README.md").read_text()
    scripts = [str(script.relative_to(ROOT)) for script in tracked("benchmarks/*.py")]
    pages = [page.name for page in tracked("docs/benchmarks/*.md") if page.name != "README.md"]
    assert scripts
    assert pages
    assert [script for script in scripts if script not in index] == []
    assert [page for page in pages if f"({page}" not in index] == []


def test_the_training_manual_names_every_recipe() -> None:
    manual = (ROOT / "docs" / "training.md").read_text()
    recipes = [recipe.name for recipe in tracked("config/train/*.yaml")]
    assert recipes
    assert [recipe for recipe in recipes if recipe not in manual] == []
