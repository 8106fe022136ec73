# SPDX-License-Identifier: Apache-2.0
"""fovea-convert: a trained network becomes a .fovea model file."""

from __future__ import annotations

import sys
from typing import Optional, Sequence

from ..conversion.convert import convert
from ..errors import ConversionError, UsageError
from ..file.output_file import write_file
from ..terminal import complain, printable, say, tells_lack_of_memory
from .convert_options import parser, read_options

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_BAD_MODEL = 0, 1, 2, 4


@tells_lack_of_memory("fovea-convert")
def main(argv: Optional[Sequence[str]] = None) -> int:
    try:
        arguments = parser().parse_args(argv)
        options = read_options(arguments)
        result = convert(arguments.model, options)
        write_file(arguments.output, result.data)
    except UsageError as error:
        complain("fovea-convert", str(error))
        return EXIT_USAGE
    except ConversionError as error:
        complain("fovea-convert", str(error))
        return EXIT_BAD_MODEL
    for warning in result.warnings:
        complain("fovea-convert", f"warning: {warning}")
    if arguments.quiet:
        return EXIT_OK
    weights = sum(len(tensor.data) for tensor in result.model.tensors)
    notes = [*map(printable, result.notes),
             f"{printable(arguments.output)}: {len(result.data)} bytes, {len(result.model.nodes)} nodes, {weights / 2**20:.2f} MiB of weights"]
    try:
        for note in notes:
            say(note)
    except OSError as error:
        complain("fovea-convert", f"output: {error.strerror}; {arguments.output} is written")
        return EXIT_FAILED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
