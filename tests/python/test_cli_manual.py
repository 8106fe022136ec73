# SPDX-License-Identifier: Apache-2.0
"""The manual page and the completion of bash and zsh: each is held against what --help says, so that none falls behind."""
import fcntl
import functools
import json
import os
import pathlib
import pty
import re
import select
import shlex
import shutil
import struct
import subprocess
import termios
import time

import pytest
from cli_helpers import BINARY, ROOT, WRAPPER, fovea_ok, needs_binary

MANUAL = ROOT / "engine" / "cli" / "manual"
BUILD = os.environ.get("FOVEA_BUILD_DIRECTORY", "")
VERBS = ["screen", "preprocess", "run", "explain", "info", "selftest", "kernels"]
COMMANDS = ["", *VERBS]
PHOTO_ENDINGS = ["jpg", "jpeg", "png", "csv", "tsv", "json", "jsonl"]
FILE_ENDINGS = {"screen": PHOTO_ENDINGS, "preprocess": PHOTO_ENDINGS, "run": ["npy", "png", "jpg", "jpeg"], "explain": ["npy", "png", "jpg", "jpeg"], "info": ["fovea"], "selftest": ["fovea"]}
ALL_ENDINGS = [*PHOTO_ENDINGS, "npy", "fovea", "cpp", "md"]
CHOICES = [("screen", "--format"), ("screen", "-f"), ("screen", "--views"), ("explain", "--method"), ("screen", "--explain-method"), ("explain", "--scalar"), ("explain", "--reduce"), ("explain", "--colors"), ("preprocess", "--preset"), ("preprocess", "--resize")]
needs_bash = pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
needs_zsh = pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")


@functools.lru_cache(maxsize=None)
def help_options(verb):
    """{names of an option, as ("-m", "--model"): what --help says of it}."""
    options, names = {}, None
    for line in fovea_ok(*verb.split(), "--help").splitlines():
        start = re.match(r"  (-[\w,-]+)(.*)", line)
        if start:
            names = tuple(start[1].split(","))
            options[names] = start[2]
        elif names and line.startswith(" " * 10):
            options[names] += " " + line.strip()
        else:
            names = None
    assert any("--help" in names for names in options)
    return options


def help_names(verb):
    return sorted(name for names in help_options(verb) for name in names)


def takes_value(described):
    return re.match(r" (TEXT|UINT|INT|FLOAT)\b", described) is not None


def help_choices(verb, option):
    """The words that an option's --help allows."""
    (described,) = [text for names, text in help_options(verb).items() if option in names]
    listed = re.search(r"\{([^}]*)\}", described) or re.search(r"One of (.*)", described)
    words = listed[1].replace(" ", "").split(",") if listed else re.search(r"(\w+) or (\w+)$", described).groups()
    assert len(words) >= 2
    return sorted(words)


@functools.lru_cache(maxsize=None)
def page_options():
    """{verb: {names of an option: the page's text of it, its heading first}} by the macros of the page."""
    plain = re.sub(r"\\f[A-Z]", "", (MANUAL / "fovea.1.in").read_text(encoding="utf-8")).replace("\\-", "-")
    sections = {}
    options = part = None
    heading = False
    for line in plain.splitlines():
        macro, _, rest = line.partition(" ")
        if macro in (".SH", ".SS"):
            options = sections.setdefault("" if rest == "OPTIONS" else rest, {})
            part = None
        elif macro == ".TP":
            heading = True
        elif heading:
            heading = False
            text = ("" if macro == ".BR" else " ").join(shlex.split(rest))
            part = tuple(re.findall(r"(?<![\w-])--?\w[\w-]*", text)) or (text,)
            assert part not in options, f"{part} stands twice"
            options[part] = text + "\n"
        elif part is not None:
            options[part] += " " + (rest if macro.startswith(".") else line).replace('"', "")
    return sections


@needs_binary
@pytest.mark.parametrize("verb", COMMANDS)
def test_the_manual_page_has_the_options_of_help(verb):
    page, told = page_options()[verb], help_options(verb)
    assert {frozenset(names) for names in page} == {frozenset(names) for names in told}
    for names, text in told.items():
        heading, paragraph = next(page[other] for other in page if set(other) == set(names)).split("\n", 1)
        assert takes_value(text) == (re.sub(r"(--?[\w-]+|[\s,])", "", heading) != ""), heading
        assert ("REQUIRED" in text) == ("Required." in paragraph), heading
        declared = text.split("  ")[0]
        limits = re.search(r"\[(\d+) - (\d+)\]", declared)
        if limits:
            assert f"{limits[1]} to {limits[2]}" in paragraph, heading
        default = re.search(r"=(\S+)", declared)
        if default:
            assert re.search(rf"\b{re.escape(default[1])} *\(the default\)|\(default: {re.escape(default[1])}\b", paragraph), heading


