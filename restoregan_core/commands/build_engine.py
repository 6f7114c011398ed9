# SPDX-License-Identifier: Apache-2.0
"""``restoregan build-engine``: compile a network for this machine's GPU, before any camera runs."""

from pathlib import Path

from rich.console import Console

from restoregan_core.commands.common import add_model_option, make_parser, parse_size


def main(argv: list[str]) -> int:
    parser = make_parser(
        "build-engine",
        "Compile a network by Torch-TensorRT for this GPU and one frame size. Takes minutes. "
        "The node finds the engine where it is written by default, or in the folder that its engine_dir names.",
        "restoregan build-engine --model lite --size 720x1280 --precision fp16",
    )
    add_model_option(parser)
    parser.add_argument("--size", type=parse_size, required=True, help="HEIGHTxWIDTH of the frames")
    parser.add_argument("--precision", choices=["fp16", "fp32", "fp8", "int8"], default="fp16")
    parser.add_argument("--device", default="auto", help="auto, cuda or cuda:N")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder of engines, whose names are made from what they are for (default: the user's cache)",
    )
    args = parser.parse_args(argv)

    from restoregan_core.runtimes.tensorrt_runtime import TensorRtRuntime
    from restoregan_core.zoo import load_generator

    console = Console(stderr=True)
    loaded = load_generator(args.model)
    runtime = TensorRtRuntime(loaded.generator, args.device, precision=args.precision, engine_dir=args.output)
    with console.status(f"building {loaded.name} for {args.size[0]}x{args.size[1]}: minutes"):
        path = runtime.build(*args.size)
    console.print(f"{runtime.describe()}", markup=False)
    print(path)
    return 0
