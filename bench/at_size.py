#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a detector's file again for pictures of another size, to count what codes take there: its answers mean nothing then.

Pools whose window is the whole last map get that of the new size. Golden vectors are left out.

    python bench/at_size.py models/detectors/large224/large224_int8.fovea 512 build/bench-models/large512_int8.fovea
"""
import argparse
import pathlib
import sys
from dataclasses import replace

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "converter"))
from fovea_tools.file.fovea_file import NONE, FormatError, read_fovea, write_fovea  # noqa: E402

SHRINKS = 32  # a picture's side over the last map's


def at_size(model, size):
    last, new = model.default_size[0] // SHRINKS, size // SHRINKS

    def resized(node):
        if node.weights != NONE or node.kernel != (last, last):
            return node
        strides = (new, new) if node.strides == node.kernel else node.strides
        return replace(node, kernel=(new, new), strides=strides)

    return replace(model, nodes=[resized(node) for node in model.nodes], default_size=(size, size),
                   input_size=(size, size, model.input_size[2]), golden=None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, metavar="MODEL.fovea")
    parser.add_argument("size", type=int, metavar="SIZE", help=f"of a side, a multiple of {SHRINKS}")
    parser.add_argument("output", type=pathlib.Path, metavar="OUTPUT.fovea")
    arguments = parser.parse_args()
    if arguments.size < SHRINKS or arguments.size % SHRINKS:
        parser.error(f"{arguments.size} is no multiple of {SHRINKS}")
    try:
        arguments.output.write_bytes(write_fovea(at_size(read_fovea(arguments.model.read_bytes()), arguments.size)))
    except (FormatError, OSError) as error:
        print(f"at_size.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
