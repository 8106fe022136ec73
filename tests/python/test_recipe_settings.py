# SPDX-License-Identifier: Apache-2.0
"""The settings files: the shipped ones are read, mistakes are named."""
import re
import subprocess

import pytest
from recipe_helpers import MODELS

from recipe import prose, settings

FILES = sorted((MODELS / "recipe").glob("*.toml"))


def test_all_shipped_settings_are_read():
    assert {"small224.toml", "large224.toml"} <= {path.name for path in FILES}
    for path in FILES:
        assert settings.read(path)["name"] == path.stem


MISTAKES = [
    ("dropout =", "dropuot =", "unknown dropuot"), ("dropout = 0.2", "", "missing dropout"), ('"any_dr"', '"all_dr"', "target 'all_dr'"),
    ("[network]", "[network", "small.toml"), ("batch = 32", "batch = 0", "batch = 0: expected a whole number"),
    ("batch = 32", 'batch = "many"', "batch = 'many'"), ("batch = 32", "batch = 32.5", "batch = 32.5"),
    ("dropout = 0.2", "dropout = true", "dropout = True: expected a number"), ("dropout = 0.2", "dropout = 1.0", "dropout = 1.0"),
    ('"adamw" ', '"sgd" ', "optimizer = 'sgd': known are adamw, adam"), ('"cosine"', '"step"', "schedule = 'step'"),
    ("[[0, 192], [3, 224]]", "[[1, 224]]", "begin with 0"), ("[[0, 192], [3, 224]]", "[[0, 100]]", "multiple of 32"),
    ("[[0, 192], [3, 224]]", "[]", "first epoch, side"),
    ("size = 224", "size = 230", "size = 230"), ("rotations = 0 ", "rotations = 5\ncompanions = 0.5 #", "small.toml"),
    ("cached_views = 0", "cached_views = 2", "cached_views: needs frozen_blocks"),
    ("jpeg_quality = [20, 90]", "jpeg_quality = [90, 20]", "jpeg_quality = .*lowest, highest"),
    ("jpeg_quality = [20, 90]", "jpeg_quality = [0, 90]", "from 1 to 100"), ("jpeg = 0.0", "jpeg = 2.0", "jpeg = 2.0: expected a number"),
    ("start_share = 0.2", "start_share = 1.0", "start_share = 1.0: expected a number"),
]


@pytest.mark.parametrize("old, new, message", MISTAKES)
def test_mistakes_are_named(tmp_path, old, new, message):
    text = (MODELS / "recipe" / "small224.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "small.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(settings.SettingsError, match=message):
        settings.read(path)


def test_a_file_lies_over_its_base():
    base, first = (settings.read(MODELS / "recipe" / name) for name in ("large224.toml", "large224_first.toml"))
    assert (first["training"]["epochs"], first["training"]["batch"]) == (22, base["training"]["batch"])
    assert first["training"]["epochs"] != base["training"]["epochs"]
    assert first["card"]["data"] == base["card"]["data"] and "base" not in first


@pytest.mark.parametrize("text, message", [
    ('base = "none.toml"', "none.toml"), ('base = "own.toml"', "own.toml: base = 'own.toml': it has a base itself"),
    (f'base = "{MODELS / "recipe" / "small224.toml"}"\nnmae = "x"', "own.toml: unknown nmae")])
def test_mistakes_over_a_base_are_named(tmp_path, text, message):
    path = tmp_path / "own.toml"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(settings.SettingsError, match=message):
        settings.read(path)


def test_rotations_and_companions_exclude_each_other():
    values = settings.read(MODELS / "recipe" / "small224.toml")
    values["augment"].update(rotations=5, companions=0.5)
    with pytest.raises(settings.SettingsError, match="exclude each other"):
        settings.check(values)


@pytest.mark.parametrize("key", settings.WORDS)
@pytest.mark.parametrize("change", [
    lambda text: " ".join(text.split(" ")).replace(", ", ",\n"), lambda text: text + "\nIt was trained at our clinic.\n",
    lambda text: text[len(text) // 3:], lambda text: text.replace("three", "four").replace("Three", "Four"),
], ids=["blanks", "a sentence more", "shortened", "a word changed"])
def test_the_words_of_another_detector_are_known_when_they_were_changed_a_little(key, change):
    made = settings.read(MODELS / "recipe" / "small224.toml")
    sources = list(made["card"]["data"])
    prose.check(made, sources)
    for word in settings.WORDS:
        made["card"][word] = change(made["card"][word]) if word == key else "Nothing is known."
    made["name"] = "clinic"
    with pytest.raises(prose.ProseError, match=rf"\[card\] {key}: the words of small224, and this is clinic"):
        prose.check(made, sources)


def test_the_commands_of_the_readme_are_not_refused(tmp_path):
    """Each that ships a detector, with the sources that it names; "..." stands for those of the first, or where a detector here is made for all of its own."""
    text = (MODELS / "recipe" / "README.md").read_text().replace("\\\n", " ")
    for file in FILES:
        (tmp_path / file.name).write_text(file.read_text())
    for made in re.findall(r"^ +(printf .*) > recipe/mine.toml$", text, re.M):
        (tmp_path / "mine.toml").write_bytes(subprocess.run(made, shell=True, check=True, capture_output=True).stdout)
    commands = [line for line in re.findall(r"python -m recipe (--settings .*)", text) if "--figures-only" not in line]
    first = re.findall(r"--data (\w+)=", commands[0])
    assert len(commands) >= 7 and first == ["aptos", "idrid", "eyepacs"]
    for command in commands:
        read = settings.read(tmp_path / re.search(r"--settings recipe/(\S+)", command)[1])
        sources = re.findall(r"--data (\w+)=", command) + (first if "..." in command else [])
        if read["name"] in ("small224", "large224", "large352", "small352"):
            sources = list(read["card"]["data"])
        prose.check(read, sources)
