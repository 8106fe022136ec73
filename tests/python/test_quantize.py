# SPDX-License-Identifier: Apache-2.0
"""fovea-quantize: what it makes of a network, that the same photos give the same bytes, what it refuses."""
import json
import pathlib

import numpy as np
import pytest
from cli_helpers import BINARY, ROOT, SAMPLES, SIDE, WRAPPER, fovea, fovea_ok, needs_binary, tiny_model

Image = pytest.importorskip("PIL.Image")
from fovea_tools.commands.quantize import main  # noqa: E402
from fovea_tools.file import fovea_file  # noqa: E402
from fovea_tools.file.fovea_file import read_fovea  # noqa: E402
from fovea_tools.quantization import codes, figures, rounding, statistics  # noqa: E402

pytestmark = [needs_binary, pytest.mark.skipif(bool(WRAPPER), reason="the program runs under an emulator")]
SMALL = ROOT / "models" / "detectors" / "small224" / "small224.fovea"


def pictures(folder, count, side, seed=0):
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    for number in range(count):
        coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((side, side), Image.BICUBIC).save(folder / f"p{number:02}.png")
    return folder


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.fovea"
    path.write_bytes(fovea_file.write_fovea(tiny_model()))
    return path


def quantize(model, folder, output, *more):
    return main([str(model), "--photos", str(folder), "-o", str(output), "--fovea", BINARY, "--quiet", "--count", "12", "--fit", "8",
                 "--check", "4", *map(str, more)])


def logits(model, paths):
    lines = fovea_ok("run", "--model", model, *paths).splitlines()
    return np.array([json.loads(text)["logits"] for text in lines])


def test_a_tiny_network_keeps_its_answers_and_gives_the_same_bytes_again(tiny, tmp_path):
    folder = pictures(tmp_path / "photos", 20, SIDE)
    report = tmp_path / "report.json"
    assert quantize(tiny, folder, tmp_path / "a.fovea", "--prepared", "--report", report) == 0
    assert quantize(tiny, folder, tmp_path / "b.fovea", "--prepared") == 0
    assert (tmp_path / "a.fovea").read_bytes() == (tmp_path / "b.fovea").read_bytes()
    assert quantize(tiny, folder, tmp_path / "c.fovea", "--prepared", "--seed", 1) == 0
    assert (tmp_path / "a.fovea").read_bytes() != (tmp_path / "c.fovea").read_bytes()
    paths = sorted(folder.iterdir())
    before, after = logits(tiny, paths), logits(tmp_path / "a.fovea", paths)
    assert np.abs(before - after).max() < 0.02 * np.ptp(before)
    said = json.loads(report.read_text())
    assert said["pictures"] == 4 and said["photos"] == 12 and all(layer["sqnr_db"] > 30 for layer in said["layers"])
    model = read_fovea((tmp_path / "a.fovea").read_bytes())
    assert model.codes and model.golden.tolerance == 0
    assert dict(model.provenance)["quantisation_photos"] == "12"
    assert json.loads(fovea_ok("info", "--json", tmp_path / "a.fovea"))["dtype"] == "int8"
    plan = fovea_ok("info", "--plan", tmp_path / "a.fovea")
    assert "conv2d_s16s8" in plan and " u8 " in plan


