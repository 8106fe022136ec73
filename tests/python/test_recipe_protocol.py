# SPDX-License-Identifier: Apache-2.0
"""The thesis's protocol and the honest one: which picture is on which side, what is measured, and the page."""
import json
import pathlib

import numpy as np
import pytest
from recipe_helpers import MODELS, SIZE, tiny_settings

from recipe import dataset, labels, network, protocol, protocol_page, settings

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


def thesis_settings(**augment):
    values = tiny_settings(keep="last")
    values["augment"].update(rotations=5, **augment)
    return values


def collection(count=60, ill=24):
    """Made-up photos; 4 and 5 are copies with one label, 6 and 7 with two, 8 and 9 of one patient."""
    random = np.random.default_rng(0)
    patients = [f"patient{8 if i == 9 else i}" for i in range(count)]
    photos = [labels.Photo("a", f"p{i}", pathlib.Path(f"p{i}.png"), 2 if i < ill and i != 7 else 0, patients[i]) for i in range(count)]
    hashes = [f"h{ {5: 4, 7: 6}.get(i, i) }" for i in range(count)]
    group = [{5: 4, 7: 6, 9: 8}.get(i, i) for i in range(count)]
    return dataset.Collection(photos, random.integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8), hashes, group, 0)


def test_the_thesis_copies_first_so_copies_of_a_photo_are_on_both_sides():
    parts = protocol.divide("thesis", thesis_settings(), collection())
    count = {part: len(side["photo"]) for part, side in parts.sides.items()}
    total = 2 * 37 * 5                                  # 23 ill, 37 healthy; the smaller class gets further copies
    assert sum(count.values()) == total and count["test"] == round(protocol.TEST * total)
    assert count["validation"] == pytest.approx(protocol.VALIDATION * (total - count["test"]), abs=1)
    pictures = {(photo, round(float(angle), 6)) for side in parts.sides.values() for photo, angle in zip(side["photo"], side["angles"])}
    assert len(pictures) == total                       # none twice, none lost
    for side in parts.sides.values():
        assert abs(np.mean(side["positive"]) - 0.5) < 0.02
    assert min(parts.leaked().values()) > 0.9 and parts.dropped == 0


def test_the_honest_protocol_splits_first_and_copies_only_what_is_trained_on():
    given = collection()
    parts = protocol.divide("honest", thesis_settings(), given)
    assert parts.leaked() == {"validation": 0.0, "test": 0.0} and parts.dropped == 3
    names = {part: set(side["names"]) for part, side in parts.sides.items()}
    assert sum(len(side) for side in names.values()) == len(set.union(*names.values())) == 57
    assert not {"p5", "p6", "p7"} & set.union(*names.values())
    assert any({"p8", "p9"} <= side for side in names.values())
    assert len(names["test"]) == pytest.approx(5.7, abs=1.5) and len(names["validation"]) == pytest.approx(10, abs=2)
    assert "angles" in parts.sides["train"] and len(parts.sides["train"]["photo"]) >= 5 * len(names["train"])
    assert "angles" not in parts.sides["test"] and "angles" not in parts.sides["validation"]
    for side in parts.sides.values():
        assert set(side["positive"]) == {0, 1}


@pytest.mark.parametrize("name", protocol.PROTOCOLS)
def test_what_cannot_be_split_is_refused(name):
    with pytest.raises(protocol.ProtocolError, match="would hold one class or none"):
        protocol.divide(name, thesis_settings(), collection(10, 0))
    with pytest.raises(protocol.ProtocolError, match="rotations: at least 2"):
        protocol.divide(name, tiny_settings(), collection())


def test_the_page_holds_both_tables_and_says_why_they_differ(tmp_path):
    chosen, given, found = thesis_settings(), collection(), {}
    model = network.build("small", SIZE, alpha=0.25)
    for name in protocol.PROTOCOLS:
        parts = protocol.divide(name, chosen, given)
        measured = protocol.measure(model, parts, network.forward(model))
        found[name] = protocol_page.protocol_figures(chosen, parts, measured, epochs=3)
        for part, (side, logits) in measured.items():
            row, = next(one for one in found[name]["parts"] if one["part"] == part)["sources"]
            right = np.sum(np.argmax(logits, axis=1) == side["positive"])
            assert row["gradable_only"]["likelier_class"]["accuracy"]["k"] == right
            assert row["cases"] == len(logits) == found[name]["pictures"][part]
    page = protocol_page.write(tmp_path, chosen, found).read_text(encoding="utf-8")
    stored = json.loads((tmp_path / "protocols.json").read_text(encoding="utf-8"))
    assert list(stored["protocols"]) == ["thesis", "honest"] and stored["protocols"]["honest"]["leaked"]["test"] == 0
    for title in ("Copied first, split after (the thesis's protocol)", "Split first, copied after (the honest protocol)",
                  "Why they differ"):
        assert title.replace("'", "&#39;") in page
    for name in protocol.PROTOCOLS:
        test = next(part for part in stored["protocols"][name]["parts"] if part["part"] == "test")
        figures = test["sources"][0]["gradable_only"]["likelier_class"]
        cells = "".join(f"<td>{one['precision']:.2f}</td>" for one in figures["per_class"])
        assert f'<th scope="row">Test</th><td>{100 * figures["accuracy"]["value"]:.2f}</td>\n{cells}' in page
        assert f"predicted {'DR' if stored['protocols'][name]['mistakes'][0]['likelier_class'] == 'dr' else 'No DR'} with " in page


def test_the_thesis_settings_are_the_thesis():
    values = settings.read(MODELS / "recipe" / "thesis224.toml")
    training = values["training"]
    assert (training["optimizer"], training["batch"], training["learning_rate"], training["dropout"]) == ("adam", 64, 1e-4, 0.2)
    assert (training["epochs"], training["steps_per_epoch"], training["keep"], values["augment"]["rotations"]) == (10, 0, "last", 5)
