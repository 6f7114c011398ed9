# SPDX-License-Identifier: Apache-2.0
"""A recipe whose data are not there says so at once, with the setting that takes folders of one's own."""

from pathlib import Path

import pytest

from restoregan_core.commands.train import parse
from restoregan_core.training.data_folders import require_folders

HERE = str(Path(__file__).parent)


@pytest.mark.parametrize(
    ("recipe", "given", "says"),
    [
        (
            "lite_blur",
            [],
            r"^data.sharp: .* is not a folder; give your own: --data.sharp '\[\{path: DIR\}\]', or '\[\]'",
        ),
        (
            "lite_blur",
            ["--data.sharp", f"[{{path: {HERE}}}]", "--data.pairs", "[]"],
            "^validation.folders: .*'\\[DIR\\]'",
        ),
        ("assessor", ["--data.sharp", f"[{{path: {HERE}}}]", "--data.pairs", "[]"], "^held_out: "),
    ],
)
def test_the_first_missing_folder_is_named_with_its_setting(
    recipe: str, given: list[str], says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=says):
        require_folders(parse(["--config", recipe, *given]))


def test_folders_that_are_there_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--data.sharp", f"[{{path: {HERE}}}]", "--data.pairs", "[]", "--validation.folders", f"[{HERE}]"]
    require_folders(parse(["--config", "lite_blur", *given]))
