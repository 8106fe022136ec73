#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the networks that model_bench times: Large and Small with the CBAM head at 512 and 224.

The weights are random (random_network.py): these files measure speed and memory and say nothing about
an eye. Needs the recipe's Keras (models/recipe/requirements.txt) and fovea_tools (converter/).

example:
    python bench/make_models.py --out build/bench-models
    python bench/make_models.py --out build/bench-models --dtype fp16
    taskset -c 1 build/bench/model_bench build/bench-models/*.fovea
"""
import argparse
import os
import pathlib
import subprocess
import sys

import random_network


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the .fovea files")
    parser.add_argument("--network", action="append", choices=random_network.NETWORKS,
                        help="only this one; may be given again (default: all)")
    parser.add_argument("--dtype", choices=("fp32", "fp16"), default="fp32",
                        help="type of the weights; files with fp16 are named NETWORK_fp16.fovea (default: fp32)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.network or random_network.NETWORKS:
        keras_file = arguments.out / f"{name}.keras"
        fovea_file = arguments.out / (f"{name}.fovea" if arguments.dtype == "fp32" else f"{name}_{arguments.dtype}.fovea")
        random_network.build_calibrated(*random_network.NETWORKS[name]).save(keras_file)
        subprocess.run(
            [sys.executable, "-m", "fovea_tools.commands.convert", str(keras_file), "-o",
             str(fovea_file), "--dtype", arguments.dtype, "--labels", "no_dr,dr", "--name", f"{name} (random weights)",
             "--target", "other", "--preset", "kaggle_ben_color", "--quiet"], check=True,
            env={**os.environ, "PYTHONPATH": str(random_network.ROOT / "converter")})
        keras_file.unlink()
        print(fovea_file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
