# SPDX-License-Identifier: Apache-2.0
"""The record that a run leaves, and the table of runs made from it."""
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
from recipe import compare, record  # noqa: E402

SETTINGS = {"name": "x", "target": "any_dr", "training": {"batch": 32, "epochs": 5, "keep": "best"},
            "augment": {"mask": [0.9, 1.0], "tint": 0.1},
            "preset": {"name": "kaggle"}, "card": {"data": "text"}, "provenance": {"licence": "none"}}
START = {"warm_start": {"file": "w.tflite", "sha256": "00"}, "teacher": None, "initial_weights": None}


def figures(auc, unseen=False, **more):
    return {"sources": {"aptos": {"photos": 282, "positive": 138, "auc": [0.9, 0.8, 0.95], "referable_auc": 0.93, "rim_only_auc": 0.61,
                                  "corners_masked": {"accuracy": 0.95, "auc": 0.98}, "unseen": False},
                        "idrid": {"photos": 83, "positive": 56, "auc": [auc, 0.6, 0.9], "referable_auc": None, "rim_only_auc": 0.5,
                                  "corners_masked": None, "unseen": unseen}},
            "mean_auc": 0.876, "mean_referable_auc": 0.912, "kept_epoch": 4, "epochs": 5, **more}


def run_folder(folder, start=START, unseen=None, **training):
    folder.mkdir()
    settings = {**SETTINGS, "training": {**SETTINGS["training"], **training}}
    record.begin(folder, settings, start, unseen, 0, print)
    return folder


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_table_names_what_differs_and_the_figures(tmp_path):
    one, two = run_folder(tmp_path / "one"), run_folder(tmp_path / "two", {**START, "warm_start": None}, "idrid", batch=64)
    record.write(one / "figures.json", figures(0.8))
    record.write(two / "figures.json", figures(0.7, unseen=True))
    head, _, first, second = cells(compare.table([compare.read_run(one), compare.read_run(two)]))
    assert head == ["run", "what differs", "aptos", "idrid", "mean", "mean, referable", "aptos, corners masked: accuracy, AUC",
                    "aptos, rim only", "epoch"]
    assert first == ["one", "batch 32; unseen none; warm_start w.tflite", "0.900", "0.800", "0.876", "0.912", "0.950, 0.980", "0.610",
                     "4 of 5"]
    assert second[:4] == ["two", "batch 64; unseen idrid; warm_start none", "0.900", "0.700 (unseen)"]


def test_names_that_two_tables_share_are_told_in_full(tmp_path):
    runs = [{"name": name, "settings": {"a.seed": value, "b.seed": value, "c.rate": value}, "changed": [], "figures": figures(0.8)}
            for name, value in (("one", 1), ("two", 2))]
    assert cells(compare.table(runs))[2][1] == "a.seed 1; b.seed 1; rate 1"


def test_a_run_without_figures_is_read_from_its_history(tmp_path):
    run = run_folder(tmp_path / "one", unseen="idrid")
    (run / "history.csv").write_text("epoch,loss,mean_auc,auc_aptos,auc_idrid\n1,0.5,0.7,0.7,0.6\n2,0.4,0.8,0.8,0.5\n3,0.3,0.75,0.75,0.4\n")
    row = cells(compare.table([compare.read_run(run)]))[2]
    assert row == ["one", "–", "0.800", "0.500 (unseen)", "0.800", "–", "–", "–", "2 of 3"]


def test_what_is_no_run_ends_with_its_name_and_status_1(tmp_path, capsys):
    cases = {"absent": None, "text": "{", "other": '{"format": "something else"}', "list": "[]"}
    for name, text in cases.items():
        if text is not None:
            (tmp_path / name).mkdir()
            (tmp_path / name / "settings.json").write_text(text)
        assert compare.main([str(tmp_path / name)]) == 1
        assert name in capsys.readouterr().err
    run = run_folder(tmp_path / "empty")
    assert compare.main([str(run)]) == 1
    assert "history.csv" in capsys.readouterr().err
    (run / "history.csv").write_text("epoch,loss\n")
    assert compare.main([str(run)]) == 1
    record.write(run / "figures.json", [1])
    assert compare.main([str(run)]) == 1
    assert "figures.json" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        compare.main([])
    assert stop.value.code == 2


def test_a_change_on_the_way_is_told_and_kept(tmp_path):
    run, said = run_folder(tmp_path / "one"), []
    changed = {**SETTINGS, "training": {**SETTINGS["training"], "epochs": 9}, "card": {"data": "other text"}}
    found = record.begin(run, changed, START, None, 3, said.append)
    assert said == ["training.epochs was 5 until epoch 3 and is 9 from now on"]
    change = {"key": "training.epochs", "was": 5, "now": 9, "after_epoch": 3}
    assert found["changed"] == [change] == json.loads((run / "settings.json").read_text())["changed"]
    record.begin(run, changed, START, None, 4, said.append)
    assert len(said) == 1 and json.loads((run / "settings.json").read_text())["changed"] == [change]
    record.write(run / "figures.json", figures(0.8))
    assert cells(compare.table([compare.read_run(run)]))[2][1] == "training.epochs 5 until epoch 3"


def test_what_a_finished_run_is_shipped_with_is_no_change_on_the_way(tmp_path):
    run, said = run_folder(tmp_path / "one"), []
    shipped = {**SETTINGS, "training": {**SETTINGS["training"], "start_share": 0.2}}
    found = record.begin(run, shipped, START, None, 3, said.append)
    assert not said and not found["changed"] and found["settings"]["training"]["start_share"] == 0.2


def test_a_file_is_known_by_its_content(tmp_path):
    (tmp_path / "w.h5").write_bytes(b"weights")
    assert record.file_record(tmp_path / "w.h5") == {
        "file": "w.h5", "sha256": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"}
    assert record.file_record(None) is None