def test_the_shipped_small_detector_on_few_photos(tmp_path, capsys):
    """Real photos through the model's own preset; far too few of them, so that the bound is wide."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, sample in enumerate(SAMPLES):
        photo = Image.open(sample)
        for turn in range(4):
            photo.rotate(90 * turn, expand=True).save(folder / f"{number}_{turn}.png")
    output = tmp_path / "small_int8.fovea"
    assert quantize(SMALL, folder, output, "--nearest") == 0
    assert "statistics of typical photos are of its floats and are left out" in capsys.readouterr().err
    assert output.stat().st_size < 0.4 * SMALL.stat().st_size
    answers = {}
    for isa in ("scalar", None):
        text = fovea_ok("run", "--model", output, *(["--isa", isa] if isa else []), *[str(p) for p in small_pictures(tmp_path, output)])
        answers[isa] = text
    assert answers["scalar"] == answers[None]
    before, after = logits(SMALL, small_pictures(tmp_path, SMALL)), logits(output, small_pictures(tmp_path, SMALL))
    assert np.abs((before - after) @ [-1, 1]).max() < 1.0
    assert "largest logit difference 0\n" in fovea_ok("selftest", output)
    assert "largest logit difference 0\n" in fovea_ok("selftest", "--isa", "scalar", "--threads", 3, output)


def small_pictures(folder, model):
    paths = []
    for sample in SAMPLES:
        path = folder / f"seen_{pathlib.Path(sample).stem}.png"
        if not path.exists():
            fovea_ok("preprocess", "--model", model, sample, path)
        paths.append(path)
    return paths


def test_layers_can_be_kept_in_floats(tiny, tmp_path):
    folder = pictures(tmp_path / "photos", 20, SIDE)
    name = next(name for name, node in read_fovea(tiny.read_bytes()).names
                if fovea_file.NODE_KINDS[read_fovea(tiny.read_bytes()).nodes[node].kind] == "convolution")
    assert quantize(tiny, folder, tmp_path / "a.fovea", "--prepared", "--keep", f"{name}=fp32") == 0
    model = read_fovea((tmp_path / "a.fovea").read_bytes())
    kinds = {fovea_file.NODE_KINDS[model.nodes[entry.node].kind] for entry in model.codes}
    assert kinds == {"dense"}
    paths = sorted(folder.iterdir())
    assert np.abs(logits(tiny, paths) - logits(tmp_path / "a.fovea", paths)).max() < 0.02 * np.ptp(logits(tiny, paths))


def test_layers_get_more_bits_until_the_error_is_small_enough(tiny, tmp_path, capsys):
    folder = pictures(tmp_path / "photos", 20, 224)

    def made(name, model, folder, most):
        """The report, and the codes' types."""
        output, report = tmp_path / f"{name}.fovea", tmp_path / f"{name}.json"
        assert quantize(model, folder, output, "--prepared", "--precision", "fast", "--nearest", "--fit", "2", "--check", "8",
                        "--most-error", most, "--report", report) == 0
        return json.loads(report.read_text()), [entry.code_type for entry in read_fovea(output.read_bytes()).codes]

    loose, few = made("loose", SMALL, folder, 900)
    assert [step["then_16_bits"] for step in loose["widening"]] == [[]] and loose["pictures"] == 4, "half of them steered"
    first = loose["widening"][0]["margin_rms_error"]
    close, more = made("close", SMALL, folder, 0.7 * first)
    rounds = close["widening"]
    assert rounds[0]["margin_rms_error"] == first and 1 <= len(rounds[0]["then_16_bits"]) <= 3
    assert rounds[-1]["margin_rms_error"] <= 0.7 * first and all(step["margin_rms_error"] > 0.7 * first for step in rounds[:-1])
    widened = sum(len(step["then_16_bits"]) for step in rounds)
    assert more.count(fovea_file.CODES_S16) >= few.count(fovea_file.CODES_S16) + widened > few.count(fovea_file.CODES_S16)
    capsys.readouterr()
    made("never", tiny, pictures(tmp_path / "small", 20, SIDE), 1e-9)
    assert "every layer that may has inputs of 16 bits" in capsys.readouterr().err


def test_the_page_says_what_the_report_does(tiny, tmp_path):
    folder = pictures(tmp_path / "photos", 20, SIDE)
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    assert quantize(tiny, folder, tmp_path / "a.fovea", "--prepared", "--page", page, "--report", report) == 0
    said, text = json.loads(report.read_text()), page.read_text()
    assert text.startswith("<!DOCTYPE html>") and "http" not in text.replace("http-equiv", "")
    for layer in said["layers"]:
        low, high = layer["range"]
        assert low <= 0 <= high and layer["layer"] in text and f"<td>{layer['sqnr_db']:.1f}</td>" in text and f"<td>{low}</td><td>{high}</td>" in text
    assert f"{said['margin_rms_error']:.4f}" in text and said["model"]["sha256"] in text


def test_as_many_labels_are_expected_to_differ_as_a_normal_error_turns():
    random = np.random.default_rng(0)
    margins, error = random.normal(0, 3, 40000), 0.4
    turned = (margins >= 0) != (margins + random.normal(0, error, margins.shape) >= 0)
    assert figures.expected_flips(margins, error) == pytest.approx(turned.sum(), rel=0.05)
    assert figures.expected_flips(margins, 0.0) == 0