@needs_binary
def test_the_manual_page_has_every_verb_and_choice():
    commands = re.search(r"\nSubcommands:\n(.*?)\n\n", fovea_ok("--help"), re.S)[1]
    assert [line.split()[0] for line in commands.splitlines()] == VERBS
    assert set(VERBS) < set(page_options())
    for verb, option in CHOICES:
        (text,) = [text for names, text in page_options()[verb].items() if option in names]
        assert set(help_choices(verb, option)) <= set(re.findall(r"\w+", text))


@needs_binary
def test_the_manual_page_has_the_exit_status_of_help():
    told = re.findall(r"(\d) [a-z]", re.search(r"Exit status: (.*)", fovea_ok("--help"), re.S)[1])
    page = re.search(r"\.SH EXIT STATUS\n(.*?)\.SH", (MANUAL / "fovea.1.in").read_text(encoding="utf-8"), re.S)[1]
    assert re.findall(r"^\.B (\d)$", page, re.M) == told == list("012345")


@pytest.mark.parametrize("program", [["groff", "-man", "-Tutf8", "-ww"], ["mandoc", "-T", "lint", "-W", "warning"]])
def test_readers_of_manual_pages_take_it(program):
    if not shutil.which(program[0]):
        pytest.skip(f"{program[0]} is not installed")
    read = subprocess.run([*program, str(MANUAL / "fovea.1.in")], capture_output=True, text=True, timeout=60)
    assert (read.returncode, read.stderr) == (0, "")
    if program[0] == "mandoc":
        assert read.stdout == ""
    else:
        assert "--operating-point" in re.sub(r"\x1b\[[\d;]*m|.\x08", "", read.stdout).replace("\u2010", "-")


@pytest.mark.skipif(not BUILD, reason="FOVEA_BUILD_DIRECTORY names no Meson build folder")
def test_all_are_installed_where_they_are_looked_for():
    installed = json.loads((pathlib.Path(BUILD) / "meson-info" / "intro-installed.json").read_text())
    for place in ("share/man/man1/fovea.1", "share/bash-completion/completions/fovea", "share/zsh/site-functions/_fovea"):
        sources = [pathlib.Path(source) for source, target in installed.items() if target.endswith("/" + place)]
        assert len(sources) == 1 and sources[0].is_file(), place
    assert "@" not in (pathlib.Path(BUILD) / "engine" / "cli" / "manual" / "fovea.1").read_text().split("\n.SH")[0]


# What completion offers for a command line that ends where the cursor is.


def offered_by_bash(words, folder):
    """Calls the function as bash does, and reads what it leaves."""
    script = (
        'source "$MANUAL/fovea.bash"; complete -p fovea >/dev/null || exit 1\n'
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fovea "$1" "${@: -1}" "${@: -2:1}"\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *words], capture_output=True, text=True, cwd=folder, timeout=60,
        env={**os.environ, "MANUAL": str(MANUAL)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return sorted(line.rstrip("/") for line in done.stdout.splitlines() if line)


class Terminal:
    """A program at a terminal, typed at."""

    def __init__(self, command, folder, **environment):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {**os.environ, "TERM": "vt100", "COLUMNS": "200", **environment})
        # Higher than any list: of a terminal without a size zsh takes 24 lines whenever it looks, and asks before a longer one.
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("4H", 200, 200, 0, 0))
        self.shown = ""

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait_until(self, done, seconds=60):
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, self.shown
            if select.select([self.terminal], [], [], 0.05)[0]:
                try:
                    self.shown += os.read(self.terminal, 65536).decode(errors="replace")
                except OSError:
                    break
        assert done(), self.shown

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.process, 0)


