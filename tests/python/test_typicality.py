# SPDX-License-Identifier: Apache-2.0
"""Typicality: the fit against scikit-learn and stored figures, fovea-typicality, and what fovea screen then tells."""
import json

import numpy as np
import pytest
from cli_helpers import BINARY, SAMPLES, SIDE, fovea, fovea_ok, jsonl, needs_binary, tiny_model
from PIL import Image

pytest.importorskip("sklearn")
from fovea_tools.commands.typicality import main  # noqa: E402
from fovea_tools.file import fovea_file  # noqa: E402
from fovea_tools.file.fovea_file import read_sections  # noqa: E402
from fovea_tools.file.typicality import read_typicality  # noqa: E402
from fovea_tools.typicality import statistics  # noqa: E402

COUNT = 120
TAPS = ("mean", "block/conv")  # of the tiny model: a vector and a map


def some_features(seed, count=300, dimension=12):
    random = np.random.default_rng(seed)
    classes = random.integers(0, 2, count)
    return random.normal(size=(count, dimension)) @ random.normal(size=(dimension, dimension)) + 2.0 * classes[:, None], classes


def dense_scores(features, means, covariance):
    inverse = np.linalg.inv(covariance)
    away = features[:, None, :] - np.asarray(means)[None]
    return (-0.5 * np.einsum("ncd,de,nce->nc", away, inverse, away)).max(axis=1)


def test_the_fit_is_scikit_learns():
    """Class means, the covariance of what is left, shrunk as LedoitWolf does it."""
    from sklearn.covariance import LedoitWolf
    features, classes = some_features(0)
    means = np.stack([features[classes == one].mean(axis=0) for one in (0, 1)])
    reference = LedoitWolf(assume_centered=True).fit(features - means[classes])
    gaussian = statistics.fit(features, classes)
    assert gaussian.shrinkage == pytest.approx(reference.shrinkage_, abs=1e-12)
    other = some_features(1)[0] * 3
    np.testing.assert_allclose(gaussian.score(other), dense_scores(other, means, reference.covariance_), rtol=1e-5)


def test_directions_left_out_share_one_variance():
    """Of many features some directions are stored: the score is that of the covariance with the others' mean variance."""
    features, classes = some_features(2)
    whole, part = statistics.fit(features, classes), statistics.fit(features, classes, most_directions=5)
    assert len(part.variances) == 5 and part.rest_variance == pytest.approx(whole.variances[5:].mean(), rel=1e-5)
    kept = part.directions.astype(np.float64)
    covariance = (kept.T * part.variances) @ kept + part.rest_variance * (np.eye(12) - kept.T @ kept)
    np.testing.assert_allclose(part.score(features), dense_scores(features, part.means, covariance), rtol=1e-4)


def test_a_layer_without_any_variance_is_refused():
    from fovea_tools.errors import CalibrationError
    with pytest.raises(CalibrationError, match="tells nothing"):
        statistics.fit(np.ones((40, 3)), np.arange(40) % 2)


def test_the_relative_score_is_the_difference_of_two():
    """On made features: against the dense formula with scikit-learn's covariances, and what both find far away."""
    from fovea_tools.typicality import comparison
    from sklearn.covariance import LedoitWolf
    features, classes = some_features(3)
    aside, other = some_features(4)[0], some_features(4)[0] + 40
    found = comparison.scores([features], classes, {"aside": [aside], "other": [other]})
    means = np.stack([features[classes == one].mean(axis=0) for one in (0, 1)])
    by_class = LedoitWolf(assume_centered=True).fit(features - means[classes]).covariance_
    everything = LedoitWolf(assume_centered=True).fit(features - features.mean(axis=0)).covariance_
    expected = dense_scores(aside, means, by_class)
    np.testing.assert_allclose(found["Mahalanobis"]["aside"][0], expected, rtol=1e-5)
    np.testing.assert_allclose(found["relative Mahalanobis"]["aside"][0], expected - dense_scores(aside, [features.mean(axis=0)], everything), atol=1e-4)
    told = comparison.compared([features], classes, [aside], {"same": [aside], "other": [other]}, (0.05, 0.01))
    assert told["Mahalanobis"]["other"]["auc"] > 0.99 and told["Mahalanobis"]["other"]["rejected"] == 1
    for name in comparison.SCORES:
        assert told[name]["same"]["auc"] == pytest.approx(0.5) and told[name]["same"]["atypical"] <= 0.05
    assert comparison.markdown(told).count("\n| ") == 4


