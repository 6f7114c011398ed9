# SPDX-License-Identifier: Apache-2.0
"""``restoregan quantize``: give a network the scales with which its convolutions compute on 8-bit integers."""

from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import track

from restoregan_core.commands.common import add_model_option, make_parser
from restoregan_core.commands.train import parse
from restoregan_core.files import check_is_free


def main(argv: list[str]) -> int:
    parser = make_parser(
        "quantize",
        "Write a network again, with scales beside its weights by which OpenVINO computes its convolutions on 8-bit "
        "integers (precision int8). They are chosen by samples of a training recipe; the weights stay as they are.",
        "restoregan quantize --model runs/new/best.safetensors --config lite_video --output new.safetensors",
    )
    add_model_option(parser)
    parser.add_argument(
        "--config",
        required=True,
        metavar="RECIPE",
        help="recipe whose data the samples are drawn from: a YAML file, or the name of a shipped one",
    )
    parser.add_argument("--samples", type=int, default=96, metavar="N", help="how many (default: 96)")
    parser.add_argument("--size", type=int, default=192, metavar="PX", help="side of a sample (default: 192)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="a new .safetensors file")
    args = parser.parse_args(argv)
    check_is_free(args.output)
    if args.samples < 1:
        raise ValueError(f"--samples {args.samples} must be at least 1")

    from restoregan_core.data.sources import TrainingSource
    from restoregan_core.training.config import TrainConfig
    from restoregan_core.training.data_folders import require_folders
    from restoregan_core.training.quantization import choose_scales, draw_inputs
    from restoregan_core.zoo import load_generator, save_generator

    loaded = load_generator(args.model)
    config = parse(["--config", args.config])
    if not isinstance(config, TrainConfig):
        raise ValueError(f"{args.config} is a recipe of an assessor: name one of a generator")
    multiple = loaded.config.size_multiple
    if args.size < multiple or args.size % multiple:
        raise ValueError(f"--size {args.size} must be a multiple of {multiple}, as {loaded.name} takes it")
    if config.generator_config.input_channels != loaded.config.input_channels:
        raise ValueError(
            f"{args.config} makes samples with {config.generator_config.history} frames of history and "
            f"path={config.generator_config.path}, {loaded.name} takes {loaded.config.history} and "
            f"path={loaded.config.path}"
        )
    if config.generator_config.recurrent != loaded.config.recurrent:
        raise ValueError(
            f"{args.config} makes samples for a network that is{'' if config.unrolled > 1 else ' not'} recurrent, "
            f"{loaded.name} is{'' if loaded.config.recurrent else ' not'}: "
            f"set data.clips.unrolled to {2 if loaded.config.recurrent else 1} in a copy of the recipe"
        )
    require_folders(config)
    inputs = draw_inputs(TrainingSource(config.data, config.seed), loaded.generator, args.size)
    scales = choose_scales(
        loaded.generator,
        track(islice(inputs, args.samples), "samples", args.samples, console=Console(stderr=True)),
    )
    metadata = {key: value for key, value in loaded.metadata.items() if key != "config"}
    metadata["int8"] = f"scales chosen by {args.samples} samples of {args.size} px of {config.name}"
    print(save_generator(loaded.generator, args.output, metadata, int8=scales), args.output)
    return 0