def offered_by_zsh(lines, folder, notes):
    """What zsh adds to the list at the end of each line, by a compadd that also notes it in a file."""
    notes.mkdir(exist_ok=True)
    setup = notes / "setup.zsh"
    setup.write_text(
        f"fpath=({MANUAL} $fpath); autoload -Uz compinit; compinit -D -u; PROMPT='ready> '; LISTMAX=10000\n"  # never asks whether to show
        "compadd() {\n"
        "  if (( ! ${argv[(I)-[a-zA-Z]#[OAD]*]} )); then\n"
        "    local -a found; builtin compadd -O found \"$@\"\n"
        f"    (( $#found )) && print -rl -- $found >> {notes}/found\n"
        "  fi\n"
        "  builtin compadd \"$@\"\n"
        "}\n"
        "setopt extendedglob\n"
        f"note() {{ : > {notes}/found; zle list-choices; print -r -- \"end of the list\" >> {notes}/found; zle kill-whole-line }}\n"
        "zle -N note; bindkey '^I' note\n"
        f": > {notes}/ready\n"
    )
    shell = Terminal(["zsh", "-f", "-i"], folder, ZDOTDIR=str(notes))
    results = []
    try:
        shell.type(f"source {setup}\r")
        shell.wait_until((notes / "ready").exists)
        found = notes / "found"
        for line in lines:
            found.unlink(missing_ok=True)
            shell.type(line + "\t")
            shell.wait_until(lambda: found.exists() and found.read_text().endswith("end of the list\n"))
            results.append(sorted({item.rstrip("/") for item in found.read_text().splitlines()[:-1]}))
    finally:
        shell.type("\x03\x04")
        shell.close()
    return results


@pytest.fixture
def folder(tmp_path):
    """Files of every ending, in small letters and in capitals, and a folder."""
    place = tmp_path / "files"
    (place / "photos").mkdir(parents=True)
    for ending in ALL_ENDINGS:
        (place / f"a.{ending}").touch()
        (place / f"B.{ending.upper()}").touch()
    return place


def expected_files(endings):
    return sorted(["photos", *(f"a.{ending}" for ending in endings), *(f"B.{ending.upper()}" for ending in endings)])


@needs_binary
@needs_bash
@pytest.mark.parametrize("verb", COMMANDS)
def test_bash_offers_every_option(verb, folder):
    assert offered_by_bash(["fovea", *verb.split(), "-"], folder) == help_names(verb)
    assert offered_by_bash(["fovea", *verb.split(), "--he"], folder) == ["--help"]
    # After an option that takes a value comes no option; after one that does not, as if it were not there.
    for names, text in help_options(verb).items():
        for name in names:
            if takes_value(text):
                assert not [word for word in offered_by_bash(["fovea", verb, name, "-"], folder) if word.startswith("-")], name
            elif verb:
                assert offered_by_bash(["fovea", verb, name, "-"], folder) == help_names(verb), name


@needs_bash
def test_bash_offers_the_verbs(folder):
    assert offered_by_bash(["fovea", ""], folder) == sorted(VERBS)
    assert offered_by_bash(["fovea", "s"], folder) == ["screen", "selftest"]
    assert offered_by_bash(["fovea", "frobnicate", ""], folder) == []


@needs_bash
def test_bash_offers_the_files_that_a_verb_takes(folder):
    for verb, endings in FILE_ENDINGS.items():
        assert offered_by_bash(["fovea", verb, ""], folder) == expected_files(endings), verb
        assert offered_by_bash(["fovea", verb, "--", "a."], folder) == sorted(f"a.{ending}" for ending in endings), verb
    assert offered_by_bash(["fovea", "kernels", ""], folder) == []
    for verb in ("screen", "preprocess", "run"):
        assert offered_by_bash(["fovea", verb, "--model", ""], folder) == expected_files(["fovea"])
        assert offered_by_bash(["fovea", verb, "-m", ""], folder) == expected_files(["fovea"])
    for words in (["screen", "--images"], ["preprocess", "--out-dir"], ["run", "--dump"]):
        assert offered_by_bash(["fovea", *words, ""], folder) == ["photos"]


@needs_binary
@needs_bash
@pytest.mark.parametrize("verb, option", CHOICES)
def test_bash_offers_the_choices_of_help(verb, option, folder):
    choices = help_choices(verb, option)
    assert offered_by_bash(["fovea", verb, option, ""], folder) == choices
    assert offered_by_bash(["fovea", verb, option, choices[0][:3]], folder) == [word for word in choices if word.startswith(choices[0][:3])]
    if option.startswith("--"):  # "--format=" as bash splits it, and as it does not
        assert offered_by_bash(["fovea", verb, option, "="], folder) == choices
        assert offered_by_bash(["fovea", verb, option, "=", choices[0]], folder) == [word for word in choices if word.startswith(choices[0])]
        assert offered_by_bash(["fovea", verb, option + "="], folder) == [f"{option}={word}" for word in choices]


