# SPDX-License-Identifier: Apache-2.0
"""A network that is data until somebody runs it: importing torch takes seconds and 200 MB, which OpenVINO spares."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Weights = Mapping[str, npt.NDArray[Any]]
"""Name -> array, as in a ``state_dict``."""


class _Config(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


NetworkT = TypeVar("NetworkT")
ConfigT = TypeVar("ConfigT", bound=_Config)


class LazyNetwork(Generic[NetworkT, ConfigT]):
    """Config and weights of a network, and the network itself from when it is first asked for.

    Args:
        config: its shape.
        weights: as its file holds them.
        build: makes the network, a ``torch.nn.Module`` in float32, of these weights.
        read_again: gives the same weights, for when they are asked for after ``let_go``.
    """

    def __init__(
        self,
        config: ConfigT,
        weights: Weights,
        build: Callable[[Weights], NetworkT],
        read_again: Callable[[], Weights] | None = None,
    ) -> None:
        self.config = config
        self._weights: Weights | None = weights
        self._build = build
        self._read_again = read_again
        self._network: NetworkT | None = None

    @classmethod
    def of(cls, network: Any) -> "LazyNetwork[NetworkT, ConfigT]":
        """One whose network is there already, with its ``config``."""
        lazy = cls(network.config, {}, lambda _: network)
        lazy._network = network
        return lazy

    @property
    def network(self) -> NetworkT:
        """The network.

        Raises:
            ValueError: the weights do not fit the config, or what ``read_again`` raises.
        """
        if self._network is None:
            self._network, self._weights = self._build(self.weights), {}
        return self._network

    @property
    def weights(self) -> Weights:
        """As they are now; once the network was asked for, they are its own."""
        if self._network is not None:
            return weights_of(self._network)
        if self._weights is None:
            assert self._read_again is not None
            return self._read_again()
        return self._weights

    def let_go(self) -> None:
        """Free the weights, if they can be read again: whoever runs what was compiled of them needs them no more."""
        if self._read_again is not None and self._network is None:
            self._weights = None

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: with the weights, so that what ``read_again`` raises is raised here, not where they are sent."""
        return {**self.__dict__, "_weights": {} if self._network is not None else self.weights}

    @property
    def is_finite(self) -> bool:
        """Whether every weight is a number."""
        return all(bool(np.isfinite(value).all()) for value in self.weights.values())

    def digest(self) -> str:
        """SHA-256 over config and weights; see ``weights_digest``."""
        return weights_digest(self.weights, self.config.to_dict())


def weights_of(network: Any) -> Weights:
    """A torch module's ``state_dict`` on the CPU; arrays share memory with it where they can."""
    return {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}


def weights_digest(weights: Weights, config: Mapping[str, Any]) -> str:
    """SHA-256 over a network's config and weights in float32, whatever file they came from."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value, np.float32).tobytes())
    return digest.hexdigest()


def check_fit(weights: Weights, expected: Mapping[str, tuple[int, ...]], path: Path) -> None:
    """Raise ValueError unless the weights of ``path`` have the expected names and shapes."""
    found = {name: value.shape for name, value in weights.items()}
    names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if names:
        raise ValueError(
            f"{path}: the weights do not fit the config stored with them: {', '.join(names[:3])}"
            f"{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
        )
