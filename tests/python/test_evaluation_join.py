# SPDX-License-Identifier: Apache-2.0
"""Which photo has which label: nothing is dropped, counted twice or mixed up in silence."""
import pytest
from evaluation_helpers import error_line, evaluate, line, problems, write_labels, write_lines

pytest.importorskip("sklearn")
pytest.importorskip("jinja2")


@pytest.fixture
def run(tmp_path):
    """Runs the command on lines and labels; labels: {name: grade}, or {source: {name: grade}} with folders of these names."""
    def make(lines, labels, *options):
        source = write_lines(tmp_path / "p.jsonl", lines)
        if all(isinstance(value, dict) for value in labels.values()):
            files = [(name, write_labels(tmp_path / f"{name}.csv", grades, "file,grade")) for name, grades in labels.items()]
            named = [option for name, path in files for option in ("--labels", f"{name}={path}")]
            return evaluate(source, *named, *options)
        return evaluate(source, write_labels(tmp_path / "labels.csv", labels), *options)
    return make


def counts(row, counting="gradable_only", decision="at_threshold"):
    """(TN, FP, FN, TP)"""
    (tn, fp), (fn, tp) = row[counting][decision]["confusion_rows_true"]
    return tn, fp, fn, tp


def only(document):
    part, = document["parts"]
    row, = part["sources"]
    return row


def test_both_ways_of_counting_what_cannot_be_graded(run):
    document = run([line("a.jpg", 0.9), line("b.jpg", 0.1), line("c.jpg", 0.8), line("d.jpg", None), line("e.jpg", None)],
                   {"a": 2, "b": 0, "c": 0, "d": 3, "e": 0})
    row = only(document)
    assert counts(row) == (1, 1, 0, 1)
    assert counts(row, "intention_to_screen") == (1, 2, 0, 2)
    assert (row["imageability"]["k"], row["imageability"]["n"]) == (3, 5)
    assert row["not_gradable_reasons"] == {"sharpness": 2}
    # Referred photos rank above all others: two positive ones at 0.9 and at the top, negative ones at 0.1, 0.8 and at the top.
    assert row["intention_to_screen"]["roc_auc"]["value"] == pytest.approx((2 + 2.5) / 6)
    assert row["gradable_only"]["roc_auc"]["value"] == 1.0
    assert [(g["grade"], g["cases"], g["gradable"], g["called_positive"]["k"]) for g in row["by_grade"]] == [
        (0, 3, 2, 1), (2, 1, 1, 1), (3, 1, 0, 0)]


def test_nothing_gradable_is_no_crash(run):
    row = only(run([line("a.jpg", None), line("b.jpg", None)], {"a": 2, "b": 0}))
    assert row["gradable_only"] is None and counts(row, "intention_to_screen") == (0, 1, 0, 1)


def test_one_class_is_no_crash(run):
    row = only(run([line("a.jpg", 0.9), line("b.jpg", 0.2)], {"a": 2, "b": 3}))
    found = row["gradable_only"]
    assert found["roc_auc"]["value"] is None and found["at_threshold"]["specificity"]["n"] == 0
    assert "specificity: nothing to count" in found["at_threshold"]["flags"]


def test_targets_and_macular_oedema(run, tmp_path):
    lines = [line(f"{name}.jpg", 0.9) for name in "abc"]
    assert only(run(lines, {"a": 0, "b": 1, "c": 2}))["positive"] == 2
    document = run(lines, {"a": 0, "b": 1, "c": 2}, "--target", "referable")
    assert only(document)["positive"] == 1 and document["target_differs"] is True
    labels = tmp_path / "idrid.csv"
    labels.write_text("Image name,Retinopathy grade,Risk of macular edema \na,0,1\nb,1,0\nc,2,0\n")
    document = evaluate(tmp_path / "p.jsonl", labels, "--target", "referable", "--macular-edema", "1")
    assert only(document)["positive"] == 2 and only(document)["source"] == "own"


def test_the_programs_verdict_counts_unless_a_threshold_is_given(run):
    # The program decides on float32: this score is printed a hair below the threshold that it equals.
    lines = [line("a.jpg", 0.39999998, result="dr_signs_found"), line("b.jpg", 0.2), line("c.jpg", 0.6)]
    labels = {"a": 1, "b": 1, "c": 0}
    document = run(lines, labels)
    assert counts(only(document)) == (0, 1, 1, 1) and document["decision"]["name"] == "balanced"
    assert counts(only(document), decision="likelier_class") == (0, 1, 2, 0)
    assert "verdict" not in problems(document)
    document = run(lines, labels, "--threshold", "0.2")
    assert counts(only(document)) == (0, 1, 0, 2) and document["decision"]["by"] == "threshold 0.2 (given)"
    odd = run([*lines, line("d.jpg", 0.9, result="no_dr_signs_found")], {**labels, "d": 0})
    assert problems(odd)["verdict"] == ["d.jpg"] and counts(only(odd)) == (1, 1, 1, 1)


