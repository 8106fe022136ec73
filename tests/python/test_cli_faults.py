# SPDX-License-Identifier: Apache-2.0
"""Every call of the C library that reads, writes or allocates fails once, the how-manyth it may be: the program says so with a message that
names the file and a status, or does its work all the same; nothing crashes, no result is lost or cut, nothing is left behind."""
import concurrent.futures
import errno
import json
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
from cli_helpers import BINARY, ROOT, SIDE, WRAPPER, needs_binary, write_model

Image = pytest.importorskip("PIL.Image")
SANITIZED = bool(BINARY) and b"__asan_init" in pathlib.Path(BINARY).read_bytes()
pytestmark = [
    needs_binary,
    pytest.mark.skipif(bool(WRAPPER) or SANITIZED, reason="an emulator or a sanitizer calls the C library itself"),
    pytest.mark.skipif(not shutil.which("cc"), reason="not installed: cc"),
]
ARCHIVE = pathlib.Path(os.environ.get("FOVEA_BUILD_DIRECTORY", "")) / "engine" / "libfovea.a"
HERE = pathlib.Path(__file__).parent / "faults"
EIO, EINTR, ENOSPC, EMFILE, ENOMEM = (str(code) for code in (errno.EIO, errno.EINTR, errno.ENOSPC, errno.EMFILE, errno.ENOMEM))
FAULTS = {  # what each call may be met with
    "open": [EIO, EINTR, EMFILE, ENOSPC], "read": [EIO, EINTR, "short", "nothing"], "pread": [EIO, EINTR, "short", "nothing"],
    "write": [EIO, EINTR, ENOSPC, "short", "nothing"], "mmap": [EIO], "fsync": [EIO, EINTR, ENOSPC], "close": [EIO, EINTR, ENOSPC], "rename": [EIO, EINTR],
    "fstat": [EIO], "stat": [EIO, EINTR], "ftruncate": [EIO, EINTR], "lseek": [EIO], "opendir": [EIO, EINTR], "readdir": [EIO], "realpath": [EIO],
    "mkdir": [EIO], "access": [EIO], "flock": [EIO], "unlink": [EIO], "fchmod": [EIO],
}
NO_MEMORY = "fovea: memory: there is not enough\n"
HARMLESS = {(call, how) for call in ("open", "read", "pread", "write", "fsync", "close", "ftruncate", "opendir") for how in (EINTR, "short")} | {("write", "nothing")}


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    library = tmp_path_factory.mktemp("shim") / "fault_shim.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", HERE / "fault_shim.c", "-o", library, "-ldl"], check=True)
    return library


class Outcome:
    """Of one run: its status, what it printed, and what the shim counted."""

    def __init__(self, shim, command, folder, **fault):
        report = folder / "report.txt"
        environment = {k: v for k, v in os.environ.items() if k != "FOVEA_ISA"}
        environment.update({f"FAULT_{key.upper()}": str(value) for key, value in fault.items()}, FAULT_REPORT=str(report), LD_PRELOAD=str(shim))
        done = subprocess.run(list(map(str, command)), capture_output=True, env=environment, timeout=120, cwd=folder, check=False)
        self.status, self.output, self.messages = done.returncode, done.stdout, done.stderr.decode()
        self.calls, self.sites, self.hit, self.blocks, self.descriptors, self.static = {}, [], None, None, None, None
        for line in report.read_text().splitlines() if report.is_file() else []:
            key, *values = line.split(" ", 2)
            if key == "calls":
                self.calls[values[0]] = int(values[1])
            elif key == "sites":
                self.sites = [int(number) for value in values for number in value.split()]
            elif key == "hit":
                self.hit = values[1] if len(values) > 1 else ""
            elif key in ("blocks", "descriptors", "static"):
                setattr(self, key, int(values[0]))
        report.unlink(missing_ok=True)


def picture(side=160):
    """An orange disc with darker lines: small, and dealt with in a moment."""
    rows, columns = np.mgrid[0:side, 0:side]
    disc = (rows - side / 2) ** 2 + (columns - side / 2) ** 2 < (0.47 * side) ** 2
    shade = 1 - 0.35 * (np.sin(columns / 5) > 0.9)
    return (disc[..., None] * shade[..., None] * np.array([200, 110, 40])).astype(np.uint8)


