# SPDX-License-Identifier: Apache-2.0
"""Made-up results of `fovea screen` and labels for the tests of fovea-evaluate."""
import hashlib
import json

MODEL = {"name": "tiny", "sha256": "ab" * 32, "dtype": "fp32", "preset": "kaggle_ben_color", "input": [32, 32, 3]}
THRESHOLD = 0.4


def line(file, score=0.9, **changes):
    """One line as the program writes it; a change to None of score makes the photo ungradable."""
    graded = score is not None
    value = {
        "file": str(file), "status": "ok" if graded else "not_gradable", "error": None,
        "image": {"width": 64, "height": 64, "sha256": hashlib.sha256(str(file).encode()).hexdigest()},
        "quality": {"verdict": "good" if graded else "reject", "checks": [
            {"name": "sharpness", "value": 0.7, "limit": ">= 0.4", "passed": graded, "advice": ""}]},
        "typicality": None,
        "result": ("dr_signs_found" if score >= THRESHOLD else "no_dr_signs_found") if graded else "not_gradable",
        "target": "any_dr", "classes": ["no_dr", "dr"], "logits": None, "probabilities": [1 - score, score] if graded else None,
        "confidence": max(score, 1 - score) if graded else None, "operating_point": {"name": "balanced", "threshold": THRESHOLD},
        "temperature": 1.0, "model": MODEL, "timings_ms": None, "engine": "fovea 0.1.0 avx2", "warnings": [],
    }
    return {**value, **changes}


def error_line(file):
    return line(file, None, status="error", error={"code": "corrupt_image", "message": "image: the data end too early"}, image=None,
                quality=None, result=None)


def write_lines(path, lines):
    path.write_text("".join(json.dumps(item) + "\n" for item in lines), encoding="utf-8")
    return path


def write_labels(path, grades, header="id_code,diagnosis"):
    """grades: {name: grade}"""
    path.write_text(header + "\n" + "".join(f"{name},{grade}\n" for name, grade in grades.items()), encoding="utf-8")
    return path


def evaluate(*arguments):
    """The JSON document that the command would write."""
    from fovea_tools.commands import evaluate as command
    from fovea_tools.evaluation import report
    return json.loads(report.to_json(command.evaluation(command.parse([str(argument) for argument in arguments])).document))


def problems(document):
    return {problem["kind"]: problem["names"] for problem in document["problems"]}