def instruction_sets():
    return sorted(fovea_ok("kernels").splitlines()[0].split(": ")[1].split(", "))


@needs_binary
@needs_bash
@pytest.mark.skipif(bool(WRAPPER), reason="completion asks the program itself, which runs under an emulator here")
def test_bash_offers_the_instruction_sets_of_this_cpu(folder, monkeypatch):
    program = str(pathlib.Path(BINARY).resolve())
    monkeypatch.setenv("FOVEA_ISA", "nonsense")
    assert offered_by_bash([program, "screen", "--isa", ""], folder) == instruction_sets()
    assert offered_by_bash([str(folder / "gone"), "screen", "--isa", ""], folder) == []


@needs_bash
@pytest.mark.parametrize(
    "typed, completed",
    [
        ("fovea prep", "fovea preprocess "),
        ("fovea screen --op", "fovea screen --operating-point "),
        ("fovea screen --format=js", "fovea screen --format=json"),
        ("fovea screen pho", "fovea screen photos/"),
        ("fovea screen photos/left", "fovea screen photos/left\\ eye.JPG "),
        ("fovea screen photos/left\\ e", "fovea screen photos/left\\ eye.JPG "),
        ("fovea screen 'photos/left e", "fovea screen 'photos/left eye.JPG' "),
        ("fovea screen ~/photos/left", "fovea screen ~/photos/left\\ eye.JPG "),
        ("fovea info --plan deep", "fovea info --plan deep.fovea "),
    ],
)
def test_the_tab_key_of_bash(typed, completed, folder):
    (folder / "photos" / "left eye.JPG").touch()
    (folder / "photos" / "left.txt").touch()
    (folder / "deep.fovea").touch()
    (folder / "deeper.txt").touch()
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], folder, HOME=str(folder), PS1="ready> ", INPUTRC="/dev/null")
    try:
        # The key that ends a line here writes the line instead.
        shell.type(f"source '{MANUAL}/fovea.bash'; note() {{ printf '%s|' \"$READLINE_LINE\" > noted; }}; bind -x '\"\\C-g\": note'\r")
        shell.wait_until(lambda: shell.shown.count("ready> ") >= 2)
        noted = folder / "noted"
        shell.type(typed + "\t\x07")
        shell.wait_until(lambda: noted.exists() and noted.read_text().endswith("|"))
        assert noted.read_text() == completed + "|"
    finally:
        shell.type("\x15exit\r")
        shell.close()


@needs_binary
@needs_zsh
def test_zsh_offers_every_option(folder, tmp_path):
    lists = offered_by_zsh([f"fovea {verb} -".replace("  ", " ") for verb in COMMANDS], folder, tmp_path / "notes")
    for verb, offered in zip(COMMANDS, lists):
        assert offered == help_names(verb), verb


@needs_binary
@needs_zsh
def test_zsh_offers_verbs_files_and_choices(folder, tmp_path):
    lines = ["fovea ", *(f"fovea {verb} {option} " for verb, option in CHOICES), *(f"fovea {verb} " for verb in FILE_ENDINGS), "fovea run --model "]
    offered = offered_by_zsh(lines, folder, tmp_path / "notes")
    expected = [sorted(VERBS), *(help_choices(*choice) for choice in CHOICES), *(expected_files(endings) for endings in FILE_ENDINGS.values())]
    for line, found, right in zip(lines, offered, [*expected, expected_files(["fovea"])]):
        assert found == right, line


@needs_binary
@needs_zsh
def test_zsh_knows_which_options_take_a_value(folder, tmp_path):
    named = [(verb, name, takes_value(text)) for verb in VERBS for names, text in help_options(verb).items() for name in names if name not in ("-h", "--help")]
    lists = offered_by_zsh([f"fovea {verb} {name} --" for verb, name, _ in named], folder, tmp_path / "notes")
    for (verb, name, valued), offered in zip(named, lists):
        assert ("--help" in offered) != valued, (verb, name, offered)


@needs_binary
@needs_zsh
@pytest.mark.skipif(bool(WRAPPER), reason="completion asks the program itself, which runs under an emulator here")
def test_zsh_offers_the_instruction_sets_of_this_cpu(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{pathlib.Path(BINARY).resolve().parent}{os.pathsep}{os.environ['PATH']}")
    assert offered_by_zsh(["fovea screen --isa "], folder, tmp_path / "notes") == [instruction_sets()]
