"""Every script of the gallery runs to its end, and draws its picture.

The build of the documentation makes the same runs. Where ``RNNDYN_BUILT_SITE`` names the folder of
the documentation after a build, what that wrote is looked at instead of a second run.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rnndyn

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from matplotlib.image import imread

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
#: Where the package under test is, whatever else is installed.
PACKAGES = Path(rnndyn.__file__).parents[1]
SCRIPTS = sorted(GALLERY.glob("*.py"))


def test_the_gallery_is_found_and_every_script_is_listed_on_its_page():
    listed = re.findall(r"\* - ``(\w+)\.py``", (GALLERY / "README.rst").read_text("utf-8"))
    assert sorted(listed) == [script.stem for script in SCRIPTS]


def short_run(script, folder):
    """Run the script; return its picture and what it printed."""
    picture = folder / "picture.png"
    done = subprocess.run(
        [sys.executable, "-W", "error", script, "--quick", "-o", picture],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"wrote {picture}" in done.stdout
    return picture, done.stdout


def run_of_the_site(script, docs):
    """Return the same of the build of the documentation, which a script that fails would end."""
    page = (docs / "auto" / "gallery" / f"{script.stem}.rst").read_text("utf-8")
    block = r"^ *\.\. rst-class:: sphx-glr-script-out\n\n *\.\. code-block:: none\n((?:\n| .*\n)*)"
    printed = "".join(re.findall(block, page, re.MULTILINE))
    picture = docs / "_build" / "pictures" / f"{script.stem}.png"
    assert re.search(rf"wrote \S*{picture.name}$", printed, re.MULTILINE), printed
    return picture, printed


@pytest.mark.programs
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_short_run_ends_with_a_picture(script, tmp_path):
    if site := os.environ.get("RNNDYN_BUILT_SITE"):
        picture, printed = run_of_the_site(script, Path(site))
    else:
        picture, printed = short_run(script, tmp_path)
    assert not re.search(r"\bnan\b", printed), printed
    pixels = imread(picture)[..., :3]
    assert min(pixels.shape[:2]) > 200
    # Axes and their labels are grey; what is drawn in them has colours.
    colored = (np.ptp(pixels, axis=-1) > 0.2).mean()
    assert colored > 2e-3, f"only {colored:.2%} of the picture has a colour"
