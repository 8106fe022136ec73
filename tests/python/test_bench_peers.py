# SPDX-License-Identifier: Apache-2.0
"""The comparison with other engines: its tables, its refusals, and, where the engines are installed, a short run of it."""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
BENCH = ROOT / "bench" / "peers"
sys.path.insert(0, str(BENCH))
import report  # noqa: E402

# The folder --out of an earlier `compare.py --install` (and --build's folder), for the run with real engines.
PEERS, BUILD = os.environ.get("FOVEA_PEERS", ""), os.environ.get("FOVEA_BUILD_DIRECTORY", "")
needs_peers = pytest.mark.skipif(not (PEERS and BUILD), reason="FOVEA_PEERS (a folder of compare.py --install) or "
                                 "FOVEA_BUILD_DIRECTORY (a Meson build folder) is not set")


def compare(*arguments):
    return subprocess.run([sys.executable, BENCH / "compare.py", *map(str, arguments)], capture_output=True, text=True, timeout=3000)


def made_up(turns, difference=1e-6, interruptions=0, working=None):
    start = {"version": "1.0", "load_s": 0.002, "first_run_s": 0.03, "peak_bytes": 5 << 20, "working_bytes": working,
             "multiply_adds": 10**9 if working else None}
    return {"starts": [start], "turns": turns, "interruptions": interruptions, "difference": difference, "runs_per_turn": 2}


FACTS = {"dtype": "fp32", "cpu": "a CPU", "threads": 1, "rounds": 2, "load_before": 0.0, "peak_flops": 100e9}


def test_the_table_holds_the_figures(tmp_path):
    measured = {"large512": {"fovea": made_up([[0.030, 0.031], [0.040, 0.041]], working=1 << 20),
                             "other": made_up([[0.060, 0.062], [0.060, 0.0615]])}}
    text = report.markdown(FACTS, measured)
    assert "| fovea 1.0 | 30.00 | 35.50 | 40.00 | 1.00 | 67 | 2.0 | 30.0 | 5.0 (workspace 1.00) | 1e-06 |" in text
    assert "| other 1.0 | 60.00 | 60.75 | 61.50 | 1.75 | 33 |" in text  # (2.0 and 1.5) a round
    assert "Do not quote" not in text
    report.plot(FACTS, measured, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_an_unquiet_machine_is_named():
    measured = {"large512": {"fovea": made_up([[0.03] * 10], interruptions=5, working=1)}}
    text = report.markdown({**FACTS, "load_before": 3.0}, measured)
    assert "Do not quote these times" in text
    assert "its load was 3.0" in text and "the core was taken away 5 times in 12 inferences" in text


def test_an_engine_that_differs_is_not_timed(tmp_path):
    failed = {**made_up([]), "failed": "ncnn: answers differ from Keras's by 5.0e-01, more than 1e-04"}
    measured = {"small224": {"fovea": made_up([[0.002]], working=1), "ncnn": failed}}
    row, = (line for line in report.markdown(FACTS, measured).splitlines() if line.startswith("| ncnn"))
    assert "not timed: ncnn: answers differ" in row and row.count("|") == 11
    report.plot(FACTS, measured, tmp_path / "plot.png")


def test_wrong_use_is_named(tmp_path):
    missing = compare("--out", tmp_path, "--core", "0", "--engine", "ncnn", "--engine", "fovea")
    assert missing.returncode == 1 and "not installed: fovea, ncnn; run compare.py --install first" in missing.stderr
    assert compare("--engine", "none").returncode == 2
    no_core = compare("--core", "4000")
    assert no_core.returncode == 2 and "there is no core 4000" in no_core.stderr
    assert "Traceback" not in missing.stderr + no_core.stderr


def test_a_package_that_cannot_be_had_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/none")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    import environments

    with pytest.raises(environments.BenchError, match="mnn cannot be installed"):
        environments.install(tmp_path, "mnn")
    assert "mnn" in environments.missing(tmp_path) and "cannot be installed: " in environments.refused(tmp_path)["mnn"]


def test_an_environment_of_other_packages_is_missing(tmp_path):
    import environments

    for name, packages in (("fovea", environments.wanted_packages("fovea")), ("ncnn", "ncnn==0.1\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "installed").write_text(packages)
    missing = environments.missing(tmp_path)
    assert "ncnn" in missing and "fovea" not in missing


@pytest.mark.skipif(not BUILD, reason="FOVEA_BUILD_DIRECTORY (a Meson build folder) is not set")
@pytest.mark.parametrize("threads", (1, 2))
def test_fovea_is_called_through_its_shared_library(tmp_path, monkeypatch, threads):
    import engines
    import environments

    (tmp_path / "model.fovea").symlink_to(ROOT / "models" / "detectors" / "small224" / "small224.fovea")
    monkeypatch.setenv("FOVEA_SHARED", str(environments.link_shared_library(pathlib.Path(BUILD), tmp_path)))
    engine = engines.Fovea(threads)
    engine.load(tmp_path)
    engine.set_input(np.full((1, 224, 224, 3), 128, np.uint8))
    assert engine.run().sum() == pytest.approx(1, abs=1e-6)
    assert engine.multiply_adds == pytest.approx(55.27e6, rel=1e-3) and engine.working_bytes > 1e5


@needs_peers
def test_all_engines_agree_with_keras_and_are_timed():
    done = compare("--out", PEERS, "--build", BUILD, "--network", "small224", "--rounds", "2", "--seconds", "0.01", "--loads", "1",
                   "--core", min(os.sched_getaffinity(0)))
    assert done.returncode == 0, done.stderr
    results = json.loads((pathlib.Path(PEERS) / "measured.json").read_text())["networks"]["small224"]
    assert sorted(results) == ["fovea", "litert", "mnn", "ncnn", "onnxruntime", "openvino"]
    for name, result in results.items():
        assert "failed" not in result and 0 < result["difference"] <= 1e-4, name
        assert len(result["turns"]) == 2 and all(result["turns"]), name
        assert result["starts"][0]["peak_bytes"] > 0 and f"| {name} " in done.stdout
    assert (pathlib.Path(PEERS) / "latency.png").is_file()


@needs_peers
def test_the_onnx_graph_is_simplified_and_stays_the_same():
    """On a made-up graph with each pattern: hard-swish in five parts, a padding, a part in channels-last order."""
    script = pathlib.Path(__file__).with_name("onnx_graph_check.py")
    tools = pathlib.Path(PEERS) / "environments" / "onnx_tools"
    done = subprocess.run([sys.executable, script, BENCH], capture_output=True, text=True, timeout=600,
                          env={**os.environ, "PYTHONPATH": str(tools)})
    assert done.returncode == 0, done.stderr[-2000:]
