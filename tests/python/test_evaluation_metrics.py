# SPDX-License-Identifier: Apache-2.0
"""fovea-evaluate's figures: equal to the reference figures, to scikit-learn, to definitions written out, and to cases done by hand."""
import csv
import json
import pathlib

import numpy as np
import pytest
from evaluation_helpers import evaluate, line, write_labels, write_lines

pytest.importorskip("sklearn")
pytest.importorskip("jinja2")
from fovea_tools import calibration  # noqa: E402
from fovea_tools.evaluation import metrics, reliability  # noqa: E402

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "data" / "metrics"
SHIPPED = ["binary_balanced", "binary_ties", "grade5_missing_class"]
LARGE = ["binary_rare_overconfident", "grade5_aptos", "grade5_imbalanced"]
EQUAL = 1e-9            # relative, as the reference figures ask
OF_TEMPERATURE = 1e-5   # what depends on the place of a flat minimum


def close(found, expected, tolerance=EQUAL):
    """The same nested numbers; names the place of a difference. Keys that only `found` has are additions."""
    def walk(a, b, place):
        if isinstance(b, dict):
            for key, value in b.items():
                walk(a[key], value, f"{place}.{key}")
        elif isinstance(b, list):
            assert len(a) == len(b), place
            for index, value in enumerate(b):
                walk(a[index], value, f"{place}[{index}]")
        elif b is None or isinstance(b, (str, bool)):
            assert a == b, place
        else:
            assert a == pytest.approx(b, rel=tolerance, abs=1e-300), place
    walk(found, expected, "")


