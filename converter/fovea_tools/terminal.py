# SPDX-License-Identifier: Apache-2.0
"""The one way to standard output and standard error. What is told holds names from models, tables and folders, which anyone may have chosen: nothing
in them steers a terminal, turns the direction of the text or looks like a line of its own."""

from __future__ import annotations

import argparse
import contextlib
import errno
import functools
import io
import os
import sys
from typing import Any, Callable, Optional, Sequence, TextIO

Main = Callable[[Optional[Sequence[str]]], int]


def printable(text: str) -> str:
    """The text with everything escaped that could not be written or could steer a terminal."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _give_up(stream: TextIO) -> None:
    """What Python still holds of the text goes nowhere: at the end of the program it would try again, and end with a status and words of its own."""
    with contextlib.suppress(OSError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def _write(stream: Optional[TextIO], text: str) -> None:
    """All of it, also where the stream has no buffer (PYTHONUNBUFFERED, python -u): Python then drops what one call of the system leaves over."""
    if stream is None:  # closed when the program began
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    raw = getattr(stream, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        try:
            stream.write(text)
            stream.flush()
        except OSError:
            _give_up(stream)
            raise
        return
    data = text.encode(stream.encoding or "utf-8", "backslashreplace")
    while data:
        written = raw.write(data)
        if written is None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        data = data[written:]


def say(text: str) -> None:
    """Lines for standard output. Names in several lines of text are made printable() where they are put in, for their newlines."""
    _write(sys.stdout, "".join(f"{printable(line)}\n" for line in text.removesuffix("\n").split("\n")))


def complain(program: str, text: str) -> None:
    """An error or a warning: one line on standard error, with the program's name in front."""
    with contextlib.suppress(OSError):  # nobody can be told
        _write(sys.stderr, f"{program}: {printable(text)}\n")


def show_progress(text: str) -> None:
    """A sign of life in place of the last one, where a person looks on."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{printable(text)}", end="", file=sys.stderr, flush=True)


def tells_lack_of_memory(program: str) -> Callable[[Main], Main]:
    """Of a command's main(): a small model may have maps of gigabytes, and a lack of memory is a failure like any other (exit status 1)."""
    def wrapped(main: Main) -> Main:
        @functools.wraps(main)
        def run(argv: Optional[Sequence[str]] = None) -> int:
            try:
                return main(argv)
            except MemoryError:
                complain(program, "out of memory")
                return 1
        return run
    return wrapped


class Parser(argparse.ArgumentParser):
    """Of a command line whose words are repeated in the messages about them. None of them is empty, as what a shell makes of a variable
    that is not set: no name of a file, and no default either."""

    def parse_args(self, args: Optional[Sequence[str]] = None, namespace: Any = None) -> Any:
        words = sys.argv[1:] if args is None else list(args)
        for before, word in zip([self.prog, *words], words):
            if not word or (word.startswith("--") and word.endswith("=")):
                self.error(f"the value after {word or before} is empty")
        return super().parse_args(words, namespace)

    def error(self, message: str) -> Any:
        super().error(printable(message))
