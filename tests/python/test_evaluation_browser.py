# SPDX-License-Identifier: Apache-2.0
"""fovea-evaluate's page in a real browser: nothing overflows but tables that scroll, nothing fails, nothing comes from the network."""
import pytest
from browser import browser  # noqa: F401
from evaluation_helpers import line, write_labels, write_lines

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
from fovea_tools.commands import evaluate as command  # noqa: E402

# What lies in something that scrolls by itself may be wider than the window.
OVERFLOWS = """Array.from(document.querySelectorAll("body *")).filter((one) => {
    for (let outer = one.parentElement; outer; outer = outer.parentElement)
        if (getComputedStyle(outer).overflowX === "auto") return false;
    return one.offsetParent && one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5;
}).map((one) => one.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Two sources by photo and by patient, train and test, with a name of 300 letters among the wrong answers."""
    folder = tmp_path_factory.mktemp("evaluation")
    names = [f"{n}_{eye}" for n in range(24) for eye in ("left", "right")] + ["w" * 300]
    lines = [line(f"{source}/{name}.jpg", None if n == 5 else 0.02 * ((7 * n) % 50)) for source in ("one", "two") for n, name in enumerate(names)]
    options = [option for source in ("one", "two") for option in ("--labels", f"{source}=" + str(write_labels(
        folder / f"{source}.csv", {name: n % 5 for n, name in enumerate(names)})))]
    (folder / "split.csv").write_text("name,side\n" + "".join(f"{name},{'train' if n < 16 else 'test'}\n" for n, name in enumerate(names)))
    assert command.main([str(write_lines(folder / "p.jsonl", lines)), *options, "--split", str(folder / "split.csv"), "--out", str(folder)]) == 0
    return folder / "evaluation.html"


@pytest.mark.parametrize("width", [390, 760, 1200])
def test_nothing_overflows_fails_or_asks_the_network(browser, page, width):  # noqa: F811
    browser.load(page, width)
    assert browser.problems == [] and {url.partition(":")[0] for url in browser.requests} <= {"file", "data"}
    assert browser.evaluate(OVERFLOWS) == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("Array.from(document.images).every((one) => one.complete && one.naturalWidth > 0)")
    assert "one, by patient" in browser.evaluate("document.body.innerText")
