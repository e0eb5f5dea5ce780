"""Make the pictures of reports in docs/images: three networks, each at three widths of a screen.

    python docs/report_pictures.py

It needs Chromium and Pillow. Look at each picture before you commit it.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import rnndyn as rd

IMAGES = Path(__file__).parent / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: Width of the screen and height of the part that is shown, in pixels.
SCREENS = ((1280, 2500), (1920, 2500), (390, 2500))
#: Colours of a picture: pages have few, and files become small.
N_COLORS = 200


def relu_network() -> rd.ReLURNN:
    """Return a ReLU RNN with six units whose orbits are chaotic."""
    rng = np.random.default_rng(13)
    return rd.ReLURNN(rng.normal(size=(6, 6)) * 1.4 / np.sqrt(6), rng.normal(size=6))


def gru_network() -> rd.GRU:
    """Return a GRU with four units and three stable fixed points."""
    rng = np.random.default_rng(3)
    return rd.GRU(
        rng.normal(size=(12, 2)),
        rng.normal(size=(12, 4)) * 2.5,
        rng.normal(size=12) * 0.3,
        rng.normal(size=12) * 0.3,
    )


def write_pages(folder: Path) -> list[Path]:
    """Write the three reports."""
    relu, plrnn, gru = relu_network(), rd.examples.load("plrnn-10d"), gru_network()
    # Data as somebody would have measured them: outputs on the attractor, with noise.
    rng = np.random.default_rng(0)
    readout = rng.normal(size=(2, 6))
    states = relu.orbit(np.zeros(6), 2500)[500:]
    data = states @ readout.T
    data += 0.05 * data.std(axis=0) * rng.normal(size=data.shape)
    return [
        rd.report(relu, folder / "relu.html", max_order=8, readout=readout, data=data,
                  title="A ReLU RNN with six units", progress=False),
        rd.report(plrnn, folder / "plrnn.html", max_order=10, title="plrnn-10d", progress=False),
        rd.report(gru, folder / "gru.html", title="A GRU with four units", progress=False),
    ]  # fmt: skip


def screenshot(page: Path, width: int, height: int, target: Path) -> None:
    """Take a picture of the top of a page on a screen of this width."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        sys.exit("there is no Chromium here; on Debian: apt-get install chromium")
    # A window cannot be narrower than 500 pixels, a frame in it can.
    frame = page.with_name(f"{page.stem}_{width}.html")
    style = f"border:0;width:{width}px;height:{height}px"
    frame.write_text(
        f'<!DOCTYPE html><body style="margin:0"><iframe src="{page.as_uri()}" style="{style}">'
    )
    subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
            "--disable-background-networking",
            "--hide-scrollbars",
            f"--user-data-dir={page.parent / 'profile'}",
            "--virtual-time-budget=60000",
            f"--window-size={max(width, 500)},{height}",
            f"--screenshot={target}",
            frame.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )


def main() -> None:
    """Make all pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for page in write_pages(folder):
            for width, height in SCREENS:
                target = folder / "picture.png"
                screenshot(page, width, height, target)
                with Image.open(target) as picture:
                    small = picture.convert("RGB").crop((0, 0, width, height))
                if width > 1000:
                    small = small.resize((small.width // 2, small.height // 2), Image.LANCZOS)
                small = small.quantize(
                    N_COLORS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
                )
                small.save(IMAGES / f"report_{page.stem}_{width}.png", optimize=True)


if __name__ == "__main__":
    main()