def test_refusals(tiny, tmp_path, capsys):
    folder = pictures(tmp_path / "photos", 20, SIDE)
    done = tmp_path / "done.fovea"
    assert quantize(tiny, folder, done, "--prepared") == 0
    before = done.read_bytes()
    assert quantize(done, folder, tmp_path / "again.fovea", "--prepared") == 1
    assert "made of codes already" in capsys.readouterr().err
    assert quantize(tiny, folder, done, "--prepared", "--keep", "nothing=fp32") == 2
    assert "--keep nothing: the model has no layer of that name" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert quantize(tiny, empty, done, "--prepared") == 1
    assert f"{empty}: no photos" in capsys.readouterr().err
    assert quantize(tiny, pictures(tmp_path / "large", 20, SIDE + 1), done, "--prepared") == 1
    assert f"it is {SIDE + 1}x{SIDE + 1}, not {SIDE}x{SIDE}" in capsys.readouterr().err
    (folder / "p00.png").write_bytes(b"no picture")
    assert quantize(tiny, folder, done, "--prepared", "--seed", 3) == 1
    assert "p00.png" in capsys.readouterr().err
    broken = tmp_path / "broken.fovea"
    broken.write_bytes(tiny.read_bytes()[:-5])
    assert quantize(broken, folder, done, "--prepared") == 4
    assert "broken.fovea" in capsys.readouterr().err
    assert main([str(tiny), "--photos", str(folder), "-o", str(done), "--fovea", str(tmp_path / "none")]) == 1
    assert "--fovea says where the program is" in capsys.readouterr().err
    for arguments in (["-o", str(tiny)], ["-o", str(done), "--fit", "1"], ["-o", str(done), "--keep", "a=int4"],
                      ["-o", str(done), "--page", str(done)], ["-o", str(done), "--most-error", "0"],
                      ["-o", str(done), "--most-error", "1", "--check", "3"]):
        with pytest.raises(SystemExit) as stopped:
            main([str(tiny), "--photos", str(folder), *arguments])
        assert stopped.value.code == 2
    assert done.read_bytes() == before


def test_rounding_keeps_the_pair_rule_and_passes_errors_on():
    random = np.random.default_rng(0)
    mixing = random.normal(size=(24, 24))
    inputs = random.normal(size=(4000, 24)) @ mixing
    weights = random.normal(size=(1, 24, 40))
    weights[0, :2] = 3.0  # a pair that would break the rule
    covariance = np.cov(inputs.T, bias=True)
    scales = rounding.weight_scales(weights, np.zeros(40), True)
    wanted = inputs @ weights[0]
    errors = {}
    for name, matrix in (("nearest", None), ("fitted", covariance)):
        whole = rounding.rounded(weights, scales, matrix, True)[0].astype(int)
        pairs = whole.reshape(12, 2, 40)
        assert np.maximum(pairs, 0).sum(axis=1).max() <= 128 and np.minimum(pairs, 0).sum(axis=1).min() >= -128
        assert np.abs(whole).max() <= 127
        errors[name] = np.square(inputs @ (whole * scales) - wanted).mean()
    assert errors["fitted"] < 0.5 * errors["nearest"]


def test_scales_hold_what_was_seen_and_zero():
    seen = statistics.Range(4)
    seen.add(np.array([[[-1.0, 0.0, 3.0, 0.0], [2.0, 0.0, 5.0, 0.0]]]))
    for bits in (8, 16):
        scale = codes.scale_of(seen, bits)
        first = 0 if bits == 8 else -32768
        assert np.all(scale.zero >= first) and np.all(scale.zero <= first + 2 ** bits - 1)
        assert np.all((first - scale.zero) * scale.scale <= seen.low + scale.scale / 2)
        assert np.all((first + 2 ** bits - 1 - scale.zero) * scale.scale >= seen.high - scale.scale / 2)
    pixels = codes.scale_of_pixels(np.array([2 / 255]), np.array([-1.0]))
    assert np.allclose(pixels.scale, 1 / 255, rtol=1e-6) and pixels.zero[0] == 0