def prepare(folder):
    """What the commands below read and write over; every run has a folder of its own."""
    folder.mkdir()
    shutil.copy(prepare.model, folder / "tiny.fovea")
    photos = folder / "photos"
    (photos / "inner").mkdir(parents=True)
    for name in ("a.png", "inner/b.png"):
        shutil.copy(prepare.photo, photos / name)
    (photos / "c.jpg").write_text("no picture")
    (photos / "notes.txt").write_text("of a visit\n")
    os.symlink("inner", photos / "link")
    shutil.copy(prepare.photo, folder / "one.png")
    (folder / "list.csv").write_text("id_code,diagnosis\na,0\ninner/b,1\nmissing,2\n")
    np.save(folder / "x.npy", np.full((SIDE, SIDE, 3), 90, np.uint8))
    (folder / "old.jsonl").write_text('{"file":"of another run"}\n')
    (folder / "old.png").write_bytes(b"an older picture")
    return folder


@pytest.fixture(scope="module", autouse=True)
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    prepare.model = write_model(folder / "tiny.fovea")
    prepare.photo = folder / "photo.png"
    Image.fromarray(picture()).save(prepare.photo)


SCREEN = ["screen", "-m", "tiny.fovea", "-f", "jsonl", "--no-timings", "--force"]
SCENES = {  # arguments, status of a run without a fault, the file that is written
    "info": (["info", "tiny.fovea"], 0, None),
    "selftest": (["selftest", "tiny.fovea"], 0, None),
    "run": (["run", "-m", "tiny.fovea", "x.npy"], 0, None),
    "run with tensors": (["run", "-m", "tiny.fovea", "--dump", "tensors", "x.npy"], 0, None),
    "screen one photo": ([*SCREEN, "one.png"], 0, None),
    "screen a folder": ([*SCREEN, "-j", "2", "photos"], 3, None),
    "screen a folder to a file": ([*SCREEN, "-j", "1", "-o", "old.jsonl", "photos"], 3, "old.jsonl"),
    "screen a list": ([*SCREEN, "-j", "1", "--images", "photos", "-o", "new.jsonl", "list.csv"], 3, "new.jsonl"),
    "screen to text": (["screen", "-m", "tiny.fovea", "--no-timings", "--force", "-j", "1", "one.png", "photos/c.jpg"], 3, None),
    "continue": ([*SCREEN, "-j", "1", "--resume", "-o", "half.jsonl", "photos"], 3, "half.jsonl"),
    "screen with maps": ([*SCREEN, "-j", "1", "--explain", "out", "--explain-method", "gradient", "-o", "old.jsonl", "photos"], 3, "old.jsonl"),
    "explain over a picture": (["explain", "-m", "tiny.fovea", "--method", "gradient", "--overlay", "old.png", "one.png"], 0, "old.png"),
    "explain several": (["explain", "-m", "tiny.fovea", "--method", "occlusion", "--raw", "out", "--map", "out/maps", "one.png", "photos/a.png"], 0, None),
    "preprocess one photo": (["preprocess", "--size", "64", "one.png", "new.png"], 0, "new.png"),
    "preprocess over a picture": (["preprocess", "--size", "64", "one.png", "old.png"], 0, "old.png"),
    "preprocess a folder": (["preprocess", "--size", "64", "-j", "2", "--out-dir", "out/deep", "photos"], 3, None),
}


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()}


