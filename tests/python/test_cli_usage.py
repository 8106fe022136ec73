# SPDX-License-Identifier: Apache-2.0
"""Help, version, wrong usage: what the program says before it does anything."""
import pytest
from cli_helpers import SAMPLES, fovea, fovea_ok, model, needs_binary, one_error  # noqa: F401

pytestmark = needs_binary
VERBS = ["screen", "preprocess", "run", "explain", "info", "selftest", "kernels"]


def test_version_and_help():
    assert fovea_ok("--version").startswith("fovea 0.")
    help_text = fovea_ok("--help")
    for verb in VERBS:
        assert verb in help_text
    assert "Exit status" in help_text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples(verb):
    help_text = fovea_ok(verb, "--help")
    assert "Examples:" in help_text and f"fovea {verb}" in help_text


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["screen"],
        ["screen", "--model", "x.fovea"],
        ["screen", "photo.jpg"],
        ["screen", "--model", "x.fovea", "--format", "xml", "photo.jpg"],
        ["screen", "--model", "x.fovea", "--threads", "0", "photo.jpg"],
        ["screen", "--model", "x.fovea", "--threads", "65", "photo.jpg"],
        ["screen", "--model", "x.fovea", "--threads", "two", "photo.jpg"],
        ["screen", "--model", "x.fovea", "--jobs", "0", "photo.jpg"],
        ["screen", "--model", "x.fovea", "--shard", "3/2", "photo.jpg"],
        ["screen", "--model", "x.fovea", "--shard", "0/2", "photo.jpg"],
        ["screen", "--model", "x.fovea", "--unknown", "photo.jpg"],
        ["preprocess", "photo.jpg"],
        ["preprocess", "a.jpg", "b.jpg", "out.png"],
        ["preprocess", "--preset", "nonsense", "a.jpg", "out.png"],
        ["preprocess", "--resize", "lanczos", "a.jpg", "out.png"],
        ["preprocess", "--size", "-3", "a.jpg", "out.png"],
        ["preprocess", "--size", "99999", "a.jpg", "out.png"],
        ["preprocess", "--model", "m.fovea", "--size", "224", "a.jpg", "out.png"],
        ["run", "--model", "x.fovea"],
        ["explain", "--model", "x.fovea", "--as-is"],
        ["explain", "--model", "x.fovea", "--as-is", "--patch", "9", "a.png"],
        ["explain", "--model", "x.fovea", "--as-is", "--method", "guess", "a.png"],
        ["explain", "--model", "x.fovea", "--as-is", "--scalar", "guess", "a.png"],
        ["explain", "--model", "x.fovea", "--as-is", "--method", "attention", "--stride", "4", "a.png"],
        ["screen", "--model", "x.fovea", "--explain", "maps", "--explain-method", "guess", "a.jpg"],
        ["explain", "--model", "x.fovea", "--as-is", "--layer", "Conv_1", "a.png"],
        ["explain", "--model", "x.fovea", "--as-is", "--samples", "0", "a.png"],
        ["explain", "--model", "x.fovea", "--as-is", "--noise", "-1", "a.png"],
        ["explain", "--model", "x.fovea", "--as-is", "--steps", "10001", "a.png"],
        ["explain", "--model", "x.fovea", "--opacity", "2", "a.png"],
        ["explain", "--model", "x.fovea", "--percentile", "0", "a.png"],
        ["explain", "--model", "x.fovea", "--colors", "hot", "a.png"],
        ["info"],
        ["info", "a.fovea", "b.fovea"],
        ["selftest"],
        ["kernels", "more"],
    ],
)
def test_wrong_usage_is_status_2(arguments):
    result = fovea(*arguments)
    one_error(result, 2)
    assert result.stdout == ""


def test_options_are_checked_against_the_model(model):
    one_error(fovea("screen", "--model", model, "--operating-point", "none", SAMPLES[0]), 2, "none", "balanced")
    one_error(fovea("run", "--model", model, "--taps", "mean", SAMPLES[0]), 2, "--dump")
    one_error(fovea("run", "--model", model, "--taps", "mean,lost", "--dump", "x", SAMPLES[0]), 2, "lost")
    for size in ("0x5", "5x", "x", "5x5x5", "-5", "large"):
        one_error(fovea("info", model, f"--size={size}"), 2, size)
    one_error(fovea("info", model, "--size", "64x64"), 2, model)  # the model takes 32 x 32 only


@pytest.mark.parametrize("name", ["avx9", "AVX2", "scalar2", "neon_dotprod_x"])
def test_an_unknown_instruction_set_is_refused(model, name):
    arguments = [["screen", "--model", model, SAMPLES[0]], ["run", "--model", model, SAMPLES[0]], ["info", model], ["selftest", model], ["kernels"]]
    for verb in arguments:
        one_error(fovea(*verb, "--isa", name), 2, name, "scalar")
        one_error(fovea(*verb, env={"FOVEA_ISA": name}), 2, name)


def test_the_option_wins_over_the_environment(model):
    assert "self-test passed on scalar" in fovea_ok("selftest", model, env={"FOVEA_ISA": "scalar"})
    assert "self-test passed on scalar" in fovea_ok("selftest", model, "--isa", "scalar", env={"FOVEA_ISA": "avx9"})