def test_five_grades(run):
    grades = {"target": "grade5", "classes": ["g0", "g1", "g2", "g3", "g4"], "operating_point": {"name": "balanced", "threshold": 0.5}}
    lines = [line("a.jpg", probabilities=[0.3, 0.4, 0.2, 0.1, 0.0], result="no_dr_signs_found", **grades),
             line("b.jpg", probabilities=[0.4, 0.0, 0.3, 0.2, 0.1], result="dr_signs_found", **grades)]
    referable = run(lines, {"a": 1, "b": 0}, "--target", "referable")
    # The verdict is about the sum of grades 2 to 4; the likelier grade of b is 0.
    assert counts(only(referable)) == (1, 1, 0, 0) and counts(only(referable), decision="likelier_class") == (2, 0, 0, 0)
    assert only(referable)["gradable_only"]["grades"]["confusion_rows_true"][1][1] == 1
    anything = run(lines, {"a": 1, "b": 0})
    assert anything["target"] == "any" and anything["decision"]["by"] == "the likelier class" and counts(only(anything)) == (1, 0, 0, 1)
    told = [{**lines[0], "grade": 2}, lines[1]]  # the program's grade counts, without one the likeliest
    assert only(run(told, {"a": 1, "b": 0}))["gradable_only"]["grades"]["confusion_rows_true"][1] == [0, 0, 1, 0, 0]
    # Where the program tells of any DR, its threshold and verdict for that hold.
    answers = [{"answers": [{"target": "any_dr", "result": result, "score": score, "operating_point": {"name": "balanced", "threshold": 0.65}},
                            {"target": "referable_dr"}]} for result, score in (("dr_signs_found", 0.7), ("no_dr_signs_found", 0.6))]
    told = [{**one, **more} for one, more in zip(lines, answers)]
    document = run(told, {"a": 1, "b": 0})
    assert document["decision"]["by"] == "threshold 0.65 (balanced)" and counts(only(document)) == (1, 0, 0, 1)
    assert counts(only(run(told, {"a": 1, "b": 0}, "--target", "referable"))) == (1, 1, 0, 0)
    answers[1]["answers"][0]["result"] = "dr_signs_found"
    odd = run([told[0], {**lines[1], **answers[1]}], {"a": 1, "b": 0})
    assert problems(odd)["verdict"] == ["b.jpg"] and counts(only(odd)) == (0, 1, 0, 1)
    given = run(lines, {"a": 1, "b": 0}, "--threshold", "0.65")
    assert counts(only(given)) == (1, 0, 0, 1)  # sums over grades 1 to 4: 0.7 and 0.6


def test_what_is_left_out_is_counted_and_named(run):
    document = run([line("a.jpg", 0.9), error_line("broken.jpg"), line("unknown.jpg", 0.3), line("b.jpg", 0.1)],
                   {"a": 1, "b": 0, "broken": 2, "nowhere": 0})
    found = problems(document)
    assert found["unreadable"] == ["broken.jpg (image: the data end too early)"]
    assert found["no_label"] == ["unknown.jpg"] and found["no_photo"] == ["own/nowhere"]
    assert only(document)["cases"] == 2


def test_a_photo_listed_again_counts_once_and_the_last_line_holds(run):
    lines = [error_line("a.jpg"), line("b.jpg", 0.1), line("a.jpg", 0.9), line("b.jpg", 0.1, timings_ms={"infer": 3.0})]
    document = run(lines, {"a": 1, "b": 0})
    found = problems(document)
    assert found["repeated"] == ["b.jpg"] and "unreadable" not in found
    assert len(found["contradictory"]) == 1 and "p.jsonl:1" in found["contradictory"][0] and "p.jsonl:3" in found["contradictory"][0]
    assert counts(only(document)) == (1, 0, 0, 1)


