# SPDX-License-Identifier: Apache-2.0
"""Does restore_node lose frames? Streams in real time, best effort, and counts what comes back.

    python benchmarks/soak.py                 640x360 at 30 Hz, 1280x720 at 15 Hz, three cameras; 60 s each
    python benchmarks/soak.py --seconds 600

A frame that is superseded while cameras share the network is counted apart: it was never accepted. Exit code
3 where a frame was lost, or an image has no report or the reverse.
"""

import argparse
import time
from dataclasses import dataclass, field

import numpy as np
from ros_bench import Bench, init, leave, random_lite, running


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Some cameras of one size on one node, which runs in the namespace ``space``."""

    space: str
    size: tuple[int, int]
    rate_hz: float
    cameras: tuple[str, ...] = ("camera",)
    parameters: dict[str, str] = field(default_factory=dict)


SCENARIOS = {
    "640x360 at 30 Hz, enabled:=false": Scenario(
        space="small", size=(360, 640), rate_hz=30.0, parameters={"enabled": "false"}
    ),
    "1280x720 at 15 Hz, enabled:=false": Scenario(
        space="large", size=(720, 1280), rate_hz=15.0, parameters={"enabled": "false"}
    ),
    "three cameras, 640x360 at 10 Hz, one network restores all": Scenario(
        space="three",
        size=(360, 640),
        rate_hz=10.0,
        cameras=("front", "left", "right"),
        parameters={"preset": "always", "deadline_ms": "5000.0", "hang_timeout_s": "60.0"},
    ),
}


def run(bench: Bench, name: str, scenario: Scenario, model: str, seconds: float) -> bool:
    """One node, one soak; prints its line and says whether all is well."""
    topics = {camera: f"/{scenario.space}/{camera}" for camera in scenario.cameras}
    sources = {camera: bench.source(f"{topic}/image_raw") for camera, topic in topics.items()}
    for topic in topics.values():
        bench.listen_to_image(f"{topic}/restored/image_raw")
        bench.listen_to_report(f"{topic}/restored/report")
    given = {"model": model, "autostart": "true", "cameras": f"[{','.join(topics)}]", **scenario.parameters}
    options = [word for key, value in given.items() for word in ("-p", f"{key}:={value}")]
    sent: list[int] = []
    with running(
        "-m", "restoregan_ros.restore_node", "--ros-args", "-r", f"__ns:=/{scenario.space}", *options
    ):
        bench.wait_for_peers(
            list(sources.values()), [f"{topic}/restored/report" for topic in topics.values()]
        )
        started_s = time.monotonic()
        for number in range(int(seconds * scenario.rate_hz)):
            time.sleep(max(0.0, started_s + number / scenario.rate_hz - time.monotonic()))
            for source in sources.values():
                sent.append(len(bench.sent_s) + 1)
                bench.send(source, *scenario.size, sent[-1])
        time.sleep(2.0)
    images, reports = set(sent) & set(bench.image_s), set(sent) & set(bench.report_s)
    superseded = sum(bench.superseded.get(f"{topic}/restored/report", 0) for topic in topics.values())
    lost = len(sent) - len(reports) - superseded
    taken = [bench.reports[s] for s in reports]
    work_ms = max(np.nansum([r.assessment_ms, r.restoration_ms]) for r in taken)
    wait_ms = max(r.latency_ms - np.nansum([r.assessment_ms, r.restoration_ms]) for r in taken)
    print(
        f"{name}: {len(sent)} sent, {len(images)} images, {len(reports)} reports, {superseded} superseded,"
        f" {lost} lost, {len(images ^ reports)} without counterpart; longest work {work_ms:.0f} ms,"
        f" longest wait {wait_ms:.0f} ms",
        flush=True,
    )
    return images == reports and lost == 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="for each scenario (default 60)")
    parser.add_argument("--model", help="default: a lite of random weights, which costs the same")
    given = parser.parse_args()
    bench, model = init(), given.model or random_lite()
    is_well = [run(bench, name, scenario, model, given.seconds) for name, scenario in SCENARIOS.items()]
    return 0 if all(is_well) else 3


if __name__ == "__main__":
    leave(main())