@pytest.mark.parametrize("tap", ["f64", "fmid40", "fmid96"])
def test_stored_figures_of_a_real_network(fovea_data, tap):
    folder = fovea_data / "golden" / "mahalanobis"
    expected = json.loads((folder / "expected.json").read_text())["taps"][tap]
    stored = np.load(folder / "features.npz")
    gaussian = statistics.fit(stored[f"{tap}_fit"].astype(np.float64), stored["labels_fit"])
    assert gaussian.shrinkage == pytest.approx(expected["lambda_used"], abs=1e-8)
    for side in ("cal", "nat"):
        np.testing.assert_allclose(gaussian.score(stored[f"{tap}_{side}"].astype(np.float64)), stored[f"{tap}_score_{side}"], rtol=2e-6)
    scores = np.sort(gaussian.score(stored[f"{tap}_cal"].astype(np.float64)))
    assert scores[int(0.05 * len(scores))] == pytest.approx(expected["tau_tpr95"], rel=2e-6)


def pictures(folder, count=COUNT):
    """Prepared pictures, plain blue as no eye is, and their labels."""
    random = np.random.default_rng(5)
    folder.mkdir()
    rows = ["file,dr"]
    for number in range(count):
        ill = number % 2
        picture = random.normal([20, 80 + 20 * ill, 200], 12, (SIDE, SIDE, 3)) + random.normal(0, 4, 3)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / f"p{number}.png")
        rows.append(f"p{number},{ill}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model, pictures with results, and the model with statistics."""
    if not BINARY:
        pytest.skip("FOVEA_BINARY names no program to test")
    folder = tmp_path_factory.mktemp("typicality")
    model, photos = folder / "tiny.fovea", pictures(folder / "photos")
    model.write_bytes(fovea_file.write_fovea(tiny_model()))
    files = sorted(path.name for path in photos.glob("*.png"))
    results = jsonl(fovea_ok("run", "--model", model, *(photos / name for name in files)))
    (folder / "results.jsonl").write_text("".join(json.dumps({**one, "file": name}) + "\n" for one, name in zip(results, files)))
    assert main(arguments(folder)) == 0
    return folder


def arguments(folder, **changes):
    options = {"photos": folder / "photos", "fovea": BINARY, "taps": ",".join(TAPS),
               "output": folder / "fitted.fovea", **changes}
    listed = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return [str(part) for part in (folder / "tiny.fovea", folder / "results.jsonl", folder / "photos" / "labels.csv", "--prepared", "--quiet",
                                   *listed)]


@needs_binary
def test_only_the_statistics_change_and_the_same_photos_give_the_same_bytes(fitted):
    before, after = (read_sections((fitted / name).read_bytes()) for name in ("tiny.fovea", "fitted.fovea"))
    assert set(after) == {*before, "TYPI"}
    assert {tag for tag in before if before[tag] != after[tag]} == {"STRS", "PROV"}
    assert main(arguments(fitted, output=fitted / "again.fovea")) == 0
    assert (fitted / "again.fovea").read_bytes() == (fitted / "fitted.fovea").read_bytes()
    found = read_typicality(after["TYPI"])
    assert found.input_size == (SIDE, SIDE) and found.limits == (0.05, 0.01)
    assert 20 <= len(found.sorted_shares) < COUNT / 2 and len(found.taps[0].means) == 2
    # Fitted again: the statistics are replaced in their place.
    assert main([str(fitted / "fitted.fovea"), *arguments(fitted, output=fitted / "twice.fovea")[1:]]) == 0
    assert (fitted / "twice.fovea").read_bytes() == (fitted / "fitted.fovea").read_bytes()


@needs_binary
def test_the_engine_gives_the_score_that_the_statistics_say(fitted, tmp_path):
    """Through the whole program: the tap's mean of the photo that the network sees, scored here and there."""
    model, photo = fitted / "fitted.fovea", SAMPLES[0]
    seen = jsonl(fovea_ok("screen", "--force", "--format", "jsonl", "--model", model, photo))[0]
    fovea_ok("preprocess", "--model", model, photo, tmp_path / "seen.png")
    fovea_ok("run", "--model", model, "--taps", ",".join(TAPS), "--dump", tmp_path / "taps", tmp_path / "seen.png")
    index = json.loads((tmp_path / "taps" / "index.json").read_text())
    assert [tap["name"] for tap in index["taps"]] == list(TAPS)
    found = read_typicality(read_sections(model.read_bytes())["TYPI"])
    outcomes = []
    for tap, part in zip(index["taps"], found.taps):
        features = np.load(tmp_path / "taps" / tap["file"]).astype(np.float64).mean(axis=(0, 1))
        gaussian = statistics.Gaussian(part.means, part.directions, part.variances, part.rest_variance, 0.0)
        score = gaussian.score(features[None])
        outcomes.append((statistics.shares_below(part.sorted_scores, score)[0], score[0]))
    least = min(outcomes, key=lambda outcome: outcome[0])  # the first of equals, as the engine's
    assert seen["typicality"]["score"] == pytest.approx(least[1], rel=1e-9)
    share = statistics.shares_below(found.sorted_shares, np.array([least[0]]))[0]
    assert seen["typicality"]["percentile"] == pytest.approx(100 * share, abs=1e-4)


@needs_binary
def test_a_photo_unlike_the_known_ones_gets_no_result_but_by_force(fitted):
    """The statistics are of blue squares: no photo of an eye is like them."""
    model, photo = fitted / "fitted.fovea", SAMPLES[0]
    stopped = fovea("screen", "--format", "jsonl", "--model", model, photo)
    (result,) = jsonl(stopped.stdout)
    assert (result["status"], result["result"], result["typicality"]["verdict"]) == ("not_gradable", "not_gradable", "reject")
    assert result["quality"]["verdict"] != "reject" and result["logits"] is not None
    text = fovea("screen", "--model", model, photo).stdout
    assert "unlike the photos that the detector knows" in text and "signs found" not in text
    (forced,) = jsonl(fovea_ok("screen", "--force", "--format", "jsonl", "--model", model, photo))
    assert forced["status"] == "ok" and forced["typicality"]["verdict"] == "reject" and forced["warnings"][0].startswith("forced:")
    header, row = fovea("screen", "--format", "csv", "--model", model, photo).stdout.splitlines()[:2]
    cells = dict(zip(header.lstrip("\ufeff").split(","), row.split(",")))
    assert cells["typicality"] == "reject" and float(cells["typicality_percentile"]) < 1
    (plain,) = jsonl(fovea_ok("screen", "--format", "jsonl", "--model", fitted / "tiny.fovea", photo))
    assert plain["typicality"] is None


@needs_binary
@pytest.mark.parametrize("changes, status, message", [
    ({"taps": "nowhere"}, 2, "no layer of that name"),
    ({"taps": None}, 2, "name some"),
    ({"fovea": "/nowhere/fovea"}, 1, "/nowhere/fovea"),
    ({"photos": "/nowhere"}, 1, "/nowhere/p"),
])
def test_refusals_name_the_cause(fitted, capsys, changes, status, message):
    assert main(arguments(fitted, **{"output": fitted / "none.fovea", **changes})) == status
    assert message in capsys.readouterr().err
    assert not (fitted / "none.fovea").exists()


@needs_binary
def test_too_few_photos_are_refused(fitted, capsys, tmp_path):
    few = tmp_path / "few.jsonl"
    few.write_text("".join((fitted / "results.jsonl").read_text().splitlines(True)[:30]))
    listed = arguments(fitted, output=tmp_path / "none.fovea")
    assert main([listed[0], str(few), *listed[2:]]) == 1
    assert "photos to" in capsys.readouterr().err and not (tmp_path / "none.fovea").exists()


def test_a_file_is_never_its_own_result(tmp_path):
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "a.fovea"), "r.jsonl", "labels.csv", "-o", str(tmp_path / "a.fovea")])
    assert stopped.value.code == 2


def test_what_is_no_model_is_said(tmp_path, capsys):
    (tmp_path / "a.fovea").write_bytes(b"no model")
    assert main([str(tmp_path / "a.fovea"), "r.jsonl", "labels.csv", "-o", str(tmp_path / "b.fovea")]) == 4
    assert "a.fovea" in capsys.readouterr().err


@needs_binary
def test_the_command_compares_with_folders_of_other_photos(fitted, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    for number in range(6):
        Image.new("RGB", (SIDE, SIDE), (200, 30 * number, 20)).save(other / f"o{number}.png")
    assert main([*arguments(fitted, output=tmp_path / "again.fovea"), "--compare", f"red={other}", "--compare-limit", "5"]) == 0
    told = capsys.readouterr().out
    assert "| red | 5 | Mahalanobis | " in told and " | 100.0 | 100.0 |" in told and "| red | 5 | relative Mahalanobis |" in told
    assert (tmp_path / "again.fovea").read_bytes() == (fitted / "fitted.fovea").read_bytes()
    for wrong in ("red", f"fit={other}", f"={other}", f"red={tmp_path / 'gone'}"):
        assert main([*arguments(fitted, output=tmp_path / "x.fovea"), "--compare", wrong]) == 2
