# SPDX-License-Identifier: Apache-2.0
"""--max-memory: what needs more is refused with how much it needs and which limit there is; what needs less has the same result."""
import json
import re

import numpy as np
import pytest
from cli_helpers import SAMPLES, fovea, fovea_file, fovea_ok, model, needs_binary, one_error, tiny_model, write_model  # noqa: F401

pytestmark = needs_binary
MIB = 1 << 20
NEEDS = re.compile(r"needs a workspace of (\d+) bytes, its limit is (\d+); --max-memory raises it")


@pytest.fixture
def any_size(tmp_path):
    return write_model(tmp_path / "any.fovea", any_size=True)


def pictures(folder, *sides):
    paths = []
    for side in sides:
        paths.append(folder / f"{side}.npy")
        np.save(paths[-1], np.full((side, 8 * side, 3), 77, np.uint8))
    return paths


def check_message(text, name, mebibytes):
    assert str(name) in text
    needed, limit = map(int, NEEDS.search(text).groups())
    assert limit == mebibytes * MIB < needed
    return needed


def test_a_model_that_needs_more_is_refused_by_info(any_size):
    for size, limit in (("4096x4096", 1), ("8192x8192", 3)):
        result = fovea("info", "--size", size, "--max-memory", limit, any_size)
        one_error(result, 2, any_size)
        needed = check_message(result.stderr, any_size, limit)
        enough = -(-needed // MIB)
        facts = json.loads(fovea_ok("info", "--json", "--size", size, "--max-memory", enough, any_size))
        assert facts["run"]["workspace_bytes"] == needed


def test_an_input_that_needs_more_does_not_end_the_others(any_size, tmp_path):
    small, large = pictures(tmp_path, 32, 1024)
    expected = fovea_ok("run", "-m", any_size, small, large).splitlines()
    result = fovea("run", "-m", any_size, "--max-memory", 1, large, small)
    assert result.returncode == 3
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows[0]["error"]["code"] == "memory_limit" and rows[0]["logits"] is None
    check_message(rows[0]["error"]["message"], "1024x8192", 1)
    assert rows[1] == json.loads(expected[0])
    assert fovea_ok("run", "-m", any_size, "--max-memory", 64, small, large).splitlines() == expected


def test_a_screening_that_needs_more_is_refused_before_the_first_photo(tmp_path):
    described = tiny_model(any_size=True, golden=False)
    described.default_size = (4096, 4096)
    described.preprocessing.height = described.preprocessing.width = 4096
    path = tmp_path / "large.fovea"
    path.write_bytes(fovea_file.write_fovea(described))
    out = tmp_path / "out.jsonl"
    result = fovea("screen", "-m", path, "--max-memory", 1, "-f", "jsonl", "-o", out, SAMPLES[0])
    one_error(result, 2, path)
    check_message(result.stderr, path, 1)
    assert not out.exists()
    result = fovea("selftest", "--max-memory", 1, path)
    one_error(result, 2, path)
    check_message(result.stderr, path, 1)


def test_what_needs_less_has_the_same_result(model):  # noqa: F811
    arguments = ["screen", "-m", model, "-f", "jsonl", "--no-timings", SAMPLES[0]]
    assert fovea_ok(*arguments, "--max-memory", 1) == fovea_ok(*arguments)


@pytest.mark.parametrize("value", ["0", "-5", "1.5", "16777217", "99999999999999999999", "x", "", "1M", "nan"])
@pytest.mark.parametrize("verb", ["screen", "run", "info", "selftest"])
def test_values_that_are_no_limit(model, verb, value):  # noqa: F811
    more = ["-m", model, SAMPLES[0]] if verb in ("screen", "run") else [model]
    one_error(fovea(verb, f"--max-memory={value}", *more), 2, "--max-memory")
