# SPDX-License-Identifier: Apache-2.0
"""``restoregan replay-many``: many bags on one machine, or on a Ray cluster (extra ``fleet``)."""

import sys
from pathlib import Path

from restoregan_core.commands.common import make_parser, output_folder, progress
from restoregan_core.commands.replay import add_replay_arguments, shared_values
from restoregan_core.files import refuse_links

EXAMPLE = (
    "restoregan replay-many 'drives/*' --output out/fleet --detector yolox_nano.onnx --workers 4\n"
    "  restoregan replay-many bags.txt --output /shared/fleet --engine ray --address auto --segment-s 60"
)


def main(argv: list[str]) -> int:
    """Run what is not complete yet; 0, or 1 where a replay failed."""
    parser = make_parser("replay-many", "Replay many bags and sum them up; start it again to go on.", EXAMPLE)
    parser.add_argument("bags", nargs="+", metavar="GLOB_OR_LIST", help="patterns, or .txt files of paths")
    parser.add_argument(
        "--output", type=output_folder, required=True, metavar="DIR", help="one folder a bag in it"
    )
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="default local")
    parser.add_argument("--address", help="of a Ray cluster: auto or HOST:PORT (default: one started here)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="replays at a time (default 1)")
    parser.add_argument(
        "--retries", type=int, default=2, metavar="N", help="of a replay that died (default 2)"
    )
    parser.add_argument(
        "--segment-s", type=float, metavar="S", help="cut bags into segments of so many seconds"
    )
    shared = parser.add_argument_group("for each replay")
    add_replay_arguments(shared)
    given = parser.parse_args(argv)
    if given.workers < 1 or given.retries < 0:
        raise ValueError(f"--workers {given.workers} --retries {given.retries}: at least 1 and 0")

    from restoregan_core.replay.fleet import find_bags, is_complete, plan_jobs, run_local, run_ray
    from restoregan_core.replay.fleet_page import write_fleet_report
    from restoregan_core.replay.request import ReplayRequest

    jobs = plan_jobs(find_bags(given.bags), given.segment_s)
    template = ReplayRequest(bag="", output="", **shared_values(given))  # each job puts in its own
    output: Path = given.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    for job in jobs:
        refuse_links(output / job.name, below=output)
    left = [job for job in jobs if given.overwrite or not is_complete(output / job.name)]
    with progress(f"{given.engine}: replays") as on_progress:
        done = len(jobs) - len(left)
        on_progress(done, len(jobs))

        def count(outcome: object) -> None:
            nonlocal done
            done += 1
            on_progress(done, len(jobs))

        arguments = (left, output, template, given.workers, given.retries, count)
        outcomes = run_ray(*arguments, given.address) if given.engine == "ray" else run_local(*arguments)
    totals = write_fleet_report(jobs, outcomes, output)
    for failure in totals["failed"]:
        print(f"restoregan replay-many: {failure['job']}: {failure['error']}", file=sys.stderr)
    frames = totals["frames"]["count"]
    print(f"{totals['complete']} of {totals['jobs']} complete, {frames} frames; {output / 'fleet.html'}")
    return 1 if totals["failed"] else 0