def evaluated(tmp_path, folder, name, target):
    """Reference cases through the whole command, as a model without calibration would give them."""
    with open(folder / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    count = sum(key.startswith("logit") for key in rows[0])
    five = {"classes": ["none", "mild", "moderate", "severe", "proliferative"], "target": "grade5"}
    lines = [line(f"photos/{row['id']}.jpg", result=None, operating_point={"name": "half", "threshold": 0.5},
                  probabilities=[float(row[f"p{k}"]) for k in range(count)], logits=[float(row[f"logit{k}"]) for k in range(count)],
                  **(five if count == 5 else {})) for row in rows]
    labels = write_labels(tmp_path / "labels.csv", {row["id"]: row["label"] for row in rows}, "file,grade" if count == 5 else "file,dr")
    document = evaluate(write_lines(tmp_path / "p.jsonl", lines), labels, "--target", target)
    expected = json.loads((folder / f"{name}.json").read_text())
    source, = document["parts"][0]["sources"]
    assert source["cases"] == expected["n"]
    return source, expected


def check_agreement(found, expected):
    for key in ("confusion_rows_true", "accuracy", "per_class", "macro", "weighted", "balanced_accuracy", "kappa", "kappa_quadratic",
                "kappa_linear"):
        close(found[key], expected[key])


def check_reliability(found, expected):
    for key in ("ece15", "mce15", "bins15", "nll_of_p_clipped_1e-7", "nll_of_logits"):
        close(found[key], expected[key])
    close(found["temperature"], {key: expected["temperature"][key] for key in ("T", "nll", "ece15_after", "at_bound")}, OF_TEMPERATURE)


def check_binary(tmp_path, folder, name):
    source, expected = evaluated(tmp_path, folder, name, "any")
    found = source["gradable_only"]
    check_agreement(found["likelier_class"], expected)
    for key in ("sensitivity", "specificity", "ppv", "npv", "youden"):
        close(found["likelier_class"][key], expected[key])
    half = expected["operating_points"]["half"]
    close(found["at_threshold"]["sensitivity"]["value"], half["sens"])
    close(found["at_threshold"]["specificity"]["value"], half["spec"])
    close(found["roc_auc"]["value"], expected["roc_auc"])
    for key in ("average_precision", "average_precision_of_class0"):
        close(found[key], expected[key])
    check_reliability(found["calibration"], expected)
    close(found["calibration"]["brier"], expected["brier"])
    points = {key: {k: v for k, v in point.items() if k in ("threshold", "sens", "spec", "youden")}
              for key, point in expected["operating_points"].items()}
    close(found["operating_points"], points)
    for key, what in (("sens_at_spec", "sens"), ("spec_at_sens", "spec")):
        close([{**row, what: row[what]["value"]} for row in found["trade_offs"][key]], expected[key])
    # Every photo could be graded: both ways of counting agree.
    assert source["intention_to_screen"]["at_threshold"] == found["at_threshold"]
    assert source["intention_to_screen"]["roc_auc"] == found["roc_auc"]


def check_grades(tmp_path, folder, name, target, section):
    source, expected = evaluated(tmp_path, folder, name, target)
    found, grades = source["gradable_only"], source["gradable_only"]["grades"]
    check_agreement(grades, expected)
    check_reliability(grades["calibration"], expected)
    close(grades["calibration"]["brier_multiclass_sum"], expected["brier_multiclass_sum"])
    for key in ("roc_auc_ovr_per_class", "average_precision_per_class"):
        close(grades[key], expected[key])
    close(grades["roc_auc_ovr_macro"], expected.get("roc_auc_ovr_macro"))
    for key in ("sensitivity", "specificity"):
        close(found["likelier_class"][key], expected[section]["by_argmax"][key])
    close(found["roc_auc"]["value"], expected[section]["roc_auc"])
    close(found["average_precision"], expected[section]["average_precision"])


@pytest.mark.parametrize("name", SHIPPED[:2])
def test_binary_reference_figures(tmp_path, name):
    check_binary(tmp_path, GOLDEN, name)


@pytest.mark.parametrize("target, section", [("any", "any_dr_grade_ge_1"), ("referable", "referable_grade_ge_2")])
def test_reference_figures_of_five_grades(tmp_path, target, section):
    check_grades(tmp_path, GOLDEN, SHIPPED[2], target, section)


@pytest.mark.parametrize("name", LARGE)
def test_large_reference_figures(tmp_path, fovea_data, name):
    folder = fovea_data / "golden" / "metrics"
    if name.startswith("binary"):
        check_binary(tmp_path, folder, name)
    else:
        check_grades(tmp_path, folder, name, "any", "any_dr_grade_ge_1")


def test_the_shipped_reference_figures_are_the_ones_of_the_data_folder(fovea_data):
    for path in GOLDEN.glob("*.[cj]s*"):
        assert path.read_bytes() == (fovea_data / "golden" / "metrics" / path.name).read_bytes()


def test_table_4_2_of_the_thesis_and_corner_cases_of_intervals():
    expected = json.loads((GOLDEN / "tables.json").read_text())
    (tn, fp), (fn, tp) = expected["confusion_rows_true"]
    truth, called = np.repeat([0, 0, 1, 1], [tn, fp, fn, tp]), np.repeat([0, 1, 0, 1], [tn, fp, fn, tp])
    found = metrics.binary_classification(truth, called, ["No DR", "DR"])
    for key in ("precision", "recall", "f1"):
        close([row[key] for row in found["per_class"]], expected[key])
    close(found["kappa"], expected["kappa"])
    close(found["accuracy"], expected["accuracy"])
    for row in expected["wilson"]:
        close(metrics.proportion(row["k"], row["n"]), row)
    assert len(expected["wilson"]) > 5


def test_nothing_to_count_is_zero_with_a_flag():
    assert metrics.proportion(0, 0) == {"k": 0, "n": 0, "value": 0.0, "wilson95": None, "clopper_pearson95": None}
    found = metrics.binary_classification(np.array([0, 0, 0]), np.array([0, 0, 0]), ["no_dr", "dr"])
    assert found["sensitivity"]["value"] == found["ppv"]["value"] == 0.0 and found["specificity"]["value"] == 1.0
    assert found["kappa"] == 1.0
    assert set(found["flags"]) == {"precision of dr: no case was called so", "recall of dr: there is no such case",
                                   "kappa undefined: all cases and all results in one class", "sensitivity: nothing to count",
                                   "ppv: nothing to count"}
    # Undefined by the formula too: all labels in one class, all results in the other, is 0 and no matter of definition.
    assert metrics.binary_classification(np.array([0, 0]), np.array([1, 1]), ["a", "b"])["kappa"] == 0.0


def delong_by_definition(score, positive):
    """Variance of the AUC from the placements written out pair by pair (DeLong, DeLong and Clarke-Pearson 1988)."""
    sick, well = score[positive], score[~positive]
    wins = (sick[:, None] > well[None, :]) + 0.5 * (sick[:, None] == well[None, :])
    return wins.mean(), np.var(wins.mean(axis=1), ddof=1) / len(sick) + np.var(wins.mean(axis=0), ddof=1) / len(well)


@pytest.mark.parametrize("seed", range(5))
def test_auc_interval_is_delongs(seed):
    random = np.random.default_rng(seed)
    positive = random.random(150) < 0.3
    score = np.round(random.normal(0, 1, 150) + positive, 1)  # with ties
    area, variance = delong_by_definition(score, positive)
    found = metrics.auc_with_interval(score, positive, np.arange(150))
    assert found["value"] == pytest.approx(area, rel=1e-12) and found["groups"] == 150
    half = 1.959963984540054 * np.sqrt(variance)
    assert found["delong95"] == pytest.approx([area - half, min(1.0, area + half)], rel=1e-9)


def test_auc_interval_of_patients_does_not_believe_copies():
    random = np.random.default_rng(4)
    positive = random.random(60) < 0.5
    score = random.normal(0, 1, 60) + positive
    single = metrics.auc_with_interval(score, positive, np.arange(60))
    copies = np.tile(np.arange(60), 10)
    believed = metrics.auc_with_interval(np.tile(score, 10), np.tile(positive, 10), np.arange(600))
    grouped = metrics.auc_with_interval(np.tile(score, 10), np.tile(positive, 10), copies)
    width = {name: row["delong95"][1] - row["delong95"][0] for name, row in
             (("single", single), ("believed", believed), ("grouped", grouped))}
    assert single["value"] == pytest.approx(grouped["value"])
    assert width["grouped"] == pytest.approx(width["single"], rel=0.02)
    assert width["believed"] < 0.4 * width["single"]


def test_auc_interval_covers_the_truth_with_two_dependent_eyes():
    """95 % of intervals should hold the true AUC, although the eyes of a patient have much in common."""
    random = np.random.default_rng(11)
    truth = 0.7602499389065233  # of normal scores one standard deviation apart: Phi(1 / sqrt 2)
    held = held_without_groups = 0
    rounds = 250
    for _ in range(rounds):
        patients = np.repeat(np.arange(80), 2)
        positive = np.repeat(random.random(80) < 0.5, 2)
        score = positive + np.sqrt(0.8) * np.repeat(random.normal(0, 1, 80), 2) + np.sqrt(0.2) * random.normal(0, 1, 160)
        for groups, counts in ((patients, True), (np.arange(160), False)):
            low, high = metrics.auc_with_interval(score, positive, groups)["delong95"]
            held += counts and low <= truth <= high
            held_without_groups += (not counts) and low <= truth <= high
    assert 0.91 <= held / rounds <= 0.985
    assert held_without_groups / rounds < 0.89


def resampled(success, groups, rounds=4000):
    """The standard deviation of a share when whole groups are drawn again and again."""
    random = np.random.default_rng(8)
    names = np.unique(groups)
    hits, sizes = (np.array([values[groups == name].sum() for name in names]) for values in (success, np.ones(len(success))))
    draws = random.integers(0, len(names), (rounds, len(names)))
    return np.std(hits[draws].sum(axis=1) / sizes[draws].sum(axis=1))


@pytest.mark.parametrize("together", [0.0, 0.5, 1.0])
def test_the_interval_of_a_share_is_that_of_resampled_patients(together):
    """Groups of one to four photos that share an outcome in part: the interval is as wide as resampling groups says."""
    random = np.random.default_rng(int(10 * together))
    groups = np.repeat(np.arange(300), random.integers(1, 5, 300))
    own, shared = random.random(len(groups)) < 0.7, (random.random(300) < 0.7)[groups]
    success = np.where(random.random(len(groups)) < together, shared, own)
    found = metrics.share(success, groups)
    width = found["clustered95"][1] - found["clustered95"][0]
    assert width == pytest.approx(2 * 1.96 * resampled(success, groups), rel=0.05)
    independent = metrics.share(success, np.arange(len(groups)))
    assert independent["clustered95"] == pytest.approx(independent["wilson95"], rel=1e-12)
    assert width > 1.3 * (independent["wilson95"][1] - independent["wilson95"][0]) or together < 1


def test_intervals_of_shares_at_their_edges():
    pairs = np.repeat(np.arange(10), 2)
    # All alike: ten patients, not twenty photos. Copies of each photo tell nothing new.
    for value in (True, False):
        assert metrics.share(np.full(20, value), pairs)["clustered95"] == pytest.approx(
            metrics.proportion(10 * value, 10)["wilson95"], abs=1e-12)
    mixed = np.arange(10) < 6
    believed = metrics.share(np.repeat(mixed, 2), np.arange(20))["clustered95"]
    grouped, single = metrics.share(np.repeat(mixed, 2), pairs)["clustered95"], metrics.proportion(6, 10)["wilson95"]
    assert grouped[1] - grouped[0] == pytest.approx(single[1] - single[0], rel=0.05)
    assert believed[1] - believed[0] < 0.8 * (single[1] - single[0])
    # Eyes that differ more than chance has it are not believed to tell more than independent ones.
    assert metrics.share(np.tile([True, False], 10), pairs)["clustered95"] == pytest.approx(metrics.proportion(10, 20)["wilson95"])
    assert metrics.share(np.array([], bool), np.array([]))["clustered95"] is None
    one = metrics.share(np.array([True, True, False]), np.zeros(3))["clustered95"]
    assert one[0] < 0.25 and one[1] > 0.93  # one patient alone: as good as nothing is known


def test_auc_without_an_interval_says_why():
    apart = metrics.auc_with_interval(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]), np.arange(4))
    assert apart["value"] == 1.0 and apart["delong95"] is None and "do not overlap" in apart["flags"][0]
    few = metrics.auc_with_interval(np.array([0.1, 0.3, 0.2]), np.array([0, 0, 1]), np.arange(3))
    assert few["value"] == 0.5 and few["delong95"] is None and "fewer than two" in few["flags"][0]
    one = metrics.auc_with_interval(np.array([0.1, 0.3]), np.array([1, 1]), np.arange(2))
    assert one["value"] is None and one["flags"] == ["AUC undefined: only one class"]


