# SPDX-License-Identifier: Apache-2.0
"""``restoregan average``: one network of several, by the mean of their weights."""

from pathlib import Path

from restoregan_core.commands.common import make_parser
from restoregan_core.files import check_is_free


def main(argv: list[str]) -> int:
    parser = make_parser(
        "average",
        "Write the mean of several networks' weights. They must be of one shape, and trained from one start: "
        "two runs of a recipe from the same checkpoint, or a network and what it was fine-tuned to.",
        "restoregan average runs/new/best.safetensors lite --shares 0.7 0.3 --output mean.safetensors",
    )
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="names of the zoo, or .safetensors files: two or more"
    )
    parser.add_argument(
        "--shares", type=float, nargs="+", metavar="S", help="how much of each (default: equally much)"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="a new .safetensors file")
    args = parser.parse_args(argv)
    shares = args.shares or [1.0] * len(args.models)
    if len(args.models) < 2:
        raise ValueError(f"{args.models[0]} is one network: name two or more to average")
    if len(shares) != len(args.models):
        raise ValueError(f"{len(args.models)} networks but {len(shares)} shares: give one for each")
    check_is_free(args.output)

    from restoregan_core.training.averaging import average
    from restoregan_core.zoo import load_generator, save_generator

    parts = [load_generator(model) for model in args.models]
    metadata = average(parts, shares)
    print(save_generator(parts[0].generator, args.output, metadata), args.output)
    return 0
