# SPDX-License-Identifier: Apache-2.0
"""The shipped detectors: files as listed, a card that gives the stored figures."""
import hashlib
import json
import pathlib

import pytest

DETECTORS = pathlib.Path(__file__).parents[2] / "models" / "detectors"
FOLDERS = sorted(path.parent for path in DETECTORS.glob("*/SHA256SUMS"))


def test_there_is_a_detector():
    assert [folder.name for folder in FOLDERS] == ["large224", "large352", "small224", "small352"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_listed_file_is_as_listed(folder):
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    names = {line.split("  ", 1)[1] for line in lines}
    assert {f"{folder.name}.fovea", f"{folder.name}.md", f"{folder.name}.validation.json"} <= names
    for line in lines:
        digest, name = line.split("  ", 1)
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_card_gives_the_measured_figures(folder):
    card = (folder / f"{folder.name}.md").read_text(encoding="utf-8")
    measured = json.loads((folder / f"{folder.name}.validation.json").read_text())
    assert set(measured["figures"]["thresholds"]) == {"balanced", "sensitivity_95", "specificity_95"}
    for name, threshold in measured["figures"]["thresholds"].items():
        assert f"`{name}`" in card and f"threshold {threshold:.6f}" in card
    for source, figure in measured["figures"]["sources"].items():
        assert f"| {source} | {figure['photos']} ({figure['positive']}) | {figure['auc'][0]:.3f} (" in card
    for heading in ("## Data", "## Never tested", "## Licence and use", "Not a medical device"):
        assert heading in card
