"""Every figure looks as it did: compared with small pictures that were looked at."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")
compare = pytest.importorskip("matplotlib.testing.compare")
pyplot = pytest.importorskip("matplotlib.pyplot")
pictures = pytest.importorskip("pictures")

#: Root mean square difference of the pixels, of 255. Another processor or compiler moves a computed
#: point by rounding only, which changes the shade of some pixels at the edges of lines: below 0.5.
#: A missing marker of 6 pixels or one letter in a picture of 336 x 276 pixels is above 1.
TOLERANCE = 0.8

drawn_with = pictures.VERSION_FILE.read_text("utf-8").strip()


def test_every_baseline_is_compared():
    files = {path.stem for path in pictures.BASELINE.glob("*.png")}
    assert files == set(pictures.PICTURES)


@pytest.mark.skipif(
    pictures.drawn_with() != drawn_with,
    reason=f"the baselines were drawn with matplotlib {drawn_with}, this is "
    f"{pictures.drawn_with()}, which may draw text and lines a little differently",
)
@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_figure_looks_as_it_did(name, tmp_path):
    path = tmp_path / f"{name}.png"
    pictures.draw(name, path)
    assert compare.compare_images(pictures.BASELINE / f"{name}.png", path, TOLERANCE) is None


def test_the_comparison_sees_a_missing_marker(tmp_path):
    """The tolerance is small enough: one marker less is a difference."""
    paths = [tmp_path / "first.png", tmp_path / "second.png"]
    for number, path in enumerate(paths):
        with pictures.plain_style():
            axes = pictures.PICTURES["multipliers"]()
            if number:
                axes.collections[-1].set_offsets(np.empty((0, 2)))
            axes.figure.savefig(path, dpi=pictures.DPI)
            pyplot.close(axes.figure)
    assert compare.compare_images(*paths, TOLERANCE) is not None
