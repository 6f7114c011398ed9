# SPDX-License-Identifier: Apache-2.0
"""One network at one frame size on a CUDA device: pinned buffers, one stream, one CUDA graph."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn


class CudaSession:
    """Everything from uint8 in to uint8 out as one replayed CUDA graph between upload and pinned download.

    Args:
        network: a ``FrameNetwork`` on ``device``, compiled or not; shared between sessions.
        shape_BHWC: of the batch, with as many channels as the network takes.
    """

    def __init__(self, network: nn.Module, shape_BHWC: tuple[int, ...], device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)
        self._frames_host = torch.empty(shape_BHWC, dtype=torch.uint8, pin_memory=True)
        self._restored_host = torch.empty((*shape_BHWC[:3], 3), dtype=torch.uint8, pin_memory=True)
        self._mean_host = torch.empty((), dtype=torch.float32, pin_memory=True)
        self._graph = torch.cuda.CUDAGraph()
        with torch.inference_mode():
            self._source = torch.zeros(shape_BHWC, dtype=torch.uint8, device=device)
            self._stream.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(self._stream):
                for _ in range(3):  # libraries choose their kernels now; a capture must not contain that
                    network(self._source)
            self._stream.synchronize()
            with torch.cuda.graph(self._graph, stream=self._stream):
                self._restored, self._mean = network(self._source)

    def run(self, frames_BHWC: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
        """Restore frames; see ``Runtime.run``."""
        np.copyto(self._frames_host.numpy(), frames_BHWC)
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            self._source.copy_(self._frames_host, non_blocking=True)
            self._graph.replay()
            self._restored_host.copy_(self._restored, non_blocking=True)
            self._mean_host.copy_(self._mean, non_blocking=True)
        self._stream.synchronize()
        return self._restored_host.numpy(), float(self._mean_host)
