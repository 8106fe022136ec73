# SPDX-License-Identifier: Apache-2.0
"""The whole command on made-up photos, with small stand-ins for the fovea program and the converter. What the real programs do is
tested elsewhere."""
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest

from PIL import Image
from recipe_helpers import MODELS, eager  # noqa: F401

from recipe import __main__ as command
from recipe import card, compare, images, record, settings

pytest.importorskip("matplotlib")

FOVEA = """#!{python}
import pathlib, sys
from PIL import Image
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("fovea stand-in")
    sys.exit()
if arguments[0] == "run":
    import json
    import numpy as np
    assert arguments[1] == "--model"
    for path in arguments[3:]:
        print(json.dumps({{"file": path, "logits": [0.0, float(np.load(path).mean()) / 255]}}))
    sys.exit()
assert arguments[0] == "preprocess"
source = pathlib.Path(arguments[1])
options = dict(zip(arguments[2::2], arguments[3::2]))
assert set(options) - {{"--scaled-decoding"}} == {{"--out-dir", "--preset", "--size", "--resize"}}, options
out, size = pathlib.Path(options["--out-dir"]), int(options["--size"])
with open(out.parent / "calls.txt", "a") as calls:
    calls.write(str(source) + "\\n")
for photo in [source] if source.is_file() else sorted(source.rglob("*.png")):
    target = out / (photo.name if photo == source else photo.relative_to(source.parent))
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.open(photo).convert("RGB").resize((size, size)).save(target.with_suffix(".png"))
"""

CONVERTER = """#!{python}
import sys
import numpy as np
arguments = sys.argv[1:]
assert "--labels" in arguments and arguments[arguments.index("--labels") + 1] == "no_dr,dr"
assert sum(a == "--operating-point" for a in arguments) == 3
golden = np.load(arguments[arguments.index("--golden") + 1])
assert golden["pixels"].dtype == np.uint8 and golden["logits"].dtype == np.float32
assert golden["logits"].shape == (1, 2) and golden["pixels"].shape == (1, 64, 64, 3)
import pathlib
told = [value for option, value in zip(arguments, arguments[1:]) if option == "--provenance"]
(pathlib.Path(arguments[arguments.index("-o") + 1]).parent.parent / "provenance.txt").write_text("\\n".join(told))
with open(arguments[arguments.index("-o") + 1], "wb") as file:
    file.write(b"detector")
"""


