"""The report in a real browser: on a phone, in the dark, on paper."""

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser import Browser, installed

if TYPE_CHECKING:
    from qrec.runner.run import Run

PHONE = 390  # CSS pixels


@pytest.fixture(scope="module")
def browser(small_run: "Run") -> Iterator[Browser]:
    path = installed()
    if path is None:
        pytest.skip("needs a browser: no Chromium is installed (Debian: apt install chromium)")
    with Browser(path) as browser:
        browser.open((small_run.folder.path / "report.html").as_uri(), PHONE)
        yield browser


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
    widths = browser.value(
        "[...document.querySelectorAll('svg')].map(e => e.getBoundingClientRect().width)"
    )
    assert widths
    assert min(widths) > 500


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
