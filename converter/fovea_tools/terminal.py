# SPDX-License-Identifier: Apache-2.0
"""The one way to standard output and standard error. What is told holds names from models, tables and folders, which anyone may have chosen: nothing
in them steers a terminal, turns the direction of the text or looks like a line of its own."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def printable(text: str) -> str:
    """The text with everything escaped that could not be written or could steer a terminal."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def say(text: str) -> None:
    """Lines for standard output. Names in several lines of text are made printable() where they are put in, for their newlines."""
    sys.stdout.write("".join(f"{printable(line)}\n" for line in text.removesuffix("\n").split("\n")))
    sys.stdout.flush()


def complain(program: str, text: str) -> None:
    """An error or a warning: one line on standard error, with the program's name in front."""
    print(f"{program}: {printable(text)}", file=sys.stderr, flush=True)


def show_progress(text: str) -> None:
    """A sign of life in place of the last one, where a person looks on."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{printable(text)}", end="", file=sys.stderr, flush=True)


class Parser(argparse.ArgumentParser):
    """Of a command line whose words are repeated in the messages about them."""

    def error(self, message: str) -> Any:
        super().error(printable(message))