def test_one_name_in_two_folders(run):
    image = {"width": 1, "height": 1, "sha256": "cd" * 32}
    document = run([line("x/a.jpg", 0.9), line("y/a.jpg", 0.1), line("x/b.jpg", 0.2, image=image), line("y/b.jpg", 0.2, image=image),
                    line("c.jpg", 0.7)], {"a": 1, "b": 0, "c": 1})
    found = problems(document)
    assert found["same_name"] == ["x/a.jpg", "y/a.jpg"] and found["copied"] == ["y/b.jpg"]
    assert counts(only(document)) == (1, 0, 0, 1)


def test_pictures_of_one_name_and_several_endings(tmp_path):
    photos = write_lines(tmp_path / "p.jsonl", [line("d/a.jpg", 0.9), line("d/a.png", 0.1), line("d/b.jpg", 0.2), line("d/c.png", 0.7)])

    def found(text):
        (tmp_path / "labels.csv").write_text("file,grade\n" + text)
        document = evaluate(photos, tmp_path / "labels.csv")
        return counts(only(document)), {problem["kind"]: problem for problem in document["problems"]}

    counted, told = found("a,1\nb,0\nc,1\n")
    assert counted == (1, 0, 0, 1) and told["same_name"]["names"] == ["d/a.jpg", "d/a.png"]
    # The advice, followed: with one of them labelled, and with both; c was converted after it was labelled.
    assert "write the names in the label file with their endings" in told["same_name"]["message"]
    counted, told = found("a.JPG,1\nb,0\nc.tif,1\n")
    assert counted == (1, 0, 0, 2) and told["same_name"]["names"] == ["d/a.png"]
    counted, told = found("a.jpg,1\na.png,0\nb,0\nc.tif,1\n")
    assert counted == (2, 0, 0, 2) and list(told) == ["eyes_unknown"]   # by patient: two photos of one name are of one


def test_the_advice_for_one_name_in_two_folders_works(tmp_path):
    photos = write_lines(tmp_path / "p.jsonl", [line("x/a.jpg", 0.9), line("y/a.jpg", 0.1)])
    labels = tmp_path / "labels.csv"
    labels.write_text("file,grade\nx/a,1\ny/a,0\n")
    assert counts(only(evaluate(photos, labels))) == (1, 0, 0, 1)


def test_equal_pictures_under_two_names(run):
    image = {"width": 1, "height": 1, "sha256": "cd" * 32}
    document = run([line("a.jpg", 0.9, image=image), line("b.jpg", 0.9, image=image), line("c.jpg", 0.1)], {"a": 1, "b": 0, "c": 0})
    found = problems(document)
    assert found["equal_pictures"] == found["equal_pictures_other_label"] == ["own/a = own/b"]
    assert only(document)["cases"] == 3


def test_sources_are_kept_apart_by_folder(run):
    # 10_left is in both sources; 7 only in two, although the folder says one.
    lines = [line("data/one/10_left.jpg", 0.9), line("data/Two/10_left.jpg", 0.1), line("data/one/7.jpg", 0.5), line("two/7.jpg", 0.9),
             line("elsewhere/10_left.jpg", 0.9), line("data/one/8.jpg", 0.2)]
    document = run(lines, {"one": {"10_left": 2, "8": 0}, "two": {"10_left": 0, "7": 1}})
    part, = document["parts"]
    assert [(row["source"], counts(row)) for row in part["sources"]] == [("one", (1, 0, 0, 1)), ("two", (1, 0, 0, 1))]
    assert part["pooled"]["cases"] == 4 and counts(part["pooled"]) == (2, 0, 0, 2)
    assert part["mean_of_sources"] == {"roc_auc": 1.0, "sensitivity": 1.0, "specificity": 1.0}
    found = problems(document)
    assert found["no_label"] == ["data/one/7.jpg"] and found["ambiguous"] == ["elsewhere/10_left.jpg"]
    # The same patient number in two sources is two patients.
    assert part["pooled"]["groups"] == 4


def test_labels_with_folders_and_paths_of_another_system(run, tmp_path):
    lines = [line("C:\\photos\\ward\\a.JPG", 0.9), line("C:\\photos\\home\\a.JPG", 0.1), line("b.v2.png", 0.1)]
    labels = write_labels(tmp_path / "own.csv", {"ward/a.jpg": 2, "home\\a.jpg": 0, "b.v2": 0}, "file,grade")
    document = evaluate(write_lines(tmp_path / "p.jsonl", lines), labels)
    assert counts(only(document)) == (2, 0, 0, 1) and document["problems"] == []