class Scene:
    def __init__(self, shim, folder, name):
        self.shim, self.folder = shim, folder
        self.uses_json = name in ("info", "run with tensors", "screen a list") or name.startswith("explain")
        self.arguments, self.status, self.written = SCENES[name]
        if name == "continue":
            # The first row of what the whole run would write, and the beginning of the next.
            rows = Outcome(shim, [BINARY, *SCREEN, "photos"], prepare(folder / "rows")).output
            self.part = rows[: rows.index(b"\n") + 30]
        else:
            self.part = None
        self.before, self.clean, self.after = self.run("clean")
        assert self.clean.status == self.status, self.clean.messages

    def run(self, place, **fault):
        folder = prepare(self.folder / place)
        if self.part is not None:
            (folder / "half.jsonl.part").write_bytes(self.part)
        before = contents(folder)
        outcome = Outcome(self.shim, [BINARY, *self.arguments], folder, **fault)
        after = contents(folder)
        shutil.rmtree(folder)
        return before, outcome, after

    def check(self, call, number, how, rest=False):
        fault = {"call": call, "number": number, "how": how, **({"rest": 1} if rest else {})}
        _, outcome, after = self.run(f"{call}-{number}-{how}", **fault)
        problems = list(self.problems(outcome, after, call, how))
        return [f"{call} {number} {how} {outcome.hit}: {problem}; status {outcome.status}, {outcome.messages!r}" for problem in problems]

    def problems(self, outcome, after, call, how):
        if outcome.hit is None:
            if outcome.status != 1 or outcome.messages != NO_MEMORY or not self.uses_json:
                yield "not reached, or no report"
            return  # the JSON library allocates in destructors: where it cannot, the program ends on the spot
        if outcome.status not in (0, 1, 2, 3, 4):
            yield "crash"
        # Where even the JSON library finds no memory, it loses some of what it has; the program ends then.
        if outcome.blocks > self.clean.blocks and not (call == "malloc" and self.uses_json and outcome.status == 1):
            yield f"{outcome.blocks - self.clean.blocks} blocks leaked"
        if outcome.descriptors > self.clean.descriptors:
            yield "descriptors leaked"
        is_same = outcome.status == self.status and outcome.output == self.clean.output and after == self.after
        if is_same:
            return
        if (call, how) in HARMLESS:
            yield "not the same result as without it"
        if outcome.status == 0 or (outcome.status == self.status and not outcome.messages):
            yield "another result without a word"
        if not any(line.startswith("fovea: ") for line in outcome.messages.splitlines()) and not outcome.hit.startswith("descriptor 2"):
            yield "no message"
        yield from self.lost(outcome, after)
        name = "standard output" if outcome.hit == "descriptor 1" else re.sub(r"(\.\d+-\d+)?\.part$", "", pathlib.Path(outcome.hit).name)
        if call != "malloc" and name not in outcome.messages and not outcome.hit.startswith("descriptor 2"):
            yield f"does not name {name}"

    def lost(self, outcome, after):
        """Rows that are no rows, files that are half written, and files that were there before and are gone."""
        rows = self.clean.output.splitlines() if self.arguments[0] == "screen" else []
        written = {name: data for name, data in after.items() if name != self.written and name.startswith(("out/", "tensors/"))}
        for name, data in written.items():
            # A picture may have come by another way than in the run without a fault, through a link.
            if data not in self.after.values():
                yield f"{name} is not whole"
        for name, data in self.before.items():
            if name != self.written and not name.endswith(".part") and after.get(name) != data:
                yield f"{name} is lost or changed"
        texts = [outcome.output] if self.arguments[0] == "screen" else []
        if self.written is not None:
            now, old, new = after.get(self.written), self.before.get(self.written), self.after[self.written]
            part = after.get(self.written + ".part")
            if self.written.endswith(".jsonl"):
                rows = new.splitlines()
                texts += [text for text in (now, part) if text is not None and text != old]
                # Where the program ends with 3, the results are there, with a row for each photo.
                if outcome.status in (0, 3) and (now is None or now == old):
                    yield "no results, in spite of the status"
                if now is None and old is not None:
                    yield "the older results are lost"
                if self.part is not None and part is None and (now is None or len(now.splitlines()) < len(rows)):
                    yield "what was to be continued is lost"
            elif now not in (old, new):
                yield "the picture is neither the old one nor the new one"
        for text in texts:
            if text and not text.endswith(b"\n") and not (self.part or b"").startswith(text):
                yield "a row is cut"
        for text in texts:
            for line in text.splitlines():
                if line in rows or line.startswith(b"  error  ") or (self.part is not None and self.part.endswith(line)):
                    continue
                row = json.loads(line) if line.endswith(b"}") else {}
                if row.get("status") != "error" and not row.get("warnings"):
                    yield f"another row: {line[:200]}"
        left = [name for name in after if name.endswith(".part") and name not in self.before and name != f"{self.written}.part"]
        if left:
            yield f"{left} is left behind"


def sweep(scene, faults):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as workers:
        found = list(workers.map(lambda fault: scene.check(*fault), faults))
    problems = [problem for problems in found for problem in problems]
    assert not problems, f"{len(problems)} of {len(faults)}:\n" + "\n".join(problems)
    assert faults


