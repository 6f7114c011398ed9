# SPDX-License-Identifier: Apache-2.0
"""From a training run to a weights file of the zoo, which says where it comes from."""

import json
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError

from restoregan_core.models.generator import Generator
from restoregan_core.training.config import TrainConfig
from restoregan_core.training.validation import Score
from restoregan_core.version import __version__
from restoregan_core.zoo import save_generator


def export_weights(
    config: TrainConfig, generator: Generator, step: int, scores: dict[str, Score], path: Path
) -> str:
    """Write ``generator`` as a ``.safetensors`` of the zoo, in float16; return its SHA-256.

    Raises:
        OSError: the file cannot be written, or a weight is too large for float16.
    """
    metadata = {
        "name": config.name,
        "training_data": json.dumps(config.training_data),
        "recipe": json.dumps(config.recipe()),
        "steps": str(step),
        "scores": json.dumps({name: asdict(score) for name, score in scores.items()}),
        "code_version": __version__,
    }
    try:
        return save_generator(generator, path, metadata)
    except (SafetensorError, ValueError) as error:  # safetensors' own word for a full disk
        raise OSError(f"{path.name} was not written: {error}") from error