def test_several_label_files_of_one_source(run, tmp_path):
    lines = [line("a.jpg", 0.9), line("b.jpg", 0.1)]
    one, two = (write_labels(tmp_path / f"{name}.csv", {name: grade}) for name, grade in (("a", 2), ("b", 0)))
    document = evaluate(write_lines(tmp_path / "p.jsonl", lines), "--labels", f"x={one}", "--labels", f"x={two}")
    assert only(document)["source"] == "x" and only(document)["cases"] == 2


def test_ungradable_marks_of_the_label_file(tmp_path):
    labels = tmp_path / "eyeq.csv"
    labels.write_text(",image,quality,DR_grade\n0,1_left.jpeg,0,2\n1,1_right.jpeg,1,0\n2,2_left.jpeg,2,1\n3,2_right.jpeg,2,0\n")
    lines = [line("1_left.jpg", 0.9), line("1_right.jpg", None), line("2_left.jpg", None), line("2_right.jpg", 0.1)]
    document = evaluate(write_lines(tmp_path / "p.jsonl", lines), labels)
    assert document["quality_agreement"] == [{"source": "EyeQ", "rows_label_gradable_not": [[1, 1], [1, 1]]}]
    assert problems(document)["label_ungradable"] == ["EyeQ/2_left", "EyeQ/2_right"]
    assert only(document)["cases"] == 2 and only(document)["groups"] == 1


def test_forced_results(run):
    forced = ["forced: the photo's quality or typicality is reject"]
    lines = [line("a.jpg", 0.9), line("b.jpg", 0.1, warnings=forced), line("c.jpg", 0.2)]
    labels = {"a": 1, "b": 0, "c": 0}
    document = run(lines, labels)
    assert problems(document)["forced"] == ["b.jpg"] and counts(only(document)) == (1, 0, 0, 1)
    assert counts(only(document), "intention_to_screen") == (1, 1, 0, 1)
    document = run(lines, labels, "--use-forced")
    assert counts(only(document)) == (2, 0, 0, 1) and only(document)["imageability"]["k"] == 3


def test_patients(run):
    lines = [line("1_left.jpg", 0.1), line("1_right.jpg", 0.9), line("2_left.jpg", 0.1), line("2_right.jpg", None),
             line("3_left.jpg", 0.2), line("3_right.jpg", 0.3), line("4_left.jpg", 0.9), line("4_right.jpg", None)]
    labels = {"1_left": 0, "1_right": 2, "2_left": 0, "2_right": 0, "3_left": 1, "3_right": 0, "4_left": 0, "4_right": 0}
    document = run(lines, labels, "--per", "patient")
    row = only(document)
    # 1: found. 2: one photo not gradable and none called. 3: missed. 4: called, whatever the other photo is.
    assert document["unit"] == "patient" and (row["cases"], row["positive"]) == (4, 2)
    assert counts(row) == (0, 1, 1, 1) and counts(row, "intention_to_screen") == (0, 2, 1, 1)
    assert row["not_gradable_reasons"] == {"sharpness": 1}
    assert only(run(lines, labels))["groups"] == 4


def test_odir_labels_that_hold_for_the_patient_only(tmp_path):
    labels = tmp_path / "odir.csv"
    labels.write_text("ID,N,D,G,C,A,H,M,O\n7,1,0,0,0,0,0,0,0\n8,0,1,0,0,0,0,0,0\n")
    lines = [line(f"{name}.jpg", score) for name, score in (("7_left", 0.1), ("7_right", 0.2), ("8_left", 0.1), ("8_right", 0.9))]
    source = write_lines(tmp_path / "p.jsonl", lines)
    photos = evaluate(source, labels)
    assert problems(photos)["label_silent"] == ["ODIR/8_left", "ODIR/8_right"] and only(photos)["cases"] == 2
    assert counts(only(evaluate(source, labels, "--per", "patient"))) == (1, 0, 0, 1)


@pytest.fixture
def split(tmp_path):
    def make(text):
        path = tmp_path / "split.csv"
        path.write_text(text)
        return path
    return make


