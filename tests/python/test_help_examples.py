# SPDX-License-Identifier: Apache-2.0
"""The examples at the end of each --help: those of fovea are run as they stand, those of the Python commands go through the parser of
the command that they name, and no farther. And the commands of the README."""
import argparse
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from cli_helpers import BINARY, ROOT, SAMPLES, WRAPPER, fovea, fovea_ok, needs_binary

sys.path.insert(0, str(ROOT / "models"))
COMMANDS = [f"fovea-{name}" for name in ("calibrate", "convert", "evaluate", "lesions", "quantize", "report", "robustness", "typicality")]
MODULES = ["recipe", *(f"recipe.{name}" for name in ("beside_floats", "compare", "conditions", "parity"))]


def example_lines(help_text):
    """The indented lines behind "examples", each with what it goes on with after a backslash."""
    joined = re.split(r"^examples?\b.*:$", help_text, flags=re.MULTILINE | re.IGNORECASE)[1].replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.startswith("  ")]


def calls(line):
    """The commands of a line of shell, each as a list of words; of what goes into a file, the command alone."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|>")
    lexer.whitespace_split = True
    words, found = list(lexer), [[]]
    for at, word in enumerate(words):
        if word == "|":
            found.append([])
        elif word != ">" and (at == 0 or words[at - 1] != ">"):
            found[-1].append(word)
    return found


def write_program(path):
    """The fovea program under this name, emulated where it is of another CPU."""
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\nexec {shlex.join([*WRAPPER, os.path.abspath(BINARY)])} "$@"\n')
    path.chmod(0o755)


@pytest.fixture
def workplace(tmp_path, verb):
    """A folder with what the examples name, and the program in PATH."""
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "photos").mkdir()
    # The screening example's --images says where the list's photos are.
    for name in ("photo.jpg", "photos/a.jpg", "photos/listed.jpg" if verb == "screen" else "listed.jpg"):
        shutil.copy(SAMPLES[0], tmp_path / name)
    (tmp_path / "list.csv").write_text("file\nlisted.jpg\n")
    shutil.copy(ROOT / "models" / "detectors" / "small224" / "small224.fovea", tmp_path)
    fovea_ok("preprocess", "--model", tmp_path / "small224.fovea", SAMPLES[0], tmp_path / "network.png")
    with image.open(tmp_path / "network.png") as picture:
        np.save(tmp_path / "input.npy", np.asarray(picture))
    write_program(tmp_path / "bin" / "fovea")
    return tmp_path


@needs_binary
@pytest.mark.parametrize("verb", ["", "run", "info", "selftest", "kernels", "preprocess",
                                  *(pytest.param(verb, marks=pytest.mark.many_photos) for verb in ("screen", "explain"))])
def test_the_examples_of_fovea_run_as_they_stand(workplace, verb):
    lines = [line for line in example_lines(fovea_ok(*verb.split(), "--help")) if line.startswith("fovea ")]
    for line in lines:
        done = subprocess.run(["sh", "-c", line], cwd=workplace, capture_output=True, text=True, timeout=300, check=False,
                              env={**os.environ, "PATH": f"{workplace / 'bin'}:{os.environ['PATH']}"})
        assert done.returncode == 0, (line, done.stderr)
    assert lines


class Parsed(Exception):
    """The options are known and complete."""


def python_help(name, capsys):
    main = entry(name)
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


def entry(name):
    if name.startswith("fovea-"):
        return importlib.import_module(f"fovea_tools.commands.{name[len('fovea-'):]}").main
    return importlib.import_module("recipe.__main__" if name == "recipe" else name).main


def module_and_arguments(words):
    """What a call names, and its arguments; None for other programs."""
    if words[:2] == ["python", "-m"]:
        return words[2], words[3:]
    return (words[0], words[1:]) if words[0] in COMMANDS else None


@pytest.mark.parametrize("name", [*COMMANDS, *MODULES])
def test_the_examples_of_python_commands_are_calls_that_their_parsers_know(name, capsys, monkeypatch, tmp_path):
    lines = example_lines(python_help(name, capsys))
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser, *arguments):
        parse(parser, *arguments)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    monkeypatch.chdir(tmp_path)
    full, own = [], 0  # what "..." stands for: the options of the first example
    for words in [words for line in lines for words in calls(line)]:
        known = module_and_arguments(words)
        if known is None:
            assert words[0] in ("fovea", "printf"), words
            if words[0] == "fovea" and BINARY:
                assert fovea(*words[1:]).returncode != 2, words
            continue
        command, arguments = known
        full = full or arguments
        if "..." in arguments:
            arguments = [*full, *(word for word in arguments if word != "...")]
        with pytest.raises(Parsed):
            entry(command)(arguments)
        own += command == name
    assert own


@pytest.mark.parametrize("name", [*COMMANDS, *MODULES])
@pytest.mark.parametrize("arguments,behind", [(["x", "", "y"], "x"), (["x", "-o", ""], "-o"), (["x", "--out="], "--out=")])
def test_an_empty_value_is_wrong_usage(name, arguments, behind, capsys):
    """As what a shell makes of a variable that is not set."""
    try:
        status = entry(name)(arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2 and f"the value after {behind} is empty" in capsys.readouterr().err


@needs_binary
@pytest.mark.many_photos
def test_the_commands_of_the_readme_run_as_they_stand(tmp_path):
    """Those that use what its first command built, the shipped detector and the sample photos."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"With what the first command built:\n\n((?:    .*\n)+)", text)[1]
    for folder in ("models", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    write_program(tmp_path / "build" / "try" / "engine" / "cli" / "fovea")
    done = subprocess.run(["sh", "-ex"], input=block, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results.csv").is_file() and (tmp_path / "results.jsonl").is_file() and (tmp_path / "looked_here.png").is_file()