def program(path, text):
    path.write_text(text.format(python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def workplace(tmp_path):
    random = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["id_code,diagnosis"]
    for i in range(32):
        Image.fromarray(random.integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(folder / f"p{i}.png")
        lines.append(f"p{i},{i % 2 * 2}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    write_tiny(tmp_path, "small224.toml", {
        "alpha = 1.0": "alpha = 0.25", "size = 224": "size = 64", "steps_per_epoch = 120": "steps_per_epoch = 1",
        "sizes = [[0, 192], [3, 224]]": "sizes = [[0, 64]]", "batch = 32": "batch = 4", "default_fraction = 0.20": "default_fraction = 0.5",
        "keep = \"last\"": "keep = \"best\"", "start_share = 0.2": "start_share = 0.0"})
    return tmp_path


def write_tiny(folder, name, changes):
    """tiny.toml: the shipped settings of that name, changed and for one epoch."""
    text = (MODELS / "recipe" / name).read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    # Its own words: those of the shipped detectors tell of other photos.
    text = re.sub(r'(?s)training = """.*?"""', 'training = "Noise."', re.sub(r'(?s)never_tested = """.*?"""', 'never_tested = "- All."', text))
    text = re.sub(r"(?s)\[card\.data\].*?(?=\[network\])", '[card.data]\nown = "noise"\nother = "second noise"\n', text)
    lines = [("epochs = 1" if line.startswith("epochs = ") else line) for line in text.splitlines()]
    (folder / "tiny.toml").write_text("\n".join(lines), encoding="utf-8")


def run(workplace, *extra):
    return command.main(["--settings", str(workplace / "tiny.toml"), "--data", f"own={workplace / 'photos'}",
                         "--fovea", program(workplace / "fovea", FOVEA), "--out", str(workplace / "out"),
                         "--converter", program(workplace / "convert", CONVERTER),
                         "--golden", str(workplace / "photos" / "p3.png"), *extra])


def test_one_command_makes_a_detector_and_repeats_without_work(workplace, eager):  # noqa: F811
    assert run(workplace, "--note", "The photos are noise.") == 0
    shipped = workplace / "out" / "detector"
    assert (shipped / "small224.fovea").read_bytes() == b"detector"
    card = (shipped / "small224.md").read_text(encoding="utf-8")
    figures = json.loads((shipped / "small224.validation.json").read_text())["figures"]
    assert f"| own | {figures['sources']['own']['photos']} (" in card
    assert f"{figures['mean_auc']:.3f}" in card and "The photos are noise." in card
    assert "All weights start from random numbers." in card and "- `own`: noise\n" in card and "second noise" not in card
    assert (shipped.parent / "provenance.txt").read_text().startswith("training_data=own: 16 to train, 16 to validate; ")
    assert "On the same pixels of all 16 photos the likelier class differs for " in card
    published = (shipped / "small224.split.csv").read_text().splitlines()
    assert published[0] == "source,name,group,side" and published[1].startswith("own,p0,0,") and len(published) == 33
    for probe in ("corners masked", "shape of frame and corners (9 numbers)", "a copy of 8 x 8 pixels (192)"):
        assert f"| {probe} | " in card
    for line in (shipped / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((shipped / name).read_bytes()).hexdigest() == digest
    sides = [line.split(",")[-1] for line in (workplace / "out" / "split.csv").read_text().splitlines()[1:]]
    assert sides.count("validation") == 16 and sides.count("train") == 16
    calls = {path: path.read_text() for path in (workplace / "out" / "images").rglob("calls.txt")}
    # Near copies are looked for in 224 x 224, whatever the network's size.
    assert sorted(path.parent.name for path in calls) == ["224", "64"]
    assert run(workplace) == 0
    assert {path: path.read_text() for path in (workplace / "out" / "images").rglob("calls.txt")} == calls
    assert len((workplace / "out" / "history.csv").read_text().splitlines()) == 2


def run_with_two_sources(workplace, *extra):
    """The same photos as a second source, which differs in one pixel so that they are no copies."""
    if not (workplace / "second").exists():
        shutil.copytree(workplace / "photos", workplace / "second")
        random = np.random.default_rng(9)
        for path in (workplace / "second").glob("*.png"):
            Image.fromarray(random.integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(path)
    return run(workplace, "--data", f"other={workplace / 'second'}", *extra)


def test_a_source_left_out_is_validated_whole_and_nothing_is_shipped(workplace, eager):  # noqa: F811
    assert run_with_two_sources(workplace, "--leave-out", "other") == 0
    out = workplace / "out"
    figures = json.loads((out / "figures.json").read_text())
    assert figures["sources"]["other"]["photos"] == 32 and figures["sources"]["other"]["unseen"]
    assert not figures["sources"]["own"]["unseen"] and figures["mean_auc"] == figures["sources"]["own"]["auc"][0]
    assert set(figures["sources"]["other"]) == {"photos", "positive", "auc", "referable_auc", "corners_masked", "rim_only_auc", "unseen"}
    assert not (out / "detector").exists()
    sides = [line.split(",") for line in (out / "split.csv").read_text().splitlines()[1:]]
    assert {row[-1] for row in sides if row[0] == "other"} == {"validation"}
    row = (out / "history.csv").read_text().splitlines()
    assert dict(zip(row[0].split(","), row[1].split(",")))["mean_auc"] == dict(zip(row[0].split(","), row[1].split(",")))["auc_own"]
    table = compare.table([compare.read_run(out)])
    assert "(unseen)" in table
    # Another detector's card shows it, and says what it is.
    first = workplace / "first"
    out.rename(first)
    assert run(workplace, "--compare", str(first)) == 0
    card = (out / "detector" / "small224.md").read_text(encoding="utf-8")
    assert "## An unseen camera" in card and f"| other | 32 (16) | {figures['sources']['other']['auc'][0]:.3f} (" in card
    assert "## Experiments" in card


def test_figures_only_stops_before_the_conversion(workplace, eager):  # noqa: F811
    assert run(workplace, "--figures-only") == 0
    assert json.loads((workplace / "out" / "figures.json").read_text())["epochs"] == 1
    record = json.loads((workplace / "out" / "settings.json").read_text())
    assert record["settings"]["training"]["batch"] == 4 and record["unseen"] is None
    assert not (workplace / "out" / "detector").exists() and not (workplace / "out" / "small224.keras").exists()


def test_the_thesis_protocol_writes_a_page_beside_the_honest_one_and_repeats_without_training(workplace, eager):  # noqa: F811
    write_tiny(workplace, "thesis224.toml", {"alpha = 1.0": "alpha = 0.25", "size = 224": "size = 64", "batch = 64": "batch = 40",
                                             "sizes = [[0, 224]]": "sizes = [[0, 64]]"})
    assert run(workplace, "--protocol", "thesis") == 0
    out = workplace / "out"
    page, figures = (out / "protocols.html").read_text(encoding="utf-8"), json.loads((out / "protocols.json").read_text())
    assert figures["protocols"]["thesis"]["leaked"]["test"] > 0.5 and figures["protocols"]["honest"]["leaked"]["test"] == 0
    assert all(len((out / name / "history.csv").read_text().splitlines()) == 2 for name in ("thesis", "honest"))
    assert not (out / "detector").exists()
    assert run(workplace, "--protocol", "thesis") == 0
    assert (out / "protocols.html").read_text(encoding="utf-8") == page
    assert all(len((out / name / "history.csv").read_text().splitlines()) == 2 for name in ("thesis", "honest"))


def test_a_run_tells_what_it_started_from_and_that_in_turn(workplace, eager):  # noqa: F811
    assert run(workplace, "--figures-only") == 0
    first, out = workplace / "first", workplace / "out"
    out.rename(first)
    assert run(workplace, "--figures-only", "--initial-weights", str(first / "best.weights.h5")) == 0
    second = workplace / "second"
    out.rename(second)
    known = record.file_record(second / "best.weights.h5")
    text = " ".join(card._earlier(known))
    assert text.startswith(f"It starts from the weights of another run (`best.weights.h5`, SHA-256 {known['sha256']}): `small224`, "
                           "1 epochs of 1 batches of 4, photos to train: own 16. That one: It starts from the weights of another run")
    assert text.endswith("`small224`, 1 epochs of 1 batches of 4, photos to train: own 16. That one started from random numbers.")
    # Weights without their folder.
    shutil.copy(second / "best.weights.h5", workplace / "moved.weights.h5")
    assert " ".join(card._earlier(record.file_record(workplace / "moved.weights.h5"))).endswith(", whose history is not known here.")


def test_another_detectors_words_are_not_shipped(workplace, capsys):
    tiny = workplace / "tiny.toml"
    own = tiny.read_text()

    def refused(text, expected):
        tiny.write_text(text)
        assert run(workplace) == 1
        assert expected in capsys.readouterr().err and not (workplace / "out").exists()

    refused(own.replace('own = "noise"', 'own = " "'), "[card.data] does not say what the photos of own are")
    shipped = settings.read(MODELS / "recipe" / "small224.toml")["card"]
    words = own.replace('"- All."', json.dumps(shipped["never_tested"]))
    refused(words, "[card] never_tested: said of small224 trained on aptos, eyepacs, eyepacs_equalised, eyepacs_more, idrid, messidor2, odir; this run has own")
    refused(words.replace('name = "small224"', 'name = "ours"'), "[card] never_tested: the words of small224, and this is ours")
    refused(own.replace("[provenance]", '[provenance]\ntraining_data = "x"'), "[provenance] training_data: the run itself writes it")
    # Over a base of another name nothing is taken over, whoever wrote that.
    (workplace / "mine.toml").write_text(own)
    refused('base = "mine.toml"\nname = "ours"\n[card]\ntraining = ""\n', "[card] never_tested: not taken over from mine.toml")


def test_photos_that_changed_are_prepared_anew(workplace):
    photos, out = workplace / "photos", workplace / "out"
    said = []

    def prepared():
        said.clear()
        images.preprocess_all(program(workplace / "fovea", FOVEA), {"own": photos}, {"name": "none", "resize": "cv_area"}, 224, out, said.append)
        calls = (out / "224" / "calls.txt").read_text().count("\n")
        return calls, sorted(path.name for path in (out / "224" / "own").rglob("*.png"))

    first = prepared()
    assert first == (1, sorted(f"p{i}.png" for i in range(32))) and prepared() == first and len(said) == 1
    shutil.copy(photos / "p1.png", photos / "new.png")
    (photos / "p0.png").unlink()
    calls, names = prepared()
    assert calls == 2 and names == sorted(["new.png", *(f"p{i}.png" for i in range(1, 32))])
    assert said[-1].endswith("other photos than when its pictures were made; they are made anew")
    Image.new("RGB", (40, 40), (255, 0, 0)).save(photos / "new.png")
    assert prepared()[0] == 3
    with Image.open(next((out / "224" / "own").rglob("new.png"))) as picture:
        assert picture.getpixel((10, 10)) == (255, 0, 0)


def test_an_interrupt_says_what_continues(workplace, capsys, monkeypatch):
    from recipe import dataset

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "collect", interrupted)
    assert run(workplace, "--figures-only") == 130
    assert "stopped. The same command continues: no epoch is finished, the pictures that are ready" in capsys.readouterr().err
    (workplace / "out" / "history.csv").write_text("epoch,loss,mean_auc\n1,0.5,0.7\n2,0.4,0.8\n")
    assert run(workplace, "--figures-only") == 130
    assert f"{workplace / 'out'}: 2 epochs are finished" in capsys.readouterr().err


def test_an_interrupt_within_an_epoch_costs_that_epoch_alone(workplace, capsys, monkeypatch, eager):  # noqa: F811
    from recipe import optimizers
    tiny, history = workplace / "tiny.toml", workplace / "out" / "history.csv"
    tiny.write_text(tiny.read_text(encoding="utf-8").replace("epochs = 1\n", "epochs = 2\n"), encoding="utf-8")
    rate = optimizers.learning_rate

    def interrupted(step, *rest):
        if step == 1:  # the second epoch's: an epoch has one
            signal.raise_signal(signal.SIGINT)
        return rate(step, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(optimizers, "learning_rate", interrupted)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job, in which tests may run, ignores it
        try:
            assert run(workplace, "--figures-only") == 130
        finally:
            signal.signal(signal.SIGINT, before)
    said = capsys.readouterr().err
    assert f"stopped. The same command continues: {workplace / 'out'}: 1 epoch is finished, and what was begun after that begins anew." in said
    first = history.read_text().splitlines()
    assert len(first) == 2 and run(workplace, "--figures-only") == 0
    assert len(history.read_text().splitlines()) == 3 and history.read_text().splitlines()[:2] == first


def test_an_interrupt_while_libraries_are_loaded_says_it_too(workplace):
    early = workplace / "early"
    early.mkdir()
    (early / "tensorflow.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(9)\n")
    done = subprocess.run(
        [sys.executable, "-m", "recipe", "--settings", workplace / "tiny.toml", "--data", f"own={workplace / 'photos'}", "--fovea", "fovea",
         "--out", workplace / "out", "--figures-only"], env={**os.environ, "PYTHONPATH": os.pathsep.join([str(early), *sys.path])},
        stderr=subprocess.PIPE, text=True, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a shell's background job, in which tests may run, ignores it
    assert done.returncode == 130 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.startswith("\nrecipe: stopped. The same command continues: no epoch is finished")


def test_failures_end_with_a_message_and_status_1(workplace, capsys):
    (workplace / "photos" / "labels.csv").write_text("id_code,diagnosis\np1,7\n")
    assert run(workplace) == 1
    assert "grade '7'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [
    [], ["--data", "nofolder"], ["--warm-start", "a", "--initial-weights", "b"], ["--leave-out", "own"], ["--leave-out", "absent"],
    ["--protocol", "thesis", "--figures-only"], ["--protocol", "other"]])
def test_wrong_usage_is_status_2(workplace, arguments):
    with pytest.raises(SystemExit) as stop:
        if arguments:
            run(workplace, *arguments)
        else:
            command.main([])
    assert stop.value.code == 2


@pytest.mark.parametrize("arguments, message", [
    (["--compare", "nowhere"], "nowhere"), (["--teacher", "no.keras"], "no.keras"), (["--settings", "no.toml"], "no.toml"),
    (["--initial-weights", "no.fovea"], "no.fovea"), (["--initial-weights", "no.weights.h5"], "no.weights.h5"),
    (["--initial-weights", str(MODELS / "recipe" / "small224.toml")], "small224.toml: no weights of this network")])
def test_missing_files_are_named(workplace, capsys, arguments, message):
    assert run(workplace, *arguments) == 1
    assert message in capsys.readouterr().err


def test_pictures_of_another_size_are_refused(tmp_path):
    from recipe.labels import Photo
    (tmp_path / "s").mkdir()
    Image.new("RGB", (10, 10)).save(tmp_path / "s" / "a.png")
    with pytest.raises(images.ImageError, match="10 x 10, expected 12 x 12"):
        images.load([Photo("s", "a", tmp_path / "a.png", 0, "a")], tmp_path, 12)
