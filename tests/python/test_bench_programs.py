# SPDX-License-Identifier: Apache-2.0
"""The C++ benches run, print what they promise, and refuse wrong use. No time is compared with anything."""
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
MODEL = ROOT / "models" / "detectors" / "small224" / "small224.fovea"
BENCH = pathlib.Path(os.environ.get("FOVEA_BUILD_DIRECTORY", "")) / "bench"
pytestmark = pytest.mark.skipif(not (BENCH / "model_bench").is_file(), reason="FOVEA_BUILD_DIRECTORY names no Meson build folder "
                                "with bench/model_bench (Google Benchmark: libbenchmark-dev)")


def bench(program, *arguments):
    return subprocess.run([BENCH / program, *map(str, arguments)], capture_output=True, text=True, timeout=600)


def benchmarks(done):
    assert done.returncode == 0, done.stderr
    found = {item["name"]: item for item in json.loads(done.stdout)["benchmarks"]}
    assert found and not any("error_occurred" in item for item in found.values()), found
    return found


def test_a_network_is_measured():
    found = benchmarks(bench("model_bench", MODEL, "--benchmark_min_time=0.01", "--benchmark_format=json"))
    assert [name.split("/", 1)[1].split("/")[0] for name in found] == ["run", "run", "load", "start"]
    run, two_threads, load, start = found.values()
    assert 0 < run["best_ms"] <= run["p50_ms"] <= run["p90_ms"] <= run["p99_ms"]
    assert run["workspace_MiB"] > 0 and two_threads["workspace_MiB"] > 0 and load["real_time"] > 0
    if run["label"] in ("avx2", "avx512", "neon"):
        assert 0 < run["%peak"] < 120 and 0 < two_threads["%peak"] < 120
    assert start["load_ms"] > 0 and start["first_run_ms"] > 0 and start["first/median"] > 0
    assert run["workspace_MiB"] < start["peak_RSS_MiB"] < run["workspace_MiB"] + 2 * MODEL.stat().st_size / 2**20 + 8


def test_a_photo_is_screened_and_its_parts_add_up():
    photos = sorted((ROOT / "tests" / "golden" / "data" / "photos").glob("*.jpg"))[:2]
    found = benchmarks(bench("screen_bench", MODEL, *photos, "--threads", 2, "--benchmark_min_time=0.01", "--benchmark_format=json"))
    assert [name.split("/")[0] for name in found] == [photo.name for photo in photos]
    for item in found.values():
        parts = [item[f"{part}_ms"] for part in ("decode", "quality", "preset", "network", "other")]
        assert sum(parts) == pytest.approx(item["all_ms"]) and min(parts[:4]) > 0
        assert 0 <= parts[4] < max(1, 0.2 * item["all_ms"])
        assert item["all_ms"] <= item["p50_ms"] <= item["p90_ms"]
        assert item["megapixels"] == pytest.approx(964 * 640 / 1e6)
        # A photo of 1.8 MiB of pixels, what decoding it takes beside, and the working memory.
        assert 1.8 < item["memory_MiB"] < 8
        quality, result = item["label"].split(", ")
        assert quality in ("good", "usable", "reject") and result in ("dr_signs_found", "no_dr_signs_found")


def test_a_screening_answers_line_by_line():
    photo = ROOT / "tests" / "golden" / "data" / "photos" / "IDRiD_008.jpg"
    done = subprocess.run([BENCH / "screen_bench", "--serve", MODEL, photo], input="check\nrun 3 0\nrun 1 1\nrun 1 0\n",
                          capture_output=True, text=True, timeout=600)
    started, checked, ran, refused = map(json.loads, done.stdout.splitlines())
    assert re.fullmatch(r"\d+\.\d+\.\d+", started["version"])
    assert 0 <= checked["scores"][0] <= 1 and checked["found"][0] in (0, 1)
    assert len(ran["seconds"]) == 3 and min(ran["seconds"]) > 0 and ran["interruptions"] >= 0
    assert refused == {"error": "neither check nor run N INDEX"} and done.returncode == 1


