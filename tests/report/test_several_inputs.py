"""A page about a network under one of several constant inputs."""

from pathlib import Path

import pytest

import rnndyn as rd

BIT = rd.RNN([[1.0]], [[2.0]])
RELU = rd.RNN([[1.0]], [[-2.0]], nonlinearity="relu")
INPUTS = [[0.0], [0.3], [0.8]]


@pytest.mark.parametrize("relu", [False, True])
def test_a_table_of_all_and_the_rest_about_one(relu: bool, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    model = RELU if relu else BIT
    found = rd.find_fixed_points(model, INPUTS)
    options = {"n_steps": 200, "n_orbits": 2, "progress": False}
    page = rd.report(model, tmp_path / "all.html", cycles=found, inputs=[0.8], **options)
    text = page.read_text("utf-8")
    assert '<section id="inputs"><h2>Several inputs</h2>' in text
    assert "on this page is about input 2." in text
    assert "under 3 constant inputs" in text
    alone = rd.report(model, tmp_path / "one.html", cycles=found[2], inputs=[0.8], **options)
    assert "Several inputs" not in alone.read_text("utf-8")
    first = rd.report(model, tmp_path / "first.html", cycles=found, **options)
    assert "on this page is about input 0." in first.read_text("utf-8")
    with pytest.raises(ValueError, match="inputs must be one of the inputs of cycles"):
        rd.report(model, tmp_path / "none.html", cycles=found, inputs=[0.5], **options)
