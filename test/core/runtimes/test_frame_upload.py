"""A frame is uploaded once for all who look at it, and never mistaken for another."""

import numpy as np
import pytest
import torch

from restoregan_core.assessment import learned
from restoregan_core.assessment.assessor import Assessment
from restoregan_core.assessment.learned import AssessorFrameNetwork, LearnedAssessor
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.restoration.gate import PRESETS, Gate
from restoregan_core.restoration.guard import Guard
from restoregan_core.result import Action
from restoregan_core.runtimes.frame_upload import shared_uploads, upload
from restoregan_core.runtimes.protocol import RuntimeUnavailableError
from restoregan_core.zoo import load_assessor_network

CPU = torch.device("cpu")


def noise(seed=0, height=70, width=130):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_same_picture_is_uploaded_once():
    frame = noise()
    with shared_uploads():
        first = upload(frame[None], CPU)
        assert upload(frame[None], CPU) is first
    np.testing.assert_array_equal(first[0], frame)


def test_without_sharing_and_after_it_a_picture_in_the_same_memory_is_another():
    frame = noise()
    with shared_uploads():
        upload(frame[None], CPU)
    for _ in range(2):
        frame += 1
        np.testing.assert_array_equal(upload(frame[None], CPU)[0], frame)


def test_parts_of_a_picture_are_pictures_of_their_own():
    frame = noise()
    frame.flags.writeable = False
    with shared_uploads():
        for part in (frame, frame[:64], frame[:64, :64], frame[6:], frame[::-1], frame[..., ::-1]):
            np.testing.assert_array_equal(upload(part[None], CPU)[0], part)


def test_memory_that_was_freed_and_used_again_is_no_match():
    with shared_uploads():
        for seed in range(20):
            np.testing.assert_array_equal(upload(noise(seed)[None], CPU)[0], noise(seed))


class Onlooker:
    """Assessor and restorer in one: uploads what it is shown, and remembers the tensor."""

    name = "onlooker-0123456789ab"

    def __init__(self):
        self.assessed, self.restored = [], []

    def assess(self, rgb_HWC):
        self.assessed.append(upload(rgb_HWC[None], CPU))
        grid = np.full((2, 3), 0.9, np.float32)
        return Assessment(0.9, 0.0, blur_grid=grid, rain_grid=0 * grid)

    def __call__(self, rgb_HWC):
        self.restored.append(upload(rgb_HWC[None], CPU))
        return rgb_HWC // 2 + 60


def test_assessor_and_restorer_share_a_frame_and_no_two_frames_do():
    both = Onlooker()
    pipeline = RestorationPipeline(both, both, Gate(PRESETS["always"]), Guard())
    frame = noise()
    for turn in range(2):
        frame += 1  # a camera driver may write into the same memory
        result = pipeline.process(frame)
        assert result.action is Action.RESTORED, result.detail
        source, published = both.assessed[2 * turn : 2 * turn + 2]
        assert both.restored[turn] is source
        np.testing.assert_array_equal(source[0], frame)
        np.testing.assert_array_equal(published[0], result.image)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (64, 128), (70, 130)])
def test_the_border_beyond_the_frame_is_mirrored_on_the_device(height, width, monkeypatch):
    def missing(*_: object) -> None:
        raise RuntimeUnavailableError("OpenVINO is not installed")

    monkeypatch.setattr(learned, "compile_on_cpu", missing)
    loaded, frame = load_assessor_network(), noise(0, height, width)
    found = LearnedAssessor(loaded).assess(frame)
    padded = np.pad(frame, ((0, -height % 64), (0, -width % 64), (0, 0)), mode="symmetric")
    with torch.inference_mode():
        tiles, _ = AssessorFrameNetwork(loaded).eval()(torch.from_numpy(padded[None]))
    np.testing.assert_array_equal(found.blur_grid, tiles[0])