@pytest.mark.skipif(not (BENCH / "gradient_bench").is_file(), reason="a build without explanations")
def test_a_gradient_is_measured_beside_an_inference():
    large = ROOT / "models" / "detectors" / "large224" / "large224.fovea"
    found = benchmarks(bench("gradient_bench", MODEL, large, "--benchmark_min_time=0.01", "--benchmark_format=json"))
    assert [name.split("/")[0] for name in found] == ["small224", "large224"]
    for item in found.values():
        assert 0 < item["inference_ms"] <= item["inference_p50_ms"] and 0 < item["gradient_ms"] <= item["gradient_p50_ms"]
        assert item["ratio"] == pytest.approx(item["gradient_ms"] / item["inference_ms"]) and item["ratio_p50"] > 1
        assert 0.5 < item["workspace_MiB"] < 12
    for arguments, status, cause in (((), 2, "usage: gradient_bench"), ((MODEL, "--what"), 2, "unknown option --what"),
                                     ((MODEL, "--isa", "none"), 1, "small224.fovea"), (("gone.fovea",), 1, "gone.fovea")):
        done = bench("gradient_bench", *arguments)
        assert done.returncode == status and cause in done.stderr


@pytest.mark.parametrize("arguments,status,cause", [
    ((), 2, "usage: screen_bench"), ((MODEL,), 2, "usage: screen_bench"), ((MODEL, "none.jpg"), 1, "none.jpg: cannot be read"),
    ((MODEL, "--what", MODEL), 2, "unknown option --what"), ((__file__, MODEL), 1, "test_bench_programs.py"),
    ((MODEL, MODEL, "--isa", "none"), 1, "small224.fovea")])
def test_wrong_use_of_the_screening_bench_is_named(arguments, status, cause):
    done = bench("screen_bench", *arguments)
    assert done.returncode == status and cause in done.stderr


def test_the_layers_are_printed():
    done = bench("model_bench", MODEL, "--layers", "--benchmark_filter=^$")
    assert done.returncode == 0, done.stderr
    layers, kernels = done.stdout.split("| layer |")[1].split("| kernel | us |")
    rows = re.findall(r"^\| (.+) \| (\w+) \| [\d.]+ \| ([\d.]+) \| ([\d.]+) \| \d* \| ([\d.]+) \| (\d+) \| ([a-z -]*) \|$", layers,
                      re.MULTILINE)
    assert all(0 < float(row[4]) < 1e5 for row in rows) and len({row[6] for row in rows} & {"multiply-adds", "loads and stores"}) == 2
    assert re.search(r"^steps above 1 % of the time below 45 % of their roofline:( none|\n- )", layers, re.MULTILINE)
    assert len(rows) > 60 and sum(float(row[2]) for row in rows) == pytest.approx(100, abs=0.05 * len(rows))
    assert sum(float(row[3]) for row in rows) == pytest.approx(55.27, abs=0.01)  # million multiply-adds
    assert "| all |" in kernels


def test_a_kernel_is_measured_warm_and_cold():
    one = ("--benchmark_filter=^pointwise_conv_fp32_scalar/large224/160-960@7/", "--benchmark_format=json")
    for options in ((), ("--cold=8",)):
        result, = benchmarks(bench("kernel_bench", *one, *options)).values()
        assert result["best_us"] > 0 and result["GFLOP/s"] > 0 and result["GB/s"] > 0 and result["%roofline"] > 0


def test_kernels_without_arithmetic_are_measured():
    names = "|".join(["global_pool_fp32_scalar/average/small224/16", "pool_fp32_scalar/max/large224", "channel_reduce_fp32_scalar/max/small224",
                      "binary_fp32_scalar/(gate/small224/16|plane/small|add/small)", "affine_fp32_scalar/small224", "affine_pixels_fp32_scalar/pixels224",
                      "activation_fp32_scalar/sigmoid/72", "gate_fp32_scalar/small/96", "widen_fp16_scalar/small/96"])
    found = benchmarks(bench("kernel_bench", f"--benchmark_filter=^({names})", "--benchmark_min_time=0.01", "--benchmark_format=json"))
    assert {name.split("/")[0] for name in found} == {f"{name}_scalar" for name in (
        "global_pool_fp32", "pool_fp32", "channel_reduce_fp32", "binary_fp32", "affine_fp32", "affine_pixels_fp32", "activation_fp32", "gate_fp32",
        "widen_fp16")}
    for result in found.values():
        assert result["best_us"] > 0 and 0 < result["GB/s"] < 2000


def test_wrong_use_is_named(tmp_path):
    for program, arguments, status, message in (
        ("model_bench", (), 2, "usage: model_bench"),
        ("model_bench", (MODEL, "--none"), 2, "unknown option --none"),
        ("model_bench", (tmp_path / "gone.fovea",), 1, "gone.fovea"),
        ("model_bench", (MODEL, "--isa", "none"), 1, "small224.fovea"),
        ("kernel_bench", ("--none",), 2, "--none"),
        ("kernel_bench", ("--cold=0",), 2, "--cold[=MIB] takes 1 to 4096"),
    ):
        done = bench(program, *arguments)
        assert done.returncode == status and message in done.stderr, (program, arguments, done)
