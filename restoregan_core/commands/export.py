# SPDX-License-Identifier: Apache-2.0
"""``restoregan export``: write a network as ONNX and compare it with PyTorch under ONNX Runtime."""

import argparse

from rich.console import Console

from restoregan_core.commands.common import add_model_option, make_parser, output_file, parse_size
from restoregan_core.wording import counted

MAX_DIFFERENCE = 2
"""Grey levels at any pixel between the file under ONNX Runtime and PyTorch in float32."""


def main(argv: list[str]) -> int:
    parser = make_parser(
        "export",
        "Write a network as ONNX, uint8 RGB (batch, height, width, 3) in and out, for trtexec, Jetson.\n"
        "A network with history takes the aligned frames before, a recurrent one its last answer among them, as a\n"
        "second input, `history` (docs/engines.md).",
        "restoregan export --model lite --size 720x1280 --format onnx --output lite.onnx",
    )
    add_model_option(parser)
    parser.add_argument("--size", type=_size_or_dynamic, required=True, help="HEIGHTxWIDTH, or dynamic")
    parser.add_argument("--format", choices=["onnx"], default="onnx")
    parser.add_argument(
        "--precision",
        choices=["fp16", "fp32", "int8"],
        default="fp16",
        help="int8: convolutions on integers by QuantizeLinear and DequantizeLinear, beside fp16 (default: fp16)",
    )
    parser.add_argument("--output", type=output_file, required=True, help="the .onnx file to write")
    parser.add_argument("--no-check", action="store_true", help="do not run the file under ONNX Runtime")
    args = parser.parse_args(argv)

    from restoregan_core.restoration.tiling import context_px
    from restoregan_core.runtimes.onnx_export import export_onnx, largest_difference
    from restoregan_core.zoo import load_generator

    console = Console(stderr=True)
    loaded = load_generator(args.model)
    is_int8 = args.precision == "int8"
    if is_int8 and loaded.int8 is None:
        raise ValueError(f"{loaded.name} was not quantized: `restoregan quantize` writes a file that is")
    generator = loaded.int8.network if is_int8 and loaded.int8 else loaded.generator
    metadata = {"model": loaded.name, "context_px": str(context_px(loaded))}
    with console.status(f"exporting {loaded.name}"):
        export_onnx(generator, args.output, args.size, "fp16" if is_int8 else args.precision, metadata)
    multiple = loaded.config.size_multiple
    if args.size is None:
        console.print(f"height and width must be multiples of {multiple}")
    if not args.no_check:
        size = args.size or (16 * multiple, 24 * multiple)
        with console.status("comparing with PyTorch"):
            difference = largest_difference(generator, args.output, size)
        if difference > MAX_DIFFERENCE:
            raise RuntimeError(
                f"{args.output} differs from PyTorch by {difference} grey levels: do not use it"
            )
        console.print(f"largest difference from PyTorch in float32: {counted(difference, 'grey level')}")
    print(args.output)
    return 0


def _size_or_dynamic(text: str) -> tuple[int, int] | None:
    if text == "dynamic":
        return None
    try:
        return parse_size(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or dynamic") from error