def test_figures_by_side_of_the_split(run, split):
    lines = [line(f"{name}.jpg", score) for name, score in zip("abcdefgh", (0.9, 0.1, 0.9, 0.2, 0.3, 0.1, 0.5, 0.5))]
    path = split("source,name,grade,patient,group,sha256_of_pixels,side\n" + "".join(
        f"own,{name},0,{name},{number},x,{side}\n" for number, (name, side) in enumerate(
            zip("abcdefg", ("train", "train", "test", "test", "validation", "validation", "dropped")))))
    document = run(lines, dict(zip("abcdefgh", (1, 0, 1, 0, 1, 0, 1, 1))), "--split", path)
    assert [(part["part"], counts(part["sources"][0])) for part in document["parts"]] == [
        ("train", (1, 0, 0, 1)), ("validation", (1, 0, 1, 0)), ("test", (1, 0, 0, 1))]
    assert problems(document) == {"split_dropped": ["own/g"], "split_unknown": ["own/h"]}


def test_leaks_across_the_split_are_told(run, split):
    image = {"width": 1, "height": 1, "sha256": "cd" * 32}
    lines = [line("1_left.jpg", 0.9), line("1_right.jpg", 0.1), line("b.jpg", 0.9, image=image), line("c.jpg", 0.9, image=image)]
    path = split("image,split\n1_left.jpeg,training\n1_right.jpeg,TEST\nb,val\nc,test\n")
    found = problems(run(lines, {"1_left": 1, "1_right": 0, "b": 1, "c": 1}, "--split", path))
    assert found["leak_patient"] == ["own/1"] and "leak_group" not in found
    assert found["leak_picture"] == ["own/b = own/c"]


def test_near_copies_of_one_group_are_not_independent(run, split):
    lines = [line(f"{name}.jpg", score) for name, score in zip("abcdef", (0.9, 0.3, 0.6, 0.2, 0.7, 0.1))]
    labels = dict(zip("abcdef", (1, 1, 1, 0, 0, 0)))
    path = split("name,group,side\n" + "".join(f"{name},{group},test\n" for name, group in zip("abcdef", "112344")))
    document = run(lines, labels, "--split", path)
    assert document["parts"][0]["sources"][0]["groups"] == 4 and document["problems"] == []
    path = split("name,group,side\n" + "".join(f"{name},{group},{side}\n" for name, group, side in zip(
        "abcdef", "112344", ("test", "train", "test", "test", "test", "test"))))
    assert problems(run(lines, labels, "--split", path))["leak_group"] == ["own/1"]


def test_mixed_models_are_refused_unless_one_is_chosen(run, tmp_path, capsys):
    from evaluation_helpers import MODEL

    from fovea_tools.commands.evaluate import main
    other = {**MODEL, "name": "large", "sha256": "ef" * 32}
    lines = [line("a.jpg", 0.9), line("b.jpg", 0.1), line("a2.jpg", 0.9, model=other), line("b2.jpg", 0.9, model=other)]
    labels = {"a": 1, "b": 0, "a2": 1, "b2": 0}
    document = run(lines, labels, "--model", "large")
    assert counts(only(document)) == (0, 1, 0, 1) and document["model"]["name"] == "large"
    assert problems(document)["other_models"][0].startswith("tiny (sha256 abababababab")
    assert counts(only(run(lines, labels, "--model", "abab"))) == (1, 0, 0, 1)
    capsys.readouterr()
    for options, expected in (([], "photos by 2 models or settings in one file"), (["--model", "no"], "no photo by a model 'no'")):
        assert main([str(tmp_path / "p.jsonl"), str(tmp_path / "labels.csv"), *options]) == 1
        message = capsys.readouterr().err
        assert expected in message and "tiny" in message and "large" in message and "2 photos" in message


def test_several_engines_are_told(run):
    document = run([line("a.jpg", 0.9), line("b.jpg", 0.1, engine="fovea 0.1.0 neon")], {"a": 1, "b": 0})
    assert problems(document)["engines"] == ["fovea 0.1.0 avx2", "fovea 0.1.0 neon"]


def test_messidor_errata_are_told(tmp_path):
    labels = tmp_path / "messidor.csv"
    labels.write_text("Image name,Ophthalmologic department,Retinopathy grade,Risk of macular edema\n"
                      "20051020_63045_0100_PP.tif,x,3,0\nb.tif,x,2,0\n")
    source = write_lines(tmp_path / "p.jsonl", [line("Base11/20051020_63045_0100_PP.png", 0.1), line("b.png", 0.9)])
    document = evaluate(source, labels)
    assert counts(only(document)) == (1, 0, 0, 1) and "grade 0, not 3" in problems(document)["errata"][0]
    # The scale is Messidor's own: no rows by ICDR grade.
    assert only(document)["by_grade"] == []
    assert counts(only(evaluate(source, labels, "--no-errata"))) == (0, 0, 1, 1)
