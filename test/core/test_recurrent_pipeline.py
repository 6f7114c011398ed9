# SPDX-License-Identifier: Apache-2.0
"""A pipeline whose network sees its own last answer."""

from dataclasses import replace

import numpy as np
from tiny_generator import TINY, difference, image, loaded

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.concurrency import prefetched
from restoregan_core.images.tile_grid import grid_shape, pixels_of
from restoregan_core.loading import load_assessor
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.restoration.gate import PRESETS
from restoregan_core.restoration.output_bounds import OutputLimits
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.restoration.settings import PipelineSettings


class SeesItself:
    """Each answer is five grey levels brighter than the last one, where that is shown."""

    name = "test-0123456789ab"
    history, path, recurrent = 2, False, True

    def __init__(self):
        self.shown, self.is_broken = [], False

    def windows(self, rgb_HWC, tiles, tile_size_px):
        return []

    def restore_aligned(self, rgb_HWC, aligned, windows):
        self.shown.append(int(aligned[1][50, 50, 0]) if aligned else None)
        if self.is_broken:
            raise RuntimeError("broken")
        return (np.maximum(rgb_HWC, aligned[1]) if aligned else rgb_HWC) + np.uint8(5)


STILL = np.full((100, 300, 3), 100, np.uint8)


def always(restorer, **limits):
    settings = PipelineSettings(thresholds=PRESETS["always"], output=OutputLimits(**limits))
    return RestorationPipeline(load_assessor("classical"), restorer, settings)


def test_a_recurrent_network_sees_what_it_made_of_the_frame_before():
    network = SeesItself()
    running = always(network)
    for number in range(4):
        running.process(STILL, stamp_s=number / 10)
    assert network.shown == [None, 105, 110, 115]


def test_what_feeds_on_itself_stays_within_the_bound_of_a_pixel():
    network = SeesItself()
    running = always(network, max_pixel_change=12)
    for number in range(6):
        running.process(STILL, stamp_s=number / 10)
    assert network.shown == [None, 105, 110, 112, 112, 112]


def test_a_frame_that_passed_or_failed_stands_for_its_own_answer():
    network = SeesItself()
    running = always(network)
    running.process(STILL, stamp_s=0.0)
    running.process(STILL, stamp_s=0.1, restore=False)
    running.process(STILL, stamp_s=0.2)
    network.is_broken = True
    running.process(STILL, stamp_s=0.3)
    network.is_broken = False
    running.process(STILL, stamp_s=0.4)
    running.process(STILL, "rear", stamp_s=0.4)
    assert network.shown == [None, 100, 105, 100, None]


def test_a_recurrent_network_gives_the_same_live_overlapped_and_gone_on_with():
    coarse = np.random.default_rng(1).integers(40, 200, (10, 30, 3), dtype=np.uint8)
    frames = [np.roll(np.kron(coarse, np.ones((10, 10, 1), np.uint8)), 3 * k, 1) for k in range(8)]

    def fresh():
        return always(Restorer(loaded(replace(TINY, history=2, path=True, recurrent=True)), "torch"))

    live = fresh()
    expected = [live.process(rgb, "front", stamp_s=k / 10).image for k, rgb in enumerate(frames)]
    together = fresh()
    begun = prefetched((together.begin(rgb, "front", stamp_s=k / 10) for k, rgb in enumerate(frames)), 3)
    found = [together.finish(step).image for step in prefetched(map(together.run_network, begun), 3)]
    one, other = fresh(), fresh()
    for k, rgb in enumerate(frames[:4]):
        step = one.begin(rgb, "front", stamp_s=k / 10)
        memory = one.state("begin")
        one.run_network(step)
        memory |= one.state("network")
        one.finish(step)
    other.load_state(memory)
    resumed = [other.process(rgb, "front", stamp_s=k / 10).image for k, rgb in enumerate(frames) if k >= 4]
    for restored, wanted in zip([*found, *resumed], [*expected, *expected[4:]], strict=True):
        np.testing.assert_array_equal(restored, wanted)


class AsksFor:
    """Blurred in the tiles of one mask after the other."""

    def __init__(self, masks):
        self.masks = iter(masks)

    def assess(self, rgb_HWC):
        grid = next(self.masks) * np.float32(0.99)
        return Assessment(0.9, 0.0, blur_grid=grid, rain_grid=np.zeros_like(grid))


def test_a_tile_that_was_not_asked_for_stands_for_its_own_answer_whatever_the_network_was_run_on(monkeypatch):
    """In windows: one, one around two places, and two. At last in none, since the tiles reach across the frame."""
    frames = [np.roll(image(33, 90).repeat(10, 0).repeat(10, 1), 3 * k, 1) for k in range(4)]
    masks = [np.zeros(grid_shape(330, 900), np.float32) for _ in frames]
    for mask, tiles in zip(masks, [[(2, 5)], [(1, 2), (2, 3)], [(0, 0), (5, 14)], [0, 5]], strict=True):
        for tile in tiles:
            mask[tile] = 1
    settings = PipelineSettings(dwell_frames=1, output=OutputLimits(max_colour_shift=255))

    def frames_and_answers():
        restorer = Restorer(loaded(replace(TINY, history=2, path=True, recurrent=True)), "torch")
        running = RestorationPipeline(AsksFor(masks), restorer, settings)
        for number, rgb in enumerate(frames):
            yield (
                running.run_network(running.begin(rgb, "front", stamp_s=number / 10)),
                running.state("network")["answers front"],
            )

    in_windows = list(frames_and_answers())
    assert [len(frame.windows) for frame, _ in in_windows] == [1, 1, 2, 0]
    monkeypatch.setattr(Restorer, "windows", lambda *_: [])
    for (frame, answer), (_, of_whole_frames) in zip(in_windows, frames_and_answers(), strict=True):
        asked = pixels_of(frame.tiles, 330, 900)
        np.testing.assert_array_equal(answer[~asked], frame.rgb_HWC[~asked])
        assert difference(answer, frame.rgb_HWC)[asked].mean() > 2
        assert difference(answer, of_whole_frames).max() <= 1
