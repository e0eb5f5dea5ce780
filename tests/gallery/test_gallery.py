"""Every script of the gallery runs to its end, and draws its picture."""

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


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_short_run_ends_with_a_picture(script, tmp_path):
    picture = tmp_path / "picture.png"
    done = subprocess.run(
        [sys.executable, "-W", "error", script, "--quick", "-o", picture],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"wrote {picture}" in done.stdout
    assert not re.search(r"\bnan\b", done.stdout), done.stdout
    pixels = imread(picture)[..., :3]
    assert min(pixels.shape[:2]) > 200
    # Axes and their labels are grey; what is drawn in them has colours.
    colored = (np.ptp(pixels, axis=-1) > 0.2).mean()
    assert colored > 2e-3, f"only {colored:.2%} of the picture has a colour"
