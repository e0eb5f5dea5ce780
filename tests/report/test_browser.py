"""The page in a real browser: its code runs, draws every figure, and nothing is refused.

Skipped where there is no Chromium; on Debian it comes with `apt-get install chromium`.
"""

import os
import re
import shutil
import subprocess

import numpy as np
import pytest

import rnndyn as rd

pytest.importorskip("plotly")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)
HOSTILE = "</script><script>document.title='owned'</script>"

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here"),
]


def opened(path, tmp_path, *options):
    """Return the page after its code ran, as the browser would write it."""
    done = subprocess.run(
        [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
            "--disable-background-networking",
            # Whatever asked for a network would fail and be logged.
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr",
            "--virtual-time-budget=120000",
            "--dump-dom",
            *options,
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        # A sanitizer that is preloaded into Python would be into the browser as well, which hangs.
        env={name: value for name, value in os.environ.items() if name != "LD_PRELOAD"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    complaints = [
        line
        for line in done.stderr.splitlines()
        if "CONSOLE" in line and re.search(r"error|refused|violat|denied", line, re.IGNORECASE)
    ]
    assert complaints == []
    return done.stdout


@pytest.mark.parametrize("name", ["plane", "space"])
def test_every_figure_is_drawn(name, tmp_path):
    model = {
        "plane": lambda: rd.examples.lozi_map(1.7, 0.5),
        "space": lambda: rd.PLRNN(
            0.5 * np.eye(3), [[0, -2, 0], [0, 0, -2], [-2, 0, 0]], [1.0, 1.0, 1.0]
        ),
    }[name]()
    path = rd.report(
        model,
        tmp_path / "report.html",
        max_order=4,
        n_steps=500,
        n_orbits=3,
        title=HOSTILE,
        metadata={"note": HOSTILE},
        progress=False,
    )
    # Without the code, which holds the words that are looked for.
    dom = re.sub(r"<script.*?</script>", "", opened(path, tmp_path), flags=re.DOTALL)
    assert re.search(r'<html[^>]* data-ready="true"', dom), "the page did not finish"
    assert "could not be drawn" not in dom
    assert len(re.findall(r'class="plot [^"]*drawn', dom)) == 4
    assert len(re.findall(r'<img class="print"[^>]* src="data:image/png;base64,', dom)) == 4
    # What plotly.js draws: vectors in the plane, WebGL in space.
    assert dom.count('class="main-svg"') >= 4
    assert ("gl-container" in dom and "<canvas" in dom) or name == "plane"
    assert "<title>&lt;/script&gt;" in dom


#: Writes how wide the table of cycles is, and how much of it shows, into the page.
RULER = """<script>addEventListener("load", () => {
  const box = document.querySelector(".tall");
  document.body.dataset.table = box.scrollWidth + " of " + box.clientWidth;
  document.body.dataset.page = document.documentElement.scrollWidth - innerWidth;
});</script></body>"""


@pytest.mark.parametrize(("width", "is_whole"), [(1280, True), (1920, True), (500, False)])
def test_the_table_of_cycles_is_whole_on_a_screen(width, is_whole, tmp_path):
    """From 1280 pixels on nothing is cut; below it scrolls by itself, and the page never does."""
    model = rd.examples.load("plrnn-10d")
    path = rd.report(model, tmp_path / "report.html", max_order=3, n_steps=500, progress=False)
    text = path.read_text("utf-8")
    policy = re.search(r"<meta http-equiv=[^>]*>", text)[0]
    path.write_text(text.replace(policy, "").replace("</body>", RULER), "utf-8")
    dom = opened(path, tmp_path, f"--window-size={width},1200")
    wide, shown = map(int, re.search(r'data-table="(\d+) of (\d+)"', dom).groups())
    assert (wide <= shown) == is_whole
    assert int(re.search(r'data-page="(-?\d+)"', dom)[1]) <= 0


def test_a_page_is_small(tmp_path):
    model = rd.examples.load("plrnn-10d")
    path = rd.report(model, tmp_path / "report.html", n_steps=500, progress=False)
    assert path.stat().st_size < 3_000_000
