# SPDX-License-Identifier: Apache-2.0
"""Grouping and splitting: no copy, near-copy or second eye may sit on the other side of a split."""
import pathlib
import sys

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
from recipe import duplicates, split  # noqa: E402
from recipe.labels import Photo  # noqa: E402

SIZE = 96


def eye(random):
    """A disc with its own blobs; two of them correlate as little as two eyes do."""
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    picture = np.full((SIZE, SIZE), 128.0)
    for _ in range(40):
        cx, cy, amplitude = random.random(), random.random(), random.normal(0, 60)
        picture += amplitude * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.004)
    picture[(x - 0.5) ** 2 + (y - 0.5) ** 2 > 0.25] = 0
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def photo(index, source="one", grade=0, patient=None, path=None):
    return Photo(source, f"p{index}", path, grade, patient or f"p{index}")


def test_content_hash_sees_pixels_not_files(tmp_path):
    picture = Image.fromarray(eye(np.random.default_rng(1)))
    picture.save(tmp_path / "a.png", compress_level=0)
    picture.save(tmp_path / "b.png", compress_level=9)
    picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "c.png")
    a, b, c = (duplicates.content_hash(tmp_path / f"{n}.png") for n in "abc")
    assert a == b
    assert a != c


def test_content_hash_keeps_the_shape(tmp_path):
    Image.new("RGB", (4, 8), (9, 9, 9)).save(tmp_path / "a.png")
    Image.new("RGB", (8, 4), (9, 9, 9)).save(tmp_path / "b.png")
    assert duplicates.content_hash(tmp_path / "a.png") != duplicates.content_hash(tmp_path / "b.png")


def test_near_duplicates_are_found_and_strangers_are_not():
    random = np.random.default_rng(2)
    eyes = [eye(random) for _ in range(30)]
    darker = np.clip(eyes[3] * 0.8 + random.normal(0, 6, eyes[3].shape), 0, 255).astype(np.uint8)
    pairs = duplicates.near_pairs(duplicates.thumbnails(np.asarray([*eyes, darker])), 0.85)
    assert pairs == [(3, 30)]


def test_groups_join_chains():
    assert duplicates.groups(6, [(4, 5), (0, 2), (2, 4)]) == [0, 1, 0, 3, 0, 0]
    assert duplicates.equal_pairs(["a", None, "b", "a", None, "a"]) == [(0, 3), (3, 5)]


def sample(random, count=400):
    """Photos of two sources with pairs of eyes, grades, and random links between photos."""
    photos = [photo(i, source=("one", "two")[i % 2], grade=int(random.integers(0, 5)), patient=f"patient{i // 4}-{i % 2}")
              for i in range(count)]
    pairs = duplicates.equal_pairs([(p.source, p.patient) for p in photos])
    pairs += [tuple(sorted(random.choice(count, 2, replace=False))) for _ in range(30)]
    return photos, pairs


@pytest.mark.parametrize("seed", range(8))
def test_no_group_is_on_both_sides(seed):
    photos, pairs = sample(np.random.default_rng(seed))
    group = duplicates.groups(len(photos), pairs)
    side = split.assign(photos, group, [True] * len(photos), {"one": 0.2, "two": 0.2}, seed)
    assert set(side) == {split.TRAIN, split.VALIDATION}
    for i, j in pairs:
        assert side[i] == side[j]


def test_shares_and_grades_are_kept():
    photos = [photo(i, source="one" if i < 1000 else "two", grade=i % 5) for i in range(1500)]
    side = split.assign(photos, list(range(1500)), [True] * 1500, {"one": 0.1, "two": 0.4}, 3)
    for source, share, count in (("one", 0.1, 200), ("two", 0.4, 100)):
        for grade in range(5):
            taken = sum(s == split.VALIDATION for p, s in zip(photos, side) if (p.source, p.grade) == (source, grade))
            assert abs(taken - share * count) <= 1


def test_the_split_depends_on_the_seed_alone():
    photos, pairs = sample(np.random.default_rng(5))
    group = duplicates.groups(len(photos), pairs)
    keep = [True] * len(photos)
    fractions = {"one": 0.2, "two": 0.2}
    first = split.assign(photos, group, keep, fractions, 1)
    assert first == split.assign(photos, group, keep, fractions, 1)
    assert first != split.assign(photos, group, keep, fractions, 2)


def test_the_sides_of_an_earlier_split_stay(tmp_path):
    photos = [photo(i, source="old" if i < 6 else "new", grade=i % 2) for i in range(200)]
    group = list(range(200))
    group[6], group[7], group[8] = 0, 1, 0  # new photos of the patients of 0 and 1
    group[9] = group[10] = 2                # joined with 2; and 3 with 4, which were apart
    group[4] = 3
    split.write(tmp_path / "split.csv", photos[:6], [""] * 6, group[:6], ["validation", "train", "validation", "train", "validation", "dropped"])
    earlier = split.read_earlier(tmp_path / "split.csv")
    side = split.assign(photos, group, [True] * 200, {"old": 0.5, "new": 0.5}, 3, earlier)
    assert side[:5] == ["validation", "train", "validation", "train", "train"]
    assert [side[i] for i in (6, 7, 8, 9, 10)] == ["validation", "train", "validation", "validation", "validation"]
    assert 90 <= side[11:].count("validation") <= 98
    for one in range(200):
        assert len({side[i] for i in range(200) if group[i] == group[one]}) == 1


@pytest.mark.parametrize("text, expected", [
    ("", "no photo in it"), ("source,name,side\n", "no photo in it"), ("source,name\na,b\n", ":2: expected the columns"),
    ("source,name,side\na,b,left\n", ":2: expected the columns"),
])
def test_an_unusable_earlier_split_is_refused(tmp_path, text, expected):
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(split.SplitError, match=expected):
        split.read_earlier(tmp_path / "split.csv")


def test_copies_are_dropped_and_contradictions_wholly():
    photos = [photo(0, grade=0), photo(1, grade=0), photo(2, grade=1), photo(3, grade=3), photo(4, grade=0), photo(5, grade=2)]
    keep = split.drop_copies(photos, ["a", "a", "b", "b", "c", "c"], lambda grade: grade >= 1)
    # a: the same; b: another grade, the same side of the target; c: a contradiction.
    assert keep == [True, False, True, False, False, False]
    side = split.assign(photos, list(range(6)), keep, {"one": 0.5}, 0)
    assert [s == split.DROPPED for s in side] == [not k for k in keep]


def test_a_source_left_out_is_validated_whole_and_its_groups_train_nothing():
    photos = [photo(i, source="one" if i < 6 else "two") for i in range(10)]
    group = [0, 0, 2, 3, 4, 5, 0, 7, 8, 3]  # photos 0 and 1 belong to 6 of the other source, 3 to 9
    side = [split.TRAIN] * 6 + [split.TRAIN, split.VALIDATION, split.DROPPED, split.TRAIN]
    side[4] = split.VALIDATION
    found = split.leave_out(photos, group, side, "two")
    assert found == ["dropped", "dropped", "train", "dropped", "validation", "train", "validation", "validation", "dropped", "validation"]


def test_written_split_names_every_photo(tmp_path):
    photos = [photo(0), photo(1, grade=2)]
    split.write(tmp_path / "split.csv", photos, ["x", "y"], [0, 1], [split.TRAIN, split.VALIDATION])
    assert (tmp_path / "split.csv").read_text().splitlines()[1:] == ["one,p0,0,p0,0,x,train", "one,p1,2,p1,1,y,validation"]
