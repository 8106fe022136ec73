# SPDX-License-Identifier: Apache-2.0
"""fovea-report's page in a real browser: no script error, nothing from the network, filter, order, search and slider work, nothing overflows."""
import pytest
from browser import browser  # noqa: F401
from evaluation_helpers import error_line, line, write_lines
from test_report import picture, screened

from fovea_tools.commands import report as command

LONG = "w" * 300 + "<b>&\"'\u202e.jpg"
ADVICE = "Clean the lens, ask the patient to look at the light and to open the eye wide, and take the photo again. " * 3
OVERFLOWS = """Array.from(document.querySelectorAll("body *")).filter((one) => one.offsetParent && one.getBoundingClientRect().right >
    document.documentElement.clientWidth + 0.5 && !one.closest(".wide")).map((one) => one.outerHTML.slice(0, 90))"""
VISIBLE = 'Array.from(document.querySelectorAll(".card")).filter((one) => one.offsetParent).map((one) => Number(one.dataset.number))'


def choose(page, what, value):
    page.evaluate(f"""(() => {{ const one = document.querySelector("{what}"); one.value = {value!r};
        one.dispatchEvent(new Event("input", {{bubbles: true}})); }})()""")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """(page of a batch, page of a patient)"""
    folder = tmp_path_factory.mktemp("pages")
    photo, tall = picture(folder / "a.jpg", (600, 400)), picture(folder / "7_left.jpg", (100, 900), (0, 90, 0))
    picture(folder / "map.png", (300, 200), (0, 0, 200))
    poor = {"verdict": "reject", "checks": [{"name": "sharpness", "value": 0.2, "limit": ">= 0.4", "passed": False, "advice": ADVICE}]}
    lines = [screened(photo, 0.9, name="x/a.jpg", explanation={"overlay": "map.png"}), screened(tall, 0.1, name="x/7_left.jpg"),
             line("x/7_right.jpg", None, quality=poor), error_line("B.jpg"), line(LONG, 0.95, warnings=["odd " + "y" * 200]),
             *(line(f"p{n}.jpg", 0.01 * n) for n in range(40))]
    source = write_lines(folder / "r.jsonl", lines)
    (folder / "who.csv").write_text("file,patient,eye\na,7,OD\n7_left,7,\n7_right,7,\n")
    assert command.main([str(source), "-o", str(folder / "batch.html")]) == 3     # the others' photos are not there
    assert command.main([str(source), "-o", str(folder / "patient.html"), "--patients", str(folder / "who.csv"), "--patient", "7"]) == 3
    return folder / "batch.html", folder / "patient.html"


@pytest.mark.parametrize("media", ["", "print"])
@pytest.mark.parametrize("width", [390, 320, 610, 760, 1200])
def test_nothing_overflows_fails_or_asks_the_network(browser, pages, width, media):  # noqa: F811
    for page in pages:
        browser.load(page, width, media=media)
        assert browser.problems == [] and {url.partition(":")[0] for url in browser.requests} <= {"file", "data"}
        assert sum(not url.startswith("data:") for url in browser.requests) == 1
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.evaluate(OVERFLOWS) == []
        assert browser.evaluate('Array.from(document.images).every((one) => one.complete && one.naturalWidth > 0)')
        # The script ran, and only the page's own.
        assert browser.evaluate('!!document.querySelector(".slider:not([hidden])")')
        assert browser.evaluate('!!document.querySelector(".slider").offsetParent') == (media == "")


def test_print_shows_photo_and_map_whole(browser, pages):  # noqa: F811
    browser.load(pages[1], 760, media="print")
    assert browser.evaluate('getComputedStyle(document.querySelector(".map")).clipPath') == "none"
    assert browser.evaluate("""(() => { const [a, b] = Array.from(document.querySelectorAll(".pair:has(.map) img"), (one) => one.getBoundingClientRect());
        return a.bottom <= b.top + 1 && Math.abs(a.width - b.width) < 1; })()""")
    assert browser.printed().startswith(b"%PDF") and browser.picture().startswith(b"\x89PNG")


def test_filter_order_and_search(browser, pages):  # noqa: F811
    browser.load(pages[0], 390)
    assert browser.evaluate(VISIBLE) == list(range(1, 46))
    for outcome, expected in (("signs", [1, 5]), ("not_gradable", [3]), ("error", [4]), ("none", [2, *range(6, 46)]), ("warned", [3, 5])):
        choose(browser, "#outcome", outcome)
        found = browser.evaluate(VISIBLE)
        assert found == expected
        assert browser.evaluate('document.querySelector("output").value') == f"{len(found)} of 45 photos"
    choose(browser, "#outcome", "all")
    choose(browser, "#order", "score")
    assert browser.evaluate(VISIBLE)[:3] == [5, 1, 45] and browser.evaluate(VISIBLE)[-2:] == [3, 4]
    choose(browser, "#order", "name")
    assert browser.evaluate(VISIBLE)[:4] == [2, 3, 1, 4]
    choose(browser, "#words", " 7_ ")
    assert browser.evaluate(VISIBLE) == [2, 3]
    choose(browser, "#words", "<B>")
    assert browser.evaluate(VISIBLE) == [5]
    choose(browser, "#words", "nowhere")
    assert browser.evaluate(VISIBLE) == [] and browser.problems == []


def test_the_slider_moves_between_photo_and_map(browser, pages):  # noqa: F811
    browser.load(pages[1], 1200)
    for value, expected in ((0, "0%"), (50, "50%"), (100, "100%")):
        choose(browser, ".slider input", str(value))
        assert browser.evaluate('getComputedStyle(document.querySelector(".map")).clipPath').endswith(f" {expected})") or value == 0
        # The map lies on its photo.
        assert browser.evaluate("""(() => { const [a, b] = Array.from(document.querySelectorAll(".pair:has(.map) img"), (one) => one.getBoundingClientRect());
            return Math.abs(a.left - b.left) + Math.abs(a.top - b.top) + Math.abs(a.width - b.width) + Math.abs(a.height - b.height) < 1; })()""")
    assert browser.problems == []


def test_the_check_itself_sees_faults(browser, tmp_path):  # noqa: F811
    """A page with every fault that the tests above look for."""
    page = tmp_path / "bad.html"
    page.write_text('<!DOCTYPE html><meta name="viewport" content="width=device-width"><body>'
                    '<p style="width: 900px">wide</p><img src="http://127.0.0.1:9/x.png"><script>nothing.there()</script>')
    browser.load(page, 390)
    assert browser.problems and browser.evaluate(OVERFLOWS) and browser.evaluate("document.documentElement.scrollWidth") > 390
    assert any(url.startswith("http:") for url in browser.requests)
