# SPDX-License-Identifier: Apache-2.0
"""Run restorers over folders of pairs and score every image: whole images, no gate, one pass for all."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from restoregan_core.concurrency import mapped
from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.images.folders import check_same_size, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.protocols import Scorer, Scores, mean_scores, score

Restore = Callable[[RgbImage], RgbImage]
"""uint8 RGB (height, width, 3) -> the same; a ``Restorer``, a baseline, another's network."""

Restored = tuple[str, RgbImage, Sequence[RgbImage], RgbImage]
"""File, image, what each restorer made of it, reference."""

# Scoring a 1280x720 image takes about as long as restoring it: it is hidden behind the network.
SCORING_THREADS = 2
IMAGES_AHEAD = 4


@dataclass(frozen=True)
class EvaluationSet:
    """Pairs under one name."""

    name: str
    pairs: tuple[Pair, ...]
    aligned: bool = False
    """References are another camera's (RealBlur): also measure aligned to them."""

    def files(self) -> list[str]:
        """A short name for each pair that tells it from the others: its input's path below what all share."""
        paths = [pair.input_path for pair in self.pairs]
        shared = os.path.commonpath([path.parent for path in paths])
        return [path.relative_to(shared).as_posix() for path in paths]


@dataclass(frozen=True)
class ImageScores:
    """One image: its input's scores, and one entry of ``outputs`` for each restorer."""

    file: str
    input: Scores
    outputs: tuple[Scores, ...]


@dataclass(frozen=True)
class SetScores:
    """All images of one set."""

    name: str
    images: tuple[ImageScores, ...]

    @property
    def count(self) -> int:
        return len(self.images)

    def mean_input(self) -> Scores:
        """Mean over the images, before restoration."""
        return mean_scores([image.input for image in self.images])

    def mean_output(self, index: int = 0) -> Scores:
        """Mean over the images, of the restorer with this index."""
        return mean_scores([image.outputs[index] for image in self.images])

    def gains(self, metric: str = "psnr_rgb", index: int = 0) -> list[float]:
        """For each image: output minus input."""
        return [image.outputs[index][metric] - image.input[metric] for image in self.images]

    def worst(self, count: int, index: int = 0) -> list[tuple[str, float]]:
        """The files whose PSNR (RGB) gained least, or lost most, with that gain in dB; the worst first."""
        named = zip((image.file for image in self.images), self.gains(index=index), strict=True)
        return sorted(named, key=lambda item: item[1])[:count]


def check_set(evaluation_set: EvaluationSet, on_checked: Callable[[], None] = lambda: None) -> None:
    """Read every pair once, so that a bad file stops the program at its start.

    Raises:
        ValueError: a file cannot be read, or differs from its partner in size; the message names it.
    """
    for pair in evaluation_set.pairs:
        check_same_size([pair.target_path, pair.input_path])
        on_checked()


def measure(
    evaluation_set: EvaluationSet,
    restorers: Sequence[Restore],
    extra: Sequence[Scorer] = (),
    on_measured: Callable[[], None] = lambda: None,
) -> SetScores:
    """Restore and score every image of a set.

    The restorers run in the calling thread, one image at a time; scoring runs beside them.

    Args:
        restorers: each is called once an image.
        extra: see `protocols.score`.
        on_measured: called after each image, for a progress bar.

    Raises:
        ValueError: a file cannot be read, sizes differ, a restorer changes the size, or an image cannot be
            aligned; the message names the file.
    """

    def restored() -> Iterator[Restored]:
        for name, pair in zip(evaluation_set.files(), evaluation_set.pairs, strict=True):
            image, reference = read_rgb(pair.input_path), read_rgb(pair.target_path)
            yield name, image, [restore(image) for restore in restorers], reference

    scored = []
    for scores in score_beside(restored(), extra):
        scored.append(scores)
        on_measured()
    return SetScores(evaluation_set.name, tuple(scored))


def score_beside(restored: Iterable[Restored], extra: Sequence[Scorer]) -> Iterator[ImageScores]:
    """Scores in the same order, computed in threads while the caller's restores the next ones."""
    with ThreadPoolExecutor(SCORING_THREADS) as pool:
        yield from mapped(pool, lambda each: score_all(*each, extra), restored, IMAGES_AHEAD - 1)


def score_all(
    name: str, image: RgbImage, outputs: Sequence[RgbImage], reference: RgbImage, extra: Sequence[Scorer]
) -> ImageScores:
    """Input and outputs of one image against its reference.

    Raises:
        ValueError: sizes differ, or an image cannot be scored; the message names the file.
    """
    try:
        return ImageScores(
            name,
            score(image, reference, extra),
            tuple(score(output, reference, extra) for output in outputs),
        )
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
