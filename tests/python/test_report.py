# SPDX-License-Identifier: Apache-2.0
"""fovea-report: what the page says, which photos it shows and of whom, what it keeps to itself, and how it fails."""
import base64
import hashlib
import html.parser
import io
import json
import os
import pty
import re
import shlex
import subprocess
import sys

import pytest
from conftest import REPOSITORY
from evaluation_helpers import THRESHOLD, error_line, line, write_lines

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("jinja2")
from fovea_tools.commands import report as command  # noqa: E402

HOSTILE = "<script>alert(1)</script>&\"'\u202e\n.jpg"
PHOTOS = REPOSITORY / "tests" / "golden" / "data" / "photos"


class Page(html.parser.HTMLParser):
    """cards: {name: its text}; tags: [(tag, attributes)]; text: all of it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.scripts, self.cards, self.pictures = [], "", [], {}, {}
        self._inside, self._card = "", None
        self.feed(text)
        self.close()
        self.cards = {number: " ".join(card.split()) for number, card in self.cards.items()}

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self._inside = tag
        self._add(" ")
        if tag == "article":
            self._card = attributes["data-number"]
            self.cards[self._card] = ""
        if tag == "img" and self._card:
            self.pictures.setdefault(self._card, []).append(base64.b64decode(attributes["src"].removeprefix("data:image/jpeg;base64,")))

    def handle_endtag(self, tag):
        self._card = None if tag == "article" else self._card
        self._inside = "" if tag in ("script", "style") else self._inside

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self._add(data)

    def _add(self, text):
        self.text += text
        if self._card:
            self.cards[self._card] += text


def picture(path, size=(60, 40), colour=(120, 40, 20), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)
    return path


def screened(path, score=0.9, name=None, **changes):
    """The line of a photo that is there."""
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    return line(name or path, score, image={"width": 60, "height": 40, "sha256": checksum}, **changes)


@pytest.fixture
def make(tmp_path):
    """Runs the command on these lines; (exit status, the page)."""
    def run(lines, *options, status=0):
        source = write_lines(tmp_path / "results.jsonl", lines)
        found = command.main([str(source), "-o", str(tmp_path / "page.html"), *map(str, options)])
        assert found == status
        return Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    return run


def test_what_a_photo_says(make):
    blurred = {"verdict": "reject", "checks": [
        {"name": "sharpness", "value": 0.2345678, "limit": ">= 0.4", "passed": False, "advice": "Focus, and take the photo again."},
        {"name": "brightness", "value": 69.0, "limit": ">= 35", "passed": True, "advice": ""}]}
    page = make([line("in/a.jpg", 0.9), line("in/b.jpg", 0.1234), line("c.jpg", None, quality=blurred), error_line("d.jpg"),
                 line("e.jpg", 0.6, warnings=["forced: the photo's quality is reject"], typicality={"score": 3.0, "verdict": "atypical"})],
                "--no-photos")
    assert list(page.cards) == ["1", "2", "3", "4", "5"]
    assert page.cards["1"] == "#1 a.jpg DR signs found Score: 90.00 % for DR signs, which are reported from 40.00 % on (balanced) Quality: good"
    assert "no DR signs found" in page.cards["2"] and "12.34 % for DR signs" in page.cards["2"]
    assert page.cards["3"] == "#3 c.jpg not gradable: sharpness Quality: reject sharpness 0.235, should be >= 0.4. Focus, and take the photo again."
    assert page.cards["4"] == "#4 d.jpg could not be read image: the data end too early"
    assert "Warning: forced: the photo's quality is reject" in page.cards["5"] and "atypical for the detector" in page.cards["5"]
    words = " ".join(page.text.split())
    assert "2 DR signs found 1 no DR signs found 1 not gradable 1 could not be read" in words
    assert words.count("research use only. Not a medical device") == 2 and "signs of any diabetic retinopathy" in words
    assert "confidence" not in words and "tiny, fp32" in words


@pytest.mark.parametrize("score, result, expected", [
    (0.39999998, "dr_signs_found", "39.999998 % for DR signs, which are reported from 40.000000 % on"),
    (0.4, "dr_signs_found", "40.00 % for DR signs, which are reported from 40.00 % on"),
    (0.20, "no_dr_signs_found", "20.00 % for DR signs"),
])
def test_a_score_is_told_from_its_threshold(make, score, result, expected):
    assert expected in make([line("a.jpg", score, result=result)], "--no-photos").cards["1"]


def test_the_score_of_five_grades_is_that_of_grade_2_and_more(make):
    page = make([line("a.jpg", target="grade5", classes=["g0", "g1", "g2", "g3", "g4"], probabilities=[0.3, 0.3, 0.2, 0.15, 0.05])],
                "--no-photos")
    assert "40.00 % for DR signs" in page.cards["1"] and "diabetic retinopathy of grade 2 or more" in page.text
    assert "; grade 0 (g0)" in page.cards["1"] and "any DR" not in page.cards["1"]
    answers = [{"target": "any_dr", "result": "dr_signs_found", "score": 0.7, "operating_point": {"name": "balanced", "threshold": 0.5}}]
    page = make([line("a.jpg", target="grade5", classes=["g0", "g1", "g2", "g3", "g4"], probabilities=[0.3, 0.4, 0.2, 0.1, 0.0], answers=answers)],
                "--no-photos")
    assert "; signs of any DR found; grade 1 (g1)" in page.cards["1"]


def test_the_page_is_whole_in_itself(make, tmp_path):
    page = make([screened(picture(tmp_path / "a.jpg"), explanation={"overlay": str(picture(tmp_path / "maps" / "a.png"))})])
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    script, = page.scripts
    checksum = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{checksum}'"
    assert len(page.pictures["1"]) == 2
    assert not {tag for tag, _ in page.tags} & {"link", "iframe", "object", "embed", "base", "form"}
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in ("href", "srcset", "action", "background", "style")
            assert name != "src" or (tag == "img" and value.startswith("data:image/jpeg;base64,"))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "http" not in re.sub(r'http-equiv="[^"]*"|data:[^"]*', "", text) and "url(" not in text and "@import" not in text


def test_hostile_names_and_texts_stay_texts(make, tmp_path):
    page = make([line(f"private/Anna Karenina/{HOSTILE}", 0.9, warnings=[f"odd: {HOSTILE}"]),
                 error_line(HOSTILE) | {"error": {"code": "io", "message": "</style></script><img src=x onerror=alert(1)>"}},
                 line("\\\\server\\Anna\\c.jpg", 0.1), line("é\ud800.jpg".encode("utf-8", "replace").decode(), 0.1)],
                "--no-photos", "--title", "<b>Ward</b>")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text and "<img src=x" not in text and "<b>Ward" not in text and "\u202e" not in text
    assert len(page.scripts) == 1 and "alert(1)" in page.text and "\\u202e\\n.jpg" in page.text
    assert page.cards["1"].startswith("#1 script>&\"'\\u202e\\n.jpg DR signs found")
    # Of the paths nothing but the names.
    assert "Karenina" not in text and "server" not in text and str(tmp_path) not in text and "#3 c.jpg" in page.cards["3"]


def test_a_path_in_a_message_is_no_path_on_the_page(make, tmp_path):
    path = "/archive/Anna/a.jpg"
    make([error_line(path) | {"error": {"code": "io", "message": f"{path}: is a folder"}}, line("b.jpg", 0.9, warnings=["b.jpg: grey"])],
         "--no-photos")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Anna" not in text and "a.jpg: is a folder" in text


def test_photos_are_small_upright_and_without_what_the_file_says_of_them(make, tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010e] = 6, "Anna Karenina"
    profile = pytest.importorskip("PIL.ImageCms")
    icc = profile.ImageCmsProfile(profile.createProfile("sRGB")).tobytes()
    photo = picture(tmp_path / "a.jpg", (1200, 600), exif=exif, icc_profile=icc, comment=b"Anna Karenina", dpi=(300, 300))
    assert photo.read_bytes().count(b"Anna Karenina") == 2
    small, = make([screened(photo)]).pictures["1"]
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (160, 320) and not image.getexif() and set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"Anna" not in small and b"ICC" not in small and b"Exif" not in small


@pytest.mark.parametrize("mode, value, expected", [
    ("I;16", 0x8040, (0x80,) * 3), ("I;16", 0xffff, (255,) * 3), ("L", 77, (77,) * 3), ("RGBA", (200, 100, 50, 0), (0, 0, 0)),
    ("RGBA", (200, 100, 50, 128), (100, 50, 25)), ("LA", (200, 0), (0, 0, 0)), ("RGB", (9, 90, 200), (9, 90, 200)),
])
def test_pictures_of_every_kind_look_as_the_engine_sees_them(make, tmp_path, mode, value, expected):
    Image.new(mode, (64, 64), value).save(tmp_path / "a.png")
    small, = make([screened(tmp_path / "a.png")]).pictures["1"]
    with Image.open(io.BytesIO(small)) as image:
        assert image.getpixel((32, 32)) == pytest.approx(expected, abs=4)


def test_only_the_very_photo_that_was_screened_is_shown(make, tmp_path, capsys):
    photo = picture(tmp_path / "there" / "a.jpg")
    other = picture(tmp_path / "elsewhere" / "a.jpg", colour=(0, 90, 0))
    shown = {"as the results say": (screened(photo), ()), "below the results": (screened(photo, name="/gone/there/a.jpg"), ()),
             "by its checksum among others": (screened(photo, name="x/a.jpg"), ("--photos", tmp_path / "there")),
             "the last parts that fit": (screened(photo, name="/gone/there/a.jpg"), ("--photos", tmp_path))}
    for what, (one, options) in shown.items():
        assert len(make([one], *options).pictures["1"]) == 1, what
    for one, options in (((screened(photo, name=other)), ()), (screened(photo), ("--photos", other.parent))):
        page = make([one], *options, status=3)
        assert "1" not in page.pictures and "photo not shown: the file is not the one that was screened" in page.cards["1"]
    assert "the file was not found" in make([screened(photo, name="b.jpg")], status=3).cards["1"]
    assert "the results have no checksum" in make([line(photo, image=None)], status=3).cards["1"]
    assert "fovea-report: " in capsys.readouterr().err
    # A name that leads out of the folder, pipes and devices are not opened.
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("../results.jsonl", "/dev/zero", str(tmp_path / "pipe.jpg"), "a\0.jpg", "x" * 5000):
        make([line(name)], "--photos", tmp_path / "there", status=3)
        make([line(name)], status=3)


def test_a_photo_that_cannot_be_decoded_is_told(make, tmp_path):
    damaged = tmp_path / "a.jpg"
    damaged.write_bytes(b"\xff\xd8\xff\xe0 nothing more")
    assert "photo not shown: " in make([screened(damaged)], status=3).cards["1"]
    (tmp_path / "b.jpg").write_text("no picture")
    assert "photo not shown: it is no picture that can be read" in make([screened(tmp_path / "b.jpg")], status=3).cards["1"]
    # What could not be read when it was screened is no news.
    assert "1" not in make([screened(damaged, None, **{key: error_line("a")[key] for key in ("status", "error", "quality", "result")})]).pictures


def test_heat_maps(make, tmp_path):
    photo = picture(tmp_path / "a.jpg", (1200, 800))
    picture(tmp_path / "maps" / "a.png", (600, 400), (0, 0, 200))
    picture(tmp_path / "maps" / "square.png", (400, 400))
    (tmp_path / "maps" / "damaged.png").write_bytes(b"\x89PNG")
    page = make([screened(photo, explanation={"overlay": "maps/a.png"})])
    plain, overlay = (Image.open(io.BytesIO(data)) for data in page.pictures["1"])
    assert plain.size == overlay.size == (320, 213) and overlay.getpixel((9, 9))[2] > 150
    assert any(tag == "input" and attributes.get("type") == "range" for tag, attributes in page.tags) and "Heat map" in page.text
    assert len(make([screened(photo, explanation={"overlay": "/tmp/x/a.png"})], "--maps", tmp_path / "maps").pictures["1"]) == 2
    for overlay, cause in (("maps/square.png", "another shape"), ("maps/gone.png", "not found"), ("maps/damaged.png", "no picture"),
                           ("../" + tmp_path.name + "/maps/a.png", "not found"), ("/dev/zero", "not found")):
        page = make([screened(photo, explanation={"overlay": overlay})], status=3)
        assert len(page.pictures["1"]) == 1 and "heat map not shown: " in page.cards["1"] and cause in page.cards["1"]
    for other in (None, [], {"method": "gradient"}, "x"):
        assert len(make([screened(photo, explanation=other)]).pictures["1"]) == 1


@pytest.mark.parametrize("photos, verdict, why", [
    ({"left": 0.1, "right": 0.9}, "DR signs found", "in at least one photo"),
    ({"left": 0.1, "right": 0.2}, "no DR signs found", "each eye has one that can be graded"),
    ({"left": 0.1, "right": None}, "not gradable", "no other photo has signs"),
    ({"left": 0.9, "right": None}, "DR signs found", "in at least one photo"),
    ({"left": None, "right": None}, "not gradable", "an eye has no photo that can be graded"),
    ({"left": 0.1, "left_2": None, "right": 0.1}, "no DR signs found", "in any photo"),
    ({"right": 0.1}, "no DR signs found", "There is no photo of the left eye: the result is about one eye alone"),
])
def test_a_patient(make, photos, verdict, why):
    others = [line("8_left.jpg", 0.9), line("IMG_9.jpg", 0.9)]
    page = make([*(line(f"in/7_{eye}.jpg", score) for eye, score in photos.items()), *others], "--patient", "7", "--no-photos")
    words = " ".join(page.text.split())
    assert f"Patient 7 {verdict} " in words and why in words and "8_left" not in page.text and "IMG_9" not in page.text
    # The right eye first, as one sees it who looks at a person.
    eyes = [re.search(r"patient 7, (left|right) eye", card)[1] for card in page.cards.values()]
    assert eyes == sorted(eyes, reverse=True) and len(eyes) == len(photos)


def test_an_eye_that_could_not_be_read_is_not_gradable(make):
    page = make([line("7_left.jpg", 0.1), error_line("7_right.jpg")], "--patient", "7", "--no-photos")
    assert "Patient 7 not gradable" in " ".join(page.text.split())


def test_patients_by_a_table(make, tmp_path, capsys):
    table = tmp_path / "who.csv"
    table.write_text('File;Patient;Eye\nward/a.jpg;"Anna <K.>";OD\nb;Anna <K.>;OS\nother/a.jpg;Boris;left\n', encoding="utf-8")
    lines = [line("/x/ward/a.jpg", 0.9), line("b.png", 0.1), line("/x/other/a.jpg", 0.1), line("7_left.jpg", 0.1)]
    page = make(lines, "--patients", table, "--patient", "Anna <K.>", "--no-photos")
    assert [re.search(r"#\d \S+", card)[0] for card in page.cards.values()] == ["#1 a.jpg", "#2 b.png"]
    assert "patient Anna <K.>, right eye" in page.cards["1"]
    batch = make(lines, "--patients", table, "--no-photos")
    assert "patient Boris, left eye" in batch.cards["3"] and "patient" not in batch.cards["4"]
    source = str(tmp_path / "results.jsonl")
    for text, expected in (("file,who\na,b\n", "needs a column file"), ("file,patient\na,\n", "who.csv:2: the photo's or the patient's cell is empty"),
                           ("file,patient\na,b\na,c\n", "who.csv:3: 'a' was listed before"), ("file,patient,eye\na,b,7\n", "eye '7' is neither")):
        table.write_text(text)
        assert command.main([source, "-o", str(tmp_path / "p.html"), "--patients", str(table)]) == 1
        assert expected in capsys.readouterr().err and not (tmp_path / "p.html").exists()


def test_an_unknown_patient_is_refused(make, tmp_path, capsys):
    make([line(f"{n}_left.jpg", 0.1) for n in range(20)], "--no-photos")
    source = str(tmp_path / "results.jsonl")
    assert command.main([source, "-o", str(tmp_path / "p.html"), "--patient", "99"]) == 1
    assert "no photo is known to be of a patient '99'. There are: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 10 more" in capsys.readouterr().err
    make([line("a.jpg", 0.1)], "--no-photos")
    assert command.main([source, "-o", str(tmp_path / "p.html"), "--patient", "99"]) == 1
    assert "give a table with --patients" in capsys.readouterr().err


def test_two_people_of_one_name_are_not_taken_for_one(make, tmp_path, capsys):
    lines = [line("a/ward1/7_left.jpg", 0.1), line("a/ward1/7_right.jpg", 0.1), line("a/ward2/7_left.jpg", 0.9), line("b/8/OD.jpg", 0.2), line("b/8/OS.jpg", 0.3)]
    page = make(lines, "--patient", "ward1/7", "--no-photos")
    assert "Patient 7 no DR signs found" in " ".join(page.text.split()) and len(page.cards) == 2
    assert len(make(lines, "--patient", "8", "--no-photos").cards) == len(make(lines, "--patient", "b/8", "--no-photos").cards) == 2
    assert command.main([str(tmp_path / "results.jsonl"), "-o", str(tmp_path / "p.html"), "--patient", "7"]) == 1
    assert "2 folders are of a patient '7', who may be several people: say which with FOLDER/7" in capsys.readouterr().err
    assert command.main([str(tmp_path / "results.jsonl"), "-o", str(tmp_path / "p.html"), "--patient", "d1/7"]) == 1


def test_a_page_has_a_largest_size(make, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "MOST_PICTURES", 2)
    lines = [line(f"{n}.jpg", 0.1) for n in range(3)]
    assert len(make(lines, "--no-photos").cards) == 3
    assert command.main([str(tmp_path / "results.jsonl"), "-o", str(tmp_path / "p.html")]) == 1
    assert "3 photos are too many for one page (2)" in capsys.readouterr().err


def test_paths_without_end_are_not_followed(make, tmp_path):
    # Quadratic work over half a million folders would take minutes.
    for name in ("a/" * 200000 + "b.jpg", "x" * 5000, "a/" * 2000 + "b.jpg"):
        page = make([line(name, 0.1, explanation={"overlay": name})], status=3)
        assert "the file was not found" in page.cards["1"]


def test_what_the_detector_was_never_tested_on(make, tmp_path):
    shipped = REPOSITORY / "models" / "detectors" / "small224" / "small224.fovea"
    model = {"name": "small224", "sha256": hashlib.sha256(shipped.read_bytes()).hexdigest(), "dtype": "fp32", "preset": "p"}
    page = make([line("a.jpg", 0.1, model=model)], "--no-photos", "--model", shipped)
    words = " ".join(page.text.split())
    assert "trained on aptos: 2,530 to train" in words and "Photos by smartphone adapters, ultra-wide-field" in words
    assert "reached .869 (.902) on all 408 photos of IDRiD" in words and "Unknown:" not in words
    assert "Unknown: neither the results nor a model card" in make([line("a.jpg", 0.1)], "--no-photos").text
    # Without a card beside it.
    copy = tmp_path / "copy.fovea"
    copy.write_bytes(shipped.read_bytes())
    assert "Unknown:" in make([line("a.jpg", 0.1, model=model)], "--no-photos", "--model", copy).text
    (tmp_path / "copy.md").write_text("# x\n## Never tested\n\n- `one` <b>\n  goes on\n* two\n\nA paragraph\nof two lines.\n\n## Licence\n\n- no\n")
    make([line("a.jpg", 0.1, model=model)], "--no-photos", "--model", copy)
    section = (tmp_path / "page.html").read_text(encoding="utf-8").partition("Never tested on")[2].partition("What the words")[0]
    assert re.findall("<li>(.*?)</li>", section) == ["one &lt;b&gt; goes on", "two", "A paragraph of two lines."]


def test_another_model_or_a_damaged_one_is_refused(make, tmp_path, capsys):
    make([line("a.jpg", 0.1)], "--no-photos")
    shipped = REPOSITORY / "models" / "detectors" / "small224" / "small224.fovea"
    source, out = str(tmp_path / "results.jsonl"), str(tmp_path / "p.html")
    assert command.main([source, "-o", out, "--model", str(shipped)]) == 1
    assert "no photo by a model" in capsys.readouterr().err
    bad = tmp_path / "bad.fovea"
    bad.write_bytes(b"FOVEA nothing")
    make([line("a.jpg", 0.1, model={"name": "m", "sha256": hashlib.sha256(bad.read_bytes()).hexdigest()})], "--no-photos")
    assert command.main([source, "-o", out, "--model", str(bad), "--no-photos"]) == 1
    assert "bad.fovea: not a .fovea file" in capsys.readouterr().err
    # Results of two models are one page of the one that is chosen.
    write_lines(tmp_path / "results.jsonl", [line("a.jpg", 0.1), line("b.jpg", 0.1, model={"name": "m", "sha256": "cd" * 32})])
    assert command.main([source, "-o", out, "--no-photos"]) == 1
    assert "photos by 2 models or settings in one file; choose one model with --model" in capsys.readouterr().err


def test_lines_that_come_again_and_lines_cut_off(make, tmp_path, capsys):
    page = make([error_line("a.jpg"), line("b.jpg", 0.1), line("a.jpg", 0.9)], "--no-photos")
    assert list(page.cards) == ["1", "2"] and "DR signs found" in page.cards["1"] and "1 lines of the results" in page.text
    (tmp_path / "cut.jsonl").write_text(json.dumps(line("a.jpg")) + "\n" + json.dumps(line("b.jpg"))[:80])
    assert command.main([str(tmp_path / "cut.jsonl"), "-o", str(tmp_path / "p.html"), "--no-photos"]) == 0
    assert "the last line was cut off" in capsys.readouterr().err


def test_the_same_input_gives_the_same_bytes(make, tmp_path):
    lines = [screened(picture(tmp_path / f"{n}.jpg", (300 + n, 200)), 0.1 * n) for n in range(5)]
    make(lines)
    first = (tmp_path / "page.html").read_bytes()
    done = run_program(tmp_path / "results.jsonl", "-o", tmp_path / "page.html")
    assert done.returncode == 0 and (tmp_path / "page.html").read_bytes() == first


def run_program(*arguments, code="from fovea_tools.commands.report import main\nsys.exit(main(sys.argv[1:]))", blocked=(), **options):
    block = "import sys\n" + "".join(f"sys.modules[{module!r}] = None\n" for module in blocked)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "converter"), "PYTHONHASHSEED": "random"}
    return subprocess.run([sys.executable, "-c", block + code, *map(str, arguments)], capture_output=True, text=True, env=environment,
                          timeout=300, **options)


@pytest.mark.parametrize("arguments", [
    [], ["r.jsonl"], ["r.jsonl", "-o"], ["r.jsonl", "-o", "p.html", "--frobnicate"], ["r.jsonl", "-o", "r.jsonl"],
    ["r.jsonl", "-o", "p.html", "--no-photos", "--photos", "."], ["r.jsonl", "-o", "p.html", "--photos", "none"],
    ["r.jsonl", "-o", "p.html", "--patient", ""], ["r.jsonl", "-o", "p.html", "--maps", "none"], ["r.jsonl", "-o", "t.csv", "--patients", "t.csv"],
    ["r.jsonl", "s.jsonl", "-o", "p.html"], ["r.jsonl", "-o", "-"], ["r.jsonl", "-o", "p.html", "--model", "/dev/zero"],
])
def test_wrong_usage_is_status_2(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "r.jsonl", [line("a.jpg")])
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2 and "usage: fovea-report" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.jsonl"]


def test_failures_are_one_line_and_status_1(tmp_path, capsys):
    source, out = str(write_lines(tmp_path / "r.jsonl", [line("a.jpg")])), str(tmp_path / "p.html")
    (tmp_path / "odd.jsonl").write_text('{"file": 7}\n')
    for arguments, expected in (
            ([str(tmp_path / "none.jsonl"), "-o", out], "none.jsonl: No such file"), ([str(tmp_path / "odd.jsonl"), "-o", out], "odd.jsonl:1: file should be"),
            ([source, "-o", str(tmp_path / "no" / "p.html"), "--no-photos"], "cannot be written"), ([source, "-o", str(tmp_path), "--no-photos"], "cannot be written"),
            ([source, "-o", out, "--model", str(tmp_path / "none.fovea")], "none.fovea: No such file"),
            ([source, "-o", out, "--patients", str(tmp_path / "none.csv")], "none.csv: No such file")):
        assert command.main(arguments) == 1
        error = capsys.readouterr().err
        assert error.startswith("fovea-report: ") and error.count("\n") == 1 and expected in error
    assert not (tmp_path / "p.html").exists()


@pytest.mark.parametrize("module", ["jinja2", "PIL"])
def test_a_missing_library_is_named_with_the_cure(tmp_path, module):
    done = run_program(write_lines(tmp_path / "r.jsonl", [line("a.jpg")]), "-o", tmp_path / "p.html", blocked=[module])
    assert done.returncode == 1 and f"fovea-report: {module} is missing" in done.stderr and "Traceback" not in done.stderr


def test_help_needs_no_library_and_a_page_no_statistics(tmp_path):
    done = run_program("--help", blocked=["jinja2", "PIL", "sklearn", "scipy", "matplotlib"])
    assert done.returncode == 0 and "examples:" in done.stdout and "Exit status: 0 done" in done.stdout
    source = write_lines(tmp_path / "r.jsonl", [screened(picture(tmp_path / "a.jpg"))])
    done = run_program(source, "-o", tmp_path / "p.html", blocked=["sklearn", "scipy", "matplotlib"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_bar_where_a_person_looks_and_the_work_is_long(tmp_path):
    photo = picture(tmp_path / "a.jpg")
    for count, expected in ((60, True), (3, False)):
        source = write_lines(tmp_path / "r.jsonl", [screened(photo, name=f"{n}/{photo.name}") for n in range(count)])
        ours, theirs = pty.openpty()
        code = "import sys; from fovea_tools.commands.report import main; sys.exit(main(sys.argv[1:]))"
        process = subprocess.Popen([sys.executable, "-c", code, source, "-o", tmp_path / "p.html"], stderr=theirs, stdout=subprocess.DEVNULL,
                                   env={**os.environ, "PYTHONPATH": str(REPOSITORY / "converter")})
        os.close(theirs)
        said = b""
        try:
            while data := os.read(ours, 4096):
                said += data
        except OSError:  # Linux says so when the other end is closed
            pass
        os.close(ours)
        assert process.wait(60) == 0
        assert (b"] 30/60 photos" in said) == expected and (expected or said == b"")


def test_the_results_of_the_program(fovea_binary, tmp_path):
    program = shlex.split(os.environ.get("FOVEA_WRAPPER", "")) + [fovea_binary]
    model = REPOSITORY / "models" / "detectors" / "small224" / "small224.fovea"
    done = subprocess.run([*program, "screen", "--model", str(model), "--format", "jsonl", "--output", str(tmp_path / "r.jsonl"), str(PHOTOS)],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert command.main([str(tmp_path / "r.jsonl"), "-o", str(tmp_path / "p.html"), "--model", str(model)]) == 0
    page = Page((tmp_path / "p.html").read_text(encoding="utf-8"))
    results = [json.loads(text) for text in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert len(page.cards) == len(page.pictures) == len(results) == 3
    for card, result in zip(page.cards.values(), results):
        assert os.path.basename(result["file"]) in card and f"{100 * result['probabilities'][1]:.2f} %" in card
        assert ("#" in card) and (" DR signs found" in card) == (result["result"] in ("dr_signs_found", "no_dr_signs_found"))
    assert str(PHOTOS) not in page.text and THRESHOLD != results[0]["operating_point"]["threshold"]
