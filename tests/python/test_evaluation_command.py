# SPDX-License-Identifier: Apache-2.0
"""fovea-evaluate as people use it: files, page, summary, pipe, exit status."""
import base64
import html.parser
import importlib
import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
from conftest import REPOSITORY
from evaluation_helpers import error_line, line, write_labels, write_lines

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
from fovea_tools.commands import evaluate as command  # noqa: E402
from fovea_tools.evaluation import report  # noqa: E402

HOSTILE = "<script>alert(1)</script>&\"'.jpg"
TOP = ["format", "tool", "title", "caveat", "input", "model", "target", "positive_means", "target_differs", "decision", "unit",
       "grade_names", "problems", "parts", "quality_agreement", "mistakes"]


def make_inputs(folder):
    """Two sources with train and test, an ungradable photo, a broken one, a hostile name, a wrong answer."""
    lines, labels, split = [], {"one": {}, "two": {}}, ["source,name,side"]
    for source in labels:
        for index in range(24):
            grade = index % 5
            score = min(0.999, max(0.001, 0.1 + 0.18 * grade + 0.05 * ((index * 7) % 5 - 2)))
            lines.append(line(f"{source}/p{index}.jpg", None if index == 7 else score))
            labels[source][f"p{index}.jpg"] = grade
            split.append(f"{source},p{index},{'train' if index < 12 else 'test'}")
    lines += [line(f"one/{HOSTILE}", 0.9995), error_line("two/broken.jpg")]
    labels["one"]['"' + HOSTILE.replace('"', '""') + '"'] = 0
    labels["two"]["broken"] = 1
    split.append('one,"' + HOSTILE.replace('"', '""') + '",test')
    write_lines(folder / "p.jsonl", lines)
    for source, grades in labels.items():
        write_labels(folder / f"{source}.csv", grades, "file,grade")
    (folder / "split.csv").write_text("\n".join(split) + "\n")
    return [str(folder / "p.jsonl"), "--labels", f"one={folder / 'one.csv'}", "--labels", f"two={folder / 'two.csv'}",
            "--split", str(folder / "split.csv")]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(folder of the files, text on standard output) of one run."""
    folder = tmp_path_factory.mktemp("evaluation")
    done = subprocess.run([sys.executable, "-m", "fovea_tools.commands.evaluate", *make_inputs(folder), "--out", str(folder / "out")],
                          capture_output=True, text=True, env=environment(), timeout=300)
    assert done.returncode == 0, done.stderr
    # A first use of matplotlib on a machine says that it builds its font cache.
    assert [text for text in done.stderr.splitlines() if not text.startswith("Matplotlib")] == []
    return folder, done.stdout


def environment(**changes):
    return {**os.environ, "PYTHONPATH": str(REPOSITORY / "converter"), "PYTHONHASHSEED": "random", **changes}


def pictures_of(text):
    """[(bytes of a picture in the page, its alternative text)]"""
    return [(base64.b64decode(attributes["src"].partition(",")[2]), attributes["alt"]) for tag, attributes in Page(text).tags
            if tag == "img" and attributes["src"].startswith("data:image/jpeg;base64,")]


def test_the_page_shows_the_photos_it_got_wrong(tmp_path, capsys):
    image = pytest.importorskip("PIL.Image")
    photos = tmp_path / "photos"
    (photos / "ward").mkdir(parents=True)
    exif = image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    image.new("RGB", (1200, 600), (200, 40, 20)).save(photos / "ward" / "a.jpg", exif=exif)
    image.new("RGBA", (40, 30), (0, 200, 0, 255)).save(photos / "b.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing more")
    (tmp_path / "secret.jpg").write_bytes((photos / "b.png").read_bytes())
    names = ["/elsewhere/photos/ward/a.jpg", "in\\b.png", "broken.jpg", "gone.jpg", "../secret.jpg", "right.jpg"]
    source = write_lines(tmp_path / "p.jsonl", [line(name, 0.9 if name != "right.jpg" else 0.1) for name in names])
    labels = write_labels(tmp_path / "labels.csv", {name: 0 for name in ("a", "b", "broken", "gone", "secret", "right")})
    assert command.main([str(source), str(labels), "--out", str(tmp_path / "out"), "--photos", str(photos)]) == 0
    shown = dict((alt, data) for data, alt in pictures_of(page_of(tmp_path)))
    assert sorted(shown) == ["the photo /elsewhere/photos/ward/a.jpg", "the photo in\\b.png"]
    with image.open(io.BytesIO(shown["the photo /elsewhere/photos/ward/a.jpg"])) as small:
        assert small.size == (120, 240) and small.getpixel((60, 120))[0] > 150 and not small.getexif()
    told = capsys.readouterr().out
    assert "photos of wrong answers cannot be shown (3)" in told and "gone.jpg (not below" in told and "../secret.jpg (not below" in told
    # Without the option the page holds no photo.
    assert command.main([str(source), str(labels), "--out", str(tmp_path / "out")]) == 0
    assert pictures_of(page_of(tmp_path)) == []


def test_the_photos_need_a_page_and_a_folder(tmp_path, capsys):
    source, labels = write_lines(tmp_path / "p.jsonl", [line("a.jpg")]), write_labels(tmp_path / "labels.csv", {"a": 1})
    with pytest.raises(SystemExit):
        command.main([str(source), str(labels), "--photos", str(tmp_path)])
    assert "--photos needs --out" in capsys.readouterr().err
    assert command.main([str(source), str(labels), "--photos", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 1
    assert "--photos" in capsys.readouterr().err and not (tmp_path / "out").exists()


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def page_of(folder):
    return (folder / "out" / "evaluation.html").read_text(encoding="utf-8")


def test_the_page_is_whole_in_itself(written):
    text = page_of(written[0])
    page = Page(text)
    policy = next(a for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"].startswith("default-src 'none'")
    pictures = [a["src"] for tag, a in page.tags if tag == "img"]
    assert len(pictures) == 8  # four plots for each side of the split
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            if name in ("src", "href", "srcset", "action", "background", "style") or name.startswith("on"):
                assert tag == "img" and name == "src" and value.startswith("data:image/svg+xml;base64,"), (tag, name)
    assert "http" not in re.sub(r'http-equiv="[^"]*"|data:[^"]*', "", text) and "url(" not in text and "@import" not in text
    for picture in pictures:
        svg = base64.b64decode(picture.partition(",")[2]).decode()
        assert svg.startswith("<svg")
        assert "<script" not in svg and "@import" not in svg and "DOCTYPE" not in svg
        assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', svg))
        assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", svg))


def test_names_from_the_files_cannot_become_markup(written):
    text = page_of(written[0])
    assert "<script>alert" not in text and "alert(1)" in Page(text).text


def test_the_page_shows_what_the_json_says(written):
    folder, _ = written
    document = json.loads((folder / "out" / "evaluation.json").read_text(encoding="utf-8"))
    page = " ".join(Page(page_of(folder)).text.split())
    assert [part["part"] for part in document["parts"]] == ["train", "test"]
    for part in document["parts"]:
        for row in [*part["sources"], part["pooled"]]:
            found = row["gradable_only"]
            assert f"{found['roc_auc']['value']:.3f} (" in page
            for share in ("sensitivity", "specificity", "ppv", "npv", "accuracy"):
                value = found["at_threshold"][share]
                assert f"{100 * value['value']:.1f} % ({100 * value['clustered95'][0]:.1f}–" in page
    # As the thesis shows it.
    assert "predicted DR with 99.95 % confidence" in page
    assert document["mistakes"][0]["confidence"] == 0.9995
    assert "no diagnosis" in page and "not a medical device" in page
    for problem in document["problems"]:
        assert problem["message"] in page


def test_rows_of_the_thesis_table(written):
    """Cell by cell: one table a source, rows train and test."""
    text = page_of(written[0])
    document = json.loads((written[0] / "out" / "evaluation.json").read_text(encoding="utf-8"))
    tables = re.findall(r"<table><caption>(\w+): the likelier class decides</caption>(.*?)</table>", text, re.DOTALL)
    assert [source for source, _ in tables] == ["one", "two", "pooled"]
    for source, table in tables:
        rows = re.findall(r"<tr><th scope=\"row\">(\w+)</th>(.*?)</tr>", table, re.DOTALL)
        assert [part for part, _ in rows] == ["Train", "Test"]
        for (_, cells), part in zip(rows, document["parts"]):
            row = next(row for row in [*part["sources"], part["pooled"]] if row["source"] == source)
            figures = row["gradable_only"]["likelier_class"]
            expected = [f"{100 * figures['accuracy']['value']:.2f}"]
            expected += [f"{one[key]:.2f}" for key in ("precision", "recall", "f1") for one in figures["per_class"]]
            assert re.findall(r"<td>(.*?)</td>", cells) == expected + [str(one["support"]) for one in figures["per_class"]]


def test_the_json_has_its_keys_in_a_fixed_order(written):
    document = json.loads((written[0] / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert list(document) == TOP
    row = document["parts"][0]["sources"][0]
    assert list(row) == ["source", "cases", "positive", "negative", "groups", "imageability", "not_gradable_reasons", "gradable_only",
                         "intention_to_screen", "by_grade"]
    assert list(row["gradable_only"]) == ["cases", "positive", "negative", "at_threshold", "likelier_class", "roc_auc", "average_precision",
                                          "average_precision_of_class0", "calibration", "operating_points", "trade_offs", "confidence",
                                          "grades"]
    assert row["gradable_only"]["at_threshold"]["bar"]["bar"] == {"sensitivity": 0.85, "specificity": 0.825}


def test_the_same_input_gives_the_same_bytes(written, tmp_path):
    folder, text = written
    again = tmp_path / "out"
    arguments = [str(folder / "p.jsonl"), "--labels", f"one={folder / 'one.csv'}", "--labels", f"two={folder / 'two.csv'}",
                 "--split", str(folder / "split.csv"), "--out", str(again)]
    done = subprocess.run([sys.executable, "-m", "fovea_tools.commands.evaluate", *arguments], capture_output=True, text=True,
                          env=environment(), timeout=300)
    assert done.stdout.replace(str(again), str(folder / "out")) == text
    for name in ("evaluation.html", "evaluation.json"):
        assert (again / name).read_bytes() == (folder / "out" / name).read_bytes()
    assert sorted(path.name for path in again.iterdir()) == ["evaluation.html", "evaluation.json"]


def test_the_summary_names_what_matters(written):
    _, text = written
    lines = text.splitlines()
    assert lines[0] == "tiny (fp32), threshold 0.4 (balanced); positive: any diabetic retinopathy: grade 1 or more; cases: photos"
    rows = [row.split() for row in lines if row.startswith(("one ", "two ", "pooled "))]
    assert [row[:3] for row in rows] == [[source, part, counted] for part in ("train", "test") for source in ("one", "two", "pooled")
                                         for counted in ("gradable", "all")]
    assert "imageability one, train: 91.7" in text and "mean of the sources' AUCs, test:" in text
    assert "note: photos that could not be read are left out (1): two/broken.jpg" in text
    assert "not a medical device" in text and max(map(len, lines)) < 200


def test_plots_of_one_class_are_left_out(tmp_path):
    source = write_lines(tmp_path / "p.jsonl", [line("a.jpg", 0.9), line("b.jpg", 0.1)])
    labels = write_labels(tmp_path / "l.csv", {"a": 1, "b": 2})
    assert command.main([str(source), str(labels), "--out", str(tmp_path / "out")]) == 0
    assert sum(tag == "img" for tag, _ in Page(page_of(tmp_path)).tags) == 2
    source = write_lines(tmp_path / "p.jsonl", [line("a.jpg", None)])
    assert command.main([str(source), str(labels), "--out", str(tmp_path / "out")]) == 0
    assert "no photo could be graded" in page_of(tmp_path)


def test_the_page_of_five_grades(tmp_path):
    five = {"target": "grade5", "classes": ["g0", "g1", "g2", "g3", "g4"]}
    lines = [line(f"{i}.jpg", probabilities=[0.6 if grade == i % 5 else 0.1 for grade in range(5)], result=None, **five) for i in range(20)]
    source = write_lines(tmp_path / "p.jsonl", lines)
    labels = write_labels(tmp_path / "l.csv", {str(i): (i + i % 2) % 5 for i in range(20)})
    assert command.main([str(source), str(labels), "--out", str(tmp_path / "out")]) == 0
    page = page_of(tmp_path)
    assert "the five grades" in page and "called g4" in page and "called positive" in page


def test_class_names_and_confidence_as_in_the_thesis():
    assert [report.shown_class(name) for name in ("no_dr", "dr", "referable_dr")] == ["No DR", "DR", "Referable DR"]
    assert [report.percent(value, 2) for value in (0.9995, 1.0, 0.938888, None)] == ["99.95 %", "100.00 %", "93.89 %", "–"]


WRONG_USAGE = [
    [], ["p.jsonl"], ["p.jsonl", "l.csv", "--threshold", "1.5"], ["p.jsonl", "l.csv", "--threshold", "nan"],
    ["p.jsonl", "l.csv", "--target", "grade5"], ["p.jsonl", "--labels", "l.csv"], ["p.jsonl", "--labels", "=l.csv"],
    ["p.jsonl", "--labels", "pooled=l.csv"], ["p.jsonl", "l.csv", "--columns", "photo"], ["p.jsonl", "l.csv", "--columns", "lens=x"],
    ["p.jsonl", "l.csv", "--macular-edema", "1"], ["p.jsonl", "l.csv", "--examples", "-1"], ["p.jsonl", "l.csv", "--frobnicate"],
    ["p.jsonl", "l.csv", "extra.csv"], ["p.jsonl", "l.csv", "--per", "eye"],
    ["p.jsonl", "l.csv", "--patient-column", "a", "--columns", "photo=x,patient=b"],
]


@pytest.mark.parametrize("arguments", WRONG_USAGE)
def test_wrong_usage_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    assert "fovea-evaluate: error: " in capsys.readouterr().err


def good(folder):
    return (write_lines(folder / "p.jsonl", [line("a.jpg", 0.9), line("b.jpg", 0.1)]), write_labels(folder / "l.csv", {"a": 1, "b": 0}))


def failure(capsys, *arguments):
    assert command.main([str(argument) for argument in arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    message, = printed.err.splitlines()
    assert message.startswith("fovea-evaluate: ")
    return message


def test_failures_are_one_line_and_status_1(tmp_path, capsys):
    source, labels = good(tmp_path)
    assert "none.jsonl: No such file" in failure(capsys, tmp_path / "none.jsonl", labels)
    assert "none.csv: No such file" in failure(capsys, source, tmp_path / "none.csv")
    assert "none.csv: No such file" in failure(capsys, source, labels, "--split", tmp_path / "none.csv")
    other = write_labels(tmp_path / "other.csv", {"x": 1})
    assert "none of the 2 photos has a label: the predictions name 'a.jpg', the labels of own 'x'" in failure(capsys, source, other)
    bad = write_labels(tmp_path / "bad.csv", {"a": 7})
    assert "bad.csv:2: grade '7'" in failure(capsys, source, bad)
    binary = write_labels(tmp_path / "binary.csv", {"a": 1, "b": 1}, "file,dr")
    assert "no photo is left to evaluate: photos whose label does not tell the target (referable)" in failure(
        capsys, source, binary, "--target", "referable")
    split = write_labels(tmp_path / "split.csv", {"a": "train", "b": "nowhere"}, "name,side")
    assert "split.csv:3: the side 'nowhere'" in failure(capsys, source, labels, "--split", split)
    assert "no column for the photo" in failure(capsys, source, labels, "--split", labels)
    (tmp_path / "file").write_text("")
    assert "file: File exists" in failure(capsys, source, labels, "--out", tmp_path / "file")


@pytest.mark.parametrize("changes, expected", [
    ({"classes": ["a", "b", "c"], "probabilities": [0.2, 0.3, 0.5]}, "3 classes; fovea-evaluate knows two"),
    ({"target": "other"}, "the model does not say what it looks for; give --target"),
    ({"target": "grade5"}, "target grade5 with 2 classes"),
])
def test_models_of_another_kind_are_refused(tmp_path, capsys, changes, expected):
    _, labels = good(tmp_path)
    source = write_lines(tmp_path / "p.jsonl", [line("a.jpg", 0.9, **changes)])
    assert expected in failure(capsys, source, labels)


def test_a_model_for_something_else_can_be_scored_when_asked(tmp_path, capsys):
    _, labels = good(tmp_path)
    source = write_lines(tmp_path / "p.jsonl", [line("a.jpg", 0.9, target="other"), line("b.jpg", 0.1, target="other")])
    assert command.main([str(source), str(labels), "--target", "any"]) == 0
    assert "own     all   gradable  2" in capsys.readouterr().out


def blocked(*modules):
    """Python code that makes these modules fail to import."""
    return "import sys\n" + "".join(f"sys.modules[{module!r}] = None\n" for module in modules)


def python(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, env=environment(),
                          timeout=300)


RUN = "from fovea_tools.commands.evaluate import main\nsys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize("module", ["sklearn", "scipy", "matplotlib", "jinja2"])
def test_a_missing_library_is_named_with_the_cure(tmp_path, module):
    done = python(blocked(module) + RUN, *good(tmp_path), "--out", tmp_path / "out")
    assert done.returncode == 1 and done.stdout == ""
    assert f"fovea-evaluate: {module} is missing" in done.stderr
    assert "pip install 'fovea-tools[evaluation]'" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_conversion_and_labels_and_help_need_none_of_them():
    code = blocked("sklearn", "scipy", "matplotlib", "jinja2")
    assert python(code + "import fovea_tools.commands.convert, fovea_tools.labels").returncode == 0
    done = python(code + RUN, "--help")
    assert done.returncode == 0 and "examples:" in done.stdout and "fovea screen --model" in done.stdout


def test_a_line_that_was_cut_off_is_told(tmp_path, capsys):
    source, labels = good(tmp_path)
    source.write_text(source.read_text() + json.dumps(line("c.jpg"))[:99])
    assert command.main([str(source), str(labels)]) == 0
    assert "note: the last line of the predictions was cut off (1): " in capsys.readouterr().out


def test_a_pipe_from_the_program(fovea_binary, tmp_path):
    """fovea screen FOLDER | fovea-evaluate - labels.csv, with the shipped detector and the IDRiD photos of the repository."""
    labels = tmp_path / "idrid.csv"
    labels.write_text("Image name,Retinopathy grade,Risk of macular edema \nIDRiD_008,4,2\nIDRiD_037,2,1\nIDRiD_140,0,0\n")
    program = shlex.split(os.environ.get("FOVEA_WRAPPER", "")) + [fovea_binary]
    detector = REPOSITORY / "models" / "detectors" / "large224"
    measured = json.loads((detector / "large224.validation.json").read_text())["figures"]
    screen = [*program, "screen", "--model", str(detector / "large224.fovea"),
              "--format", "jsonl", str(REPOSITORY / "tests" / "golden" / "data" / "photos")]
    evaluate = [sys.executable, "-m", "fovea_tools.commands.evaluate", "-", str(labels), "--out", str(tmp_path / "out")]
    done = subprocess.run(["sh", "-c", f"{shlex.join(screen)} | {shlex.join(evaluate)}"], capture_output=True, text=True,
                          env=environment(), timeout=600)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert document["input"]["predictions"] == "standard input" and document["problems"] == []
    assert document["model"]["name"] == "large224"
    assert document["model"]["temperature"] == pytest.approx(measured["temperature"])
    row, = document["parts"][0]["sources"]
    assert (row["source"], row["cases"], row["positive"]) == ("IDRiD", 3, 2)
    assert row["gradable_only"]["at_threshold"]["confusion_rows_true"] == [[1, 0], [0, 2]]
    # The logits of the program and its temperature give its probabilities.
    assert row["gradable_only"]["calibration"]["nll_of_logits"] == pytest.approx(
        row["gradable_only"]["calibration"]["nll_of_p_clipped_1e-7"], rel=1e-5)


def test_an_empty_pipe_is_an_error(tmp_path):
    _, labels = good(tmp_path)
    done = subprocess.run([sys.executable, "-m", "fovea_tools.commands.evaluate", "-", str(labels)], input="", capture_output=True,
                          text=True, env=environment(), timeout=300)
    assert done.returncode == 1 and "standard input: no photo in it; did the program before the pipe fail?" in done.stderr


@pytest.mark.parametrize("command", ["calibrate", "evaluate", "lesions", "quantize", "report", "robustness", "typicality"])
def test_no_name_steers_the_terminal(tmp_path, capsys, monkeypatch, command):
    """Files of such names that hold nothing, and such an option."""
    monkeypatch.chdir(tmp_path)
    evil = "\x1b[2J\u202egnp\nfovea: all is well\x9b"
    pathlib.Path(evil).write_bytes(b"nothing")
    pathlib.Path("photos").mkdir()
    words = {"calibrate": [evil, "p.jsonl", evil, "-o", "c.fovea"], "evaluate": [evil, evil], "lesions": [evil, "--photos", "photos", "--masks", "photos"],
             "quantize": [evil, "-o", "c.fovea", "--photos", "photos"], "report": [evil, "-o", "r.html"],
             "robustness": [evil, evil, evil, "--photos", "photos"], "typicality": [evil, evil, evil, "--photos", "photos", "-o", "c.fovea"]}[command]
    main = importlib.import_module(f"fovea_tools.commands.{command}").main
    for arguments in (words, [*words, f"--{evil}"]):
        try:
            assert main(arguments) != 0
        except SystemExit as error:
            assert error.code != 0
        said = capsys.readouterr().err
        assert all(line.isprintable() and not line.startswith("fovea: all") for line in said.split("\n"))
        assert "fovea-" in said
    assert "\\u202e" in said
