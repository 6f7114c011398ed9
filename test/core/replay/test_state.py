# SPDX-License-Identifier: Apache-2.0
import numpy as np

from restoregan_core.replay.state import ReplayFolder, ReplayState


class Pipeline:
    """Takes what it is given."""

    def load_state(self, arrays):
        self.arrays = dict(arrays)


def arrays():
    return {
        "gate /stereo/left eye": np.array([[0, 3]]),
        "history small front": np.zeros((4, 6, 3), np.uint8),
    }


def test_what_the_pipeline_remembered_is_saved_and_given_back_by_name(tmp_path):
    folder, state, pipeline = ReplayFolder(tmp_path / "out"), ReplayState({}), Pipeline()
    folder.open({})
    state.memory = folder.save_memory(arrays(), frames_done=4)
    folder.give_memory(state, pipeline)
    assert list(pipeline.arrays) == list(arrays())
    for name, array in arrays().items():
        np.testing.assert_array_equal(pipeline.arrays[name], array)


def test_only_the_memory_that_the_checkpoint_names_is_kept(tmp_path):
    folder, state, pipeline = ReplayFolder(tmp_path / "out"), ReplayState({}), Pipeline()
    folder.open({})
    for frames_done in (4, 8):
        state.memory = folder.save_memory(arrays(), frames_done)
        folder.save(state)
    assert [path.name for path in folder.work.glob("memory_*")] == ["memory_8.npz"]
    state.memory = ""  # complete
    folder.save(state)
    assert not list(folder.work.glob("memory_*"))
    folder.give_memory(state, pipeline)
    assert not pipeline.arrays
