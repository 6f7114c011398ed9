#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# openvino.convert_model forks the process, from a thread, for each event of its telemetry, which nobody has switched on.
#
# Versions:  openvino 2026.4.1, openvino-telemetry 2025.2.0, onnx 1.23.2, numpy 2.4.6.
# Guess:     converting a network is computation: it starts no process and writes nothing beside what is asked for.
# Seen:      nine forks from threads of pools, and a folder ~/intel; where openvino_telemetry cannot be imported, neither.
#            (A fork of a process with threads may hang; where SIGTERM is handled in Python, the hanging one outlives the
#            terminate() that follows after three seconds, and the process waits for it at its end: seen in a test suite.)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  openvino==2026.4.1 openvino-telemetry==2025.2.0 onnx==1.23.2 numpy==2.4.6
cat >"$work/convert.py" <<'P'
import os, sys, threading, time
forks = []
os.register_at_fork(before=lambda: forks.append(threading.current_thread().name))
if sys.argv[2] == "without":
    sys.modules["openvino_telemetry"] = None
import openvino
from onnx import TensorProto, helper, save
value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), sys.argv[1])
openvino.convert_model(sys.argv[1])
time.sleep(10)  # the events are sent meanwhile
print(f"{sys.argv[2]}: forks by {sorted(set(forks))}: {len(forks)}; in the home folder: {os.listdir(os.environ['HOME'])}")
assert bool(forks) == (sys.argv[2] == "with")
P
for telemetry in with without; do
  mkdir "$work/$telemetry"
  # The proxy that does not exist keeps what would be sent on this machine.
  env -u CI HOME="$work/$telemetry" https_proxy=http://127.0.0.1:9 "$work/venv/bin/python" "$work/convert.py" "$work/m.onnx" "$telemetry"
done