def test_bins_add_up_to_the_calibration_error():
    random = np.random.default_rng(2)
    score = np.concatenate([random.random(500), np.arange(16) / 15])  # edges of bins among them
    probabilities = np.stack([1 - score, score], axis=1)
    truth = (random.random(516) < score).astype(int)
    rows = reliability.bins(probabilities, truth)
    total = sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / 516
    assert total == pytest.approx(calibration.expected_calibration_error(probabilities, truth), rel=1e-12)


def test_logits_that_do_not_give_the_probabilities_are_not_used():
    probabilities, truth = np.array([[0.2, 0.8], [0.7, 0.3]]), np.array([1, 0])
    logits = np.log(probabilities)
    assert reliability.reliability(probabilities, logits, truth, 1.0)["nll_of_logits"] == pytest.approx(-np.log([0.8, 0.7]).mean())
    other = reliability.reliability(probabilities, logits, truth, 2.0)
    assert other["nll_of_logits"] is None and other["temperature"] is None


def test_trade_offs_by_hand():
    score, positive = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), np.array([0, 0, 1, 0, 1, 1])
    found = metrics.trade_offs(score, positive)
    assert [row["sens"]["k"] for row in found["sens_at_spec"]] == [2, 2, 2, 2]  # specificity 1 from 0.5 on
    assert [row["spec"]["k"] for row in found["spec_at_sens"]] == [2, 2, 2, 2]  # sensitivity 1 down to 0.3
    assert metrics.trade_offs(score, np.ones(6)) is None and metrics.operating_points(score, np.ones(6)) is None