@pytest.mark.parametrize("name", SCENES)
def test_every_call_fails_once(shim, tmp_path, name):
    scene = Scene(shim, tmp_path, name)
    counts = scene.clean.calls
    assert counts["open"] >= 1 and counts["read"] >= 1 and counts["close"] >= 1
    assert counts["write"] >= 1 or name.startswith("preprocess")
    sweep(scene, [(call, number, how) for call, ways in FAULTS.items() for how in ways for number in range(1, counts[call] + 1)])


def test_every_allocation_before_the_verb_is_refused_once(shim, tmp_path):
    """What every verb does first: the description of the command line."""
    clean = Outcome(shim, [BINARY, "--version"], tmp_path)
    for number in range(1, clean.calls["malloc"] + 1):
        outcome = Outcome(shim, [BINARY, "--version"], tmp_path, call="malloc", number=number, how=ENOMEM)
        which = (number, outcome.status, outcome.messages)
        # Without a place in the list of what is done at exit, or its locale, the C library goes on, and so does the program: then nobody
        # destroys an object that was made before main, and no more is left than such objects hold. A program that gives up leaves nothing.
        most_left = clean.blocks + (clean.static if outcome.status == 0 else 0)
        assert outcome.hit is None or outcome.blocks <= most_left, which
        assert outcome.hit is not None or outcome.status == 1, which
        if outcome.status != 0 or outcome.output != clean.output:
            assert outcome.status == 1 and outcome.output == b"" and outcome.messages == NO_MEMORY, which


@pytest.mark.parametrize("rest", [False, True], ids=["once", "from there on"])
@pytest.mark.parametrize("name", ["info", "selftest", "run with tensors", "screen to text", "screen a list", "preprocess over a picture"])
def test_every_allocation_is_refused(shim, tmp_path, name, rest):
    """The first one of each call stack, of the program and of the library that it calls."""
    scene = Scene(shim, tmp_path, name)
    common = Outcome(shim, [BINARY, "--version"], tmp_path).calls["malloc"]
    _, seen, _ = scene.run("sites", sites=1)
    numbers = [number for number in seen.sites if number > common]
    assert len(numbers) > 20
    sweep(scene, [("malloc", number, ENOMEM, rest) for number in numbers])


@pytest.fixture(scope="module")
def load_model(tmp_path_factory):
    if not ARCHIVE.is_file():
        pytest.skip("FOVEA_BUILD_DIRECTORY names no Meson build folder")
    program = tmp_path_factory.mktemp("load") / "load_model"
    subprocess.run(["cc", HERE / "load_model.c", "-I", ROOT / "engine" / "include", ARCHIVE, "-lm", "-lpthread", "-o", program], check=True)
    return program


@pytest.mark.parametrize("lead", [None, 0, 4096, 100])
def test_every_call_of_the_library_fails_once(shim, load_model, tmp_path, lead):
    """Mapped, mapped from the middle of a file, and read into a copy where its place is not aligned."""
    model = tmp_path / "tiny.fovea"
    model.write_bytes(bytes(lead or 0) + prepare.model.read_bytes())
    command = [load_model, model, *([] if lead is None else [lead])]
    clean = Outcome(shim, command, tmp_path)
    assert clean.status == 0 and clean.output == b"tiny\n", clean.messages
    assert clean.calls["pread" if lead == 100 else "mmap"] >= 1
    for call, ways in {**FAULTS, "malloc": [ENOMEM]}.items():
        for how in ways:
            for number in range(1, clean.calls[call] + 1):
                outcome = Outcome(shim, command, tmp_path, call=call, number=number, how=how)
                which = (call, number, how, outcome.messages)
                assert outcome.hit is not None and outcome.status in (0, 1), which
                assert outcome.blocks <= clean.blocks and outcome.descriptors <= clean.descriptors, which
                if (call, how) in HARMLESS:
                    assert outcome.status == 0, which
                if outcome.status == 0:
                    assert outcome.output == clean.output, which
                elif outcome.hit != "descriptor 1":
                    assert outcome.messages.startswith("fovea: ") and (lead is not None or call == "malloc" or "tiny.fovea" in outcome.messages), which
