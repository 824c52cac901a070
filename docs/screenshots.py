"""Make a picture of a run's page for the README: its head, its answer and its first figures.

    python docs/screenshots.py RUN NAME [N_FIGURES]

takes the folder of a run, ``runs/...``, and writes ``docs/images/NAME.png``, with a headless
Chromium (Debian: apt install chromium).
"""

import base64
import io
import sys
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser import Browser, installed  # noqa: E402  # it lies beside the tests

WIDTH = 900  # CSS pixels
MOST_BYTES = 150_000
KEPT = ["h1", ".soft", ".answer"]
REDUCE = """(() => {
    const kept = [...document.querySelectorAll('%s'), ...[...document.querySelectorAll('figure')]
        .slice(0, %d)];
    document.querySelectorAll('body > *').forEach(e => kept.includes(e) || e.remove());
    document.querySelectorAll('figcaption').forEach(e => e.remove());
    document.body.style.margin = '1rem auto';
    return document.body.getBoundingClientRect().bottom + 16;
})()"""


def main(run: str, name: str, n_figures: str = "1") -> None:
    """Write the picture of a run's page."""
    path = installed()
    if path is None:
        sys.exit("no Chromium is installed (Debian: apt install chromium)")
    page = (Path(run) / "report.html").resolve()
    if not page.is_file():
        sys.exit(f"{page}: no report here; expected the folder of a finished run")
    with Browser(path) as browser:
        browser.emulate()
        browser.open(page.as_uri(), WIDTH)
        height = browser.value(REDUCE % (", ".join(KEPT), int(n_figures)))
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 1}
        shot = browser.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
    picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    out = HERE / "images" / f"{name}.png"
    out.parent.mkdir(exist_ok=True)
    # The usual median cut takes a colour that is rare for the one beside it.
    file = io.BytesIO()
    picture.quantize(256, Image.Quantize.MAXCOVERAGE).save(file, "PNG", optimize=True)
    size = len(file.getvalue())
    if size > MOST_BYTES:
        sys.exit(f"{out}: found {size} bytes, expected at most {MOST_BYTES}: take fewer figures")
    out.write_bytes(file.getvalue())
    print(f"{out}: {size} bytes")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
