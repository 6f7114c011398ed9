# SPDX-License-Identifier: Apache-2.0
"""Lets a CPU with AMX measure as one with AVX-512 VNNI alone, in every Python process of a benchmark and in its nodes.

    export ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI PYTHONPATH=benchmarks/without_amx
    python benchmarks/against_commit.py ...

OpenVINO's convolutions follow that variable, but its choice of a precision does not: it would take bf16, which is then
imitated, slowly. Here it takes fp32 instead, as on a CPU without bf16, unless it is told otherwise.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from typing import Any


class _Watch(MetaPathFinder):
    """Waits for openvino to be imported: importing it here would cost every process a tenth of a second."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "openvino":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_limit(module: Any) -> None:
                load(module)
                _limit(module)

            spec.loader.exec_module = load_and_limit  # type: ignore[method-assign]
        return spec


def _limit(openvino: Any) -> None:
    core = openvino.Core
    compile_model, import_model, get_property = core.compile_model, core.import_model, core.get_property
    hint = "INFERENCE_PRECISION_HINT"

    def compile_in_fp32(self: Any, model: Any, device: Any = None, config: Any = None, **more: Any) -> Any:
        return compile_model(self, model, device, {hint: "f32", **(config or {})}, **more)

    def import_in_fp32(self: Any, stream: Any, device: Any, config: Any = None, **more: Any) -> Any:
        return import_model(self, stream, device, {hint: "f32", **(config or {})}, **more)

    def property_without_bf16(self: Any, device: Any, name: Any = None) -> Any:
        found = get_property(self, device, name) if name is not None else get_property(self, device)
        return openvino.Type.f32 if name == hint else found

    core.compile_model, core.import_model, core.get_property = (
        compile_in_fp32,
        import_in_fp32,
        property_without_bf16,
    )


sys.meta_path.insert(0, _Watch())
