#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Say what the library and programs linked with it take: by room, by kind of section, by object.

The programs are those of engine/examples: run.c, which runs networks alone, screen.c, which screens photos, and explain.c, which does and
explains them. A C compiler links them, with what they do not use left out, and they are stripped. screen.c is linked twice: with
the archive that users get, for the total, and with the same objects one by one, for what each room puts in. A program's segments
begin at multiples of 16 KiB, as Android asks; GNU ld's own 64 KiB for arm64 pad the file by up to as much.

examples:
    python bench/size_report.py build/arm64
    python bench/size_report.py build/arm64 --objects 100
    python bench/size_report.py build/arm64 --limit-program screen=500000 --limit-archive 1500000
"""
import argparse
import collections
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ("run", "screen", "explain")
KINDS = ("code", "constants", "data", "zeroed", "unwinding")
MACHINES = {62: "x86_64", 183: "aarch64"}  # e_machine of the ELF header
LINK = ["-static-libgcc", "-Wl,--gc-sections", "-Wl,-z,max-page-size=16384", "-lm", "-lpthread"]
INPUT_SECTION = re.compile(r"^ (\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$")


class ReportError(Exception):
    """What keeps the report from being made, in words for the user."""


def run(*command):
    if shutil.which(command[0]) is None:
        raise ReportError(f"{command[0]} is missing: install the compiler for that CPU, or name one with --toolchain")
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise ReportError(f"{command[0]}: exit status {done.returncode}\n{done.stderr.strip()[-1500:]}")
    return done.stdout


def kind_of(section):
    """What a section holds; None for what is not loaded."""
    for kind, beginnings in (("code", (".text", ".init", ".fini", ".plt")), ("constants", (".rodata",)), ("zeroed", (".bss", ".tbss")),
                             ("data", (".data", ".tdata", ".init_array", ".got")),
                             ("unwinding", (".eh_frame", ".gcc_except_table"))):
        if section.startswith(beginnings) and not section.startswith(".data.rel.ro"):
            return kind
    return "constants" if section.startswith(".data.rel.ro") else None


def room_of(path):
    for room, mark in (("engine", "libfovea_engine"), ("preprocess", "libfovea_preprocess"), ("ops", "libfovea_ops")):
        if mark in path:
            return room
    if "libgcc" in path:
        return "compiler's run-time"
    return "the example" if "example.o" in path else "start files, C library"


def find_toolchain(build):
    """The prefix of the tools for the CPU of a build: nothing, or aarch64-linux-gnu-."""
    for path in sorted((build / "engine" / "libfovea_engine.a.p").glob("*.o")):
        machine = MACHINES.get(int.from_bytes(path.read_bytes()[18:20], "little"))
        if machine is not None:
            return "" if machine == platform.machine() else f"{machine}-linux-gnu-"
    raise ReportError(f"{build}: no objects in engine/libfovea_engine.a.p: is this a Meson build folder, and built?")


def object_sizes(tools, archive):
    """{object: {kind: bytes}} of an archive."""
    sizes, name = {}, None
    for line in run(f"{tools}size", "-A", archive).splitlines():
        header = re.match(r"(\S+)\s+\(ex .*\):$", line)
        if header:
            name = header[1]
            sizes[name] = collections.Counter()
        elif name and line.startswith("."):
            section, size = line.split()[:2]
            if kind_of(section):
                sizes[name][kind_of(section)] += int(size)
    if not sizes:
        raise ReportError(f"{archive}: holds no objects")
    return sizes


def room_sizes(map_file):
    """{room: {kind: bytes}} of a linked program, by its linker map."""
    text = map_file.read_text()
    begin = text.find("Linker script and memory map")
    if begin < 0:
        raise ReportError("the linker writes no map that this script can read: it reads GNU ld's")
    joined = re.sub(r"\n( \.\S+)\n\s+(0x)", r"\n\1 \2", text[begin:])  # long names have a line of their own
    rooms = collections.defaultdict(collections.Counter)
    for line in joined.splitlines():
        match = INPUT_SECTION.match(line)
        if match and int(match[2], 16) and kind_of(match[1]):
            rooms[room_of(match[4])][kind_of(match[1])] += int(match[3], 16)
    return rooms


def link_program(tools, build, folder, name):
    """(stripped size, sizes by room)."""
    example = folder / "example.o"
    run(f"{tools}gcc", "-std=c99", "-O2", "-c", "-I", ROOT / "engine" / "include", ROOT / "engine" / "examples" / f"{name}.c",
        "-o", example)
    program = folder / name
    run(f"{tools}gcc", example, build / "engine" / "libfovea.a", *LINK, "-o", program)
    run(f"{tools}strip", program)
    map_file = folder / "map"
    run(f"{tools}gcc", example, build / "engine" / "libfovea_shipped.a", *LINK, f"-Wl,-Map={map_file}",
        "-o", folder / "inside")
    return program.stat().st_size, room_sizes(map_file)


def table(name, rows):
    """Rows of {kind: bytes} as a Markdown table in bytes, with sums."""
    lines = [f"| {name} | " + " | ".join(KINDS) + " | sum |", "|--|" + "--:|" * (len(KINDS) + 1)]
    total = collections.Counter()
    for title, sizes in rows:
        total.update(sizes)
        lines.append(f"| {title} | " + " | ".join(f"{sizes[kind]:,}" for kind in KINDS) + f" | {sum(sizes.values()):,} |")
    lines.append("| sum | " + " | ".join(f"{total[kind]:,}" for kind in KINDS) + f" | {sum(total.values()):,} |")
    return "\n".join(lines)


def by_room(objects):
    rooms = collections.defaultdict(collections.Counter)
    for name, sizes in objects.items():
        rooms[room_of(name)].update(sizes)
    return rooms


def by_size(sizes):
    return sorted(sizes.items(), key=lambda item: -sum(item[1].values()))


def short_name(path):
    return re.sub(r".*lib(\w+)\.a\.p/(.*)\.(cpp|c)\.o$", r"\2", path)


def report(arguments):
    build = arguments.build
    archive = build / "engine" / "libfovea.a"
    if not archive.is_file():
        raise ReportError(f"{archive} is missing: is {build} a Meson build folder, and built?")
    tools = find_toolchain(build) if arguments.toolchain is None else arguments.toolchain
    objects = object_sizes(tools, build / "engine" / "libfovea_shipped.a")
    with tempfile.TemporaryDirectory() as folder:
        programs = {name: link_program(tools, build, pathlib.Path(folder), name) for name in PROGRAMS}
    rooms = programs["screen"][1]
    program_sizes = {name: size for name, (size, _) in programs.items()}
    archive_size = archive.stat().st_size
    target = run(f"{tools}gcc", "-dumpmachine").strip()
    print(f"# Sizes in bytes, {target}\n\nlibfovea.a: {archive_size:,} as a file, with its symbols\n")
    print(table("room, in the archive", by_size(by_room(objects))))
    largest = by_size(objects)[:arguments.objects]
    print(f"\nThe {len(largest)} largest of {len(objects)} objects:\n")
    print(table("object", [(short_name(name), sizes) for name, sizes in largest]))
    print("\nengine/examples linked and stripped, by a C compiler alone:\n\n| program | bytes |\n|--|--:|")
    print("\n".join(f"| {name}.c | {size:,} |" for name, size in program_sizes.items()) + "\n")
    print(table("room, in screen.c's program", by_size(rooms)))
    print("\nThe file holds besides these its tables of symbols and relocations, and padding; zeroed memory takes no place in it.")
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {"target": target, "archive": archive_size, "programs": program_sizes,
             "program_rooms": rooms, "archive_rooms": by_room(objects), "objects": objects}, indent=1) + "\n")
    status = 0
    limits = [(f"the program of {name}.c", program_sizes[name], limit) for name, limit in arguments.limit_program]
    for what, size, limit in (*limits, ("libfovea.a", archive_size, arguments.limit_archive)):
        if limit is not None and size > limit:
            print(f"size_report.py: {what} has {size:,} bytes, {size - limit:,} above the limit of {limit:,}", file=sys.stderr)
            status = 1
    return status


def program_limit(text):
    name, _, limit = text.partition("=")
    if name not in PROGRAMS or not limit.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: not NAME=BYTES with one of {', '.join(PROGRAMS)}")
    return name, int(limit)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="a Meson build folder, built with optimisation")
    parser.add_argument("--toolchain", metavar="PREFIX", help='of gcc, size and strip; default: "" or "aarch64-linux-gnu-" by the objects')
    parser.add_argument("--objects", type=int, default=15, metavar="N", help="how many objects to name (default: 15)")
    parser.add_argument("--limit-program", type=program_limit, action="append", default=[], metavar="NAME=BYTES",
                        help="exit status 1 when the stripped program of that example is larger")
    parser.add_argument("--limit-archive", type=int, metavar="BYTES", help="exit status 1 when libfovea.a is larger")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures to FILE")
    try:
        return report(parser.parse_args())
    except (ReportError, OSError) as error:
        print(f"size_report.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
