# SPDX-License-Identifier: Apache-2.0
"""Whether the folders that a recipe names are there, before anything is loaded."""

from collections.abc import Sequence
from pathlib import Path

from restoregan_core.data.config import Folder
from restoregan_core.training.assessor.config import AssessorTrainConfig
from restoregan_core.training.config import TrainConfig


def require_folders(config: TrainConfig | AssessorTrainConfig) -> None:
    """Recipes name the data that their networks were trained on, which the package does not bring.

    Raises:
        ValueError: a folder of the recipe is missing; says which setting to give folders of one's own.
    """
    named: dict[str, Sequence[Folder | str]] = {
        "data.sharp": config.data.sharp,
        "data.pairs": config.data.pairs,
    }
    if isinstance(config, TrainConfig):
        named["data.videos"] = config.data.videos
        named["validation.folders"] = config.validation.folders
    else:
        named["held_out"] = config.held_out
    for setting, folders in named.items():
        for folder in folders:
            path = folder if isinstance(folder, str) else folder.path
            if not Path(path).is_dir():
                example = "[DIR]" if isinstance(folder, str) else "[{path: DIR}]"
                raise ValueError(
                    f"{setting}: {path} is not a folder; give your own: --{setting} '{example}', or '[]'"
                )
