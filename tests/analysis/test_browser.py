"""The reports of experiments in a real browser: on a phone, in the dark, on paper."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from browser import Browser, installed
from small_experiment import SMALL_EXPERIMENT

from qrec.experiments import EXPERIMENTS

if TYPE_CHECKING:
    from qrec.runner.run import Run

PHONE = 390  # CSS pixels
DATA = {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500}
DEVICE = {"kind": "aer", "snapshot": "fake:FakeGuadalupeV2", "shots": 20, "seed_simulator": 7,
          "optimization_level": 1, "seed_transpiler": 7}  # fmt: skip


@dataclass(frozen=True)
class Small:
    """A packaged experiment made small: what is changed of it, and where its circuits run."""

    overrides: dict[str, Any]
    backends: list[str] | None = None
    source: str | dict[str, Any] = field(default="")


PACKAGED = {
    "report": Small({"dataset": DATA, "n_pairs": 10}, ["exact", "cheap"]),
    "vqsvd_digits": Small({"objectives": ["original"], "layers": [1], "n_starts": 1}),
    "kp_circuits": Small(
        {"dataset": DATA, "first": 0, "problems": [
            {"n_users": 2, "n_items": 4, "rank": 1, "phase_qubits": [2], "degrees": [2],
             "measured": [2]}]},
        ["cheap"],
    ),
    "hardware": Small(
        {"experiments.recommenders.dataset": DATA, "experiments.recommenders.n_pairs": 5},
        ["cheap"],
    ),
}  # fmt: skip
if "noise_impact" in EXPERIMENTS.names():
    example = dict(EXPERIMENTS.find("noise_impact").example)
    head = {"schema_version": 1, "kind": "noise_impact", "name": "noise_impact", "title": "small"}
    PACKAGED["noise_impact"] = Small({}, source=head | example)
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in PACKAGED]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = installed()
    if path is None:
        pytest.skip("needs a browser: no Chromium is installed (Debian: apt install chromium)")
    with Browser(path) as browser:
        yield browser


@pytest.fixture(scope="module", params=["small", *SLOW])
def browser(
    request: pytest.FixtureRequest, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Browser:
    """Return a browser that shows the page of a run."""
    done = _run(request.param, tmp_path_factory.mktemp("browser"))
    chromium.complaints.clear()
    chromium.emulate()
    chromium.open((done.folder.path / "report.html").as_uri(), PHONE)
    return chromium


def _run(name: str, place: Path) -> "Run":
    from qrec.runner.run import run

    (place / "backends.yaml").write_text(
        yaml.safe_dump({"schema_version": 1, "backends": {"cheap": DEVICE}})
    )
    small = PACKAGED.get(name, Small({}, source=SMALL_EXPERIMENT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(place / "runs"))
        patch.setenv("QREC_BACKENDS", str(place / "backends.yaml"))
        return run(small.source or name, overrides=small.overrides, backends=small.backends)


def colour(browser: Browser, name: str) -> int:
    """Return the sum of red, green and blue of a colour of the page's body."""
    text = browser.value(f"getComputedStyle(document.body).{name}")
    return sum(int(part) for part in text.removeprefix("rgb(").removesuffix(")").split(","))


def test_nothing_is_complained_of(browser):
    assert browser.complaints == []


def test_page_fits_a_phone_and_what_is_wide_scrolls_by_itself(browser):
    assert browser.value("innerWidth") == PHONE
    assert browser.value("document.documentElement.scrollWidth") <= PHONE
    browser.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.value("document.documentElement.scrollWidth") <= PHONE
    wide = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)"
    assert browser.value(f"{wide}.length") > 0, "else nothing was wide, and nothing was tested"
    styles = f"{wide}.every(e => getComputedStyle(e).overflowX === 'auto')"
    assert browser.value(styles)


def test_pictures_are_drawn_large_enough_to_read(browser):
    scales = browser.value(
        "[...document.querySelectorAll('figure svg')]"
        ".map(e => e.getBoundingClientRect().width / e.viewBox.baseVal.width)"
    )
    assert scales
    assert min(scales) > 0.75, "CSS pixels per point: letters of 10 points are at least 7.5 high"


def test_pictures_have_alternative_texts(browser):
    said = browser.value(
        "[...document.querySelectorAll('figure svg')].map(e => e.getAttribute('aria-label'))"
    )
    assert all(said)


def test_letters_of_pictures_are_seen_on_the_ground_that_they_stand_on(browser):
    for scheme in ("light", "dark"):
        browser.emulate(scheme=scheme)
        letters = browser.value(
            "[...document.querySelectorAll('figure svg text')]"
            ".map(e => getComputedStyle(e).fill).filter((x, i, all) => all.indexOf(x) === i)"
        )
        assert letters == [browser.value("getComputedStyle(document.body).color")]


def test_dark_to_those_who_prefer_it(browser):
    browser.emulate(scheme="light")
    assert colour(browser, "backgroundColor") > 600 > 300 > colour(browser, "color")
    browser.emulate(scheme="dark")
    assert colour(browser, "backgroundColor") < 150 < 600 < colour(browser, "color")


def test_printed_black_on_white_whatever_the_screen(browser):
    browser.emulate(media="print", scheme="dark")
    assert colour(browser, "color") == 0
    assert colour(browser, "backgroundColor") == 3 * 255
    pdf = base64.b64decode(browser.ask("Page.printToPDF")["data"])
    assert pdf.startswith(b"%PDF")
