"""The page about a network: complete, safe, self-contained, and true to the results it shows."""

import base64
import hashlib
import html
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.reporting import _drawing, _figures

plotly = pytest.importorskip("plotly")
graph_objects = pytest.importorskip("plotly.graph_objects")

VOID = {"meta", "img", "br", "hr", "link", "input"}
#: Ends a script, opens a tag, and would run if it got into the page as it is.
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"'"


class Page(HTMLParser):
    """Reads a page: tags with their attributes, scripts, and texts by element."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.source = text
        self.tags = []
        self.scripts = []
        self.rows = []
        self.text = ""
        self._open = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), []))
        if tag == "tr":
            self.rows.append((dict(attrs), []))
        if tag in ("td", "th"):
            self.rows[-1][1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "script" in self._open:
            self.scripts[-1][1].append(data)
        elif "style" not in self._open:
            self.text += data
            if "td" in self._open or "th" in self._open:
                self.rows[-1][1][-1] += data

    @property
    def figures(self):
        (data,) = ("".join(parts) for attrs, parts in self.scripts if attrs.get("id") == "figures")
        return json.loads(data)["plots"]

    @property
    def code(self):
        return ["".join(parts) for attrs, parts in self.scripts if "type" not in attrs]

    @property
    def cycle_rows(self):
        return {int(a["data-cycle"]): cells for a, cells in self.rows if "data-cycle" in a}


def write(model, tmp_path, **options):
    options = {"progress": False, "n_steps": 500, **options}
    return Page(rd.report(model, tmp_path / "report.html", **options).read_text("utf-8"))


def with_colors(value):
    """Put colours where the page would look them up."""
    if isinstance(value, dict):
        return {name: with_colors(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [with_colors(entry) for entry in value]
    if isinstance(value, str) and value.startswith("@"):
        return _drawing.LIGHT[value[1:]]
    return value


def line_of_fixed_points():
    return rd.PLRNN(A=[0.5, 1.0, 0.3], W=np.zeros((3, 3)), h=[0.0, 0.0, 0.5])


def lstm():
    rng = np.random.default_rng(5)
    return rd.LSTM(rng.normal(size=(16, 2)), rng.normal(size=(16, 4)))


MODELS = {
    "one state": (rd.examples.tent_map, {"max_order": 4}),
    "two states": (lambda: rd.examples.lozi_map(1.7, 0.5), {"max_order": 5}),
    "ten states": (lambda: rd.examples.load("plrnn-10d"), {"max_order": 2}),
    "large multipliers": (lambda: rd.PLRNN([[40.0]], [[-80.0]], [1.0]), {"max_order": 4}),
    "a continuum": (line_of_fixed_points, {"max_order": 2}),
    "an LSTM": (lstm, {}),
    "a driven LSTM": (
        lstm,
        {"inputs": np.random.default_rng(1).normal(size=(2, 300, 2)), "n_steps": None},
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_plotly_accepts_every_figure(name, tmp_path):
    make, options = MODELS[name]
    page = write(make(), tmp_path, **options)
    assert "exponents" in page.figures or name == "large multipliers"
    for key, figure in page.figures.items():
        assert {attrs.get("id") for _, attrs in page.tags} >= {key, f"{key}-print"}
        # It refuses unknown attributes and wrong values.
        graph_objects.Figure(data=with_colors(figure["data"]), layout=with_colors(figure["layout"]))


def test_the_page_loads_nothing_and_runs_its_own_code_only(tmp_path, tent):
    page = write(tent, tmp_path, max_order=2)
    assert [
        name for name, attrs in page.tags if attrs.get("src") or name in ("link", "iframe")
    ] == []
    assert [a["href"] for _, a in page.tags if not a.get("href", "#").startswith("#")] == []
    assert not re.search(
        r"url\(|@import", "".join(re.findall(r"<style>(.*?)</style>", page.source))
    )
    (policy,) = (
        attrs["content"]
        for _, attrs in page.tags
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    hashes = set(re.findall(r"'sha256-([^']+)'", policy))
    assert hashes == {
        base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in page.code
    }
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


def test_what_a_model_file_says_is_shown_and_not_run(tmp_path, tent):
    quiet = write(tent, tmp_path, max_order=2)
    page = write(
        tent,
        tmp_path,
        max_order=2,
        title=HOSTILE,
        metadata={"note": HOSTILE, HOSTILE: [HOSTILE, {"a": 1}]},
    )
    assert page.text.count(HOSTILE) >= 3
    # Two more definitions, and not one tag or attribute besides.
    extra = ["h3", "dl", "dt", "dd", "dt", "dd"]
    assert sorted(tag for tag, _ in page.tags) == sorted([*(tag for tag, _ in quiet.tags), *extra])
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert page.code == quiet.code


def test_the_table_is_the_set_of_cycles(tmp_path):
    model = rd.examples.load("plrnn-10d")
    cycles = rd.find_cycles(model, max_order=10, n_threads=1)
    page = write(model, tmp_path, cycles=cycles)
    assert sorted(page.cycle_rows) == list(range(len(cycles)))
    for number, cycle in enumerate(cycles):
        cells = page.cycle_rows[number]
        assert cells[:3] == [str(number), str(cycle.order), cycle.stability]
        assert float(cells[3]) == pytest.approx(cycle.spectral_radius, rel=1e-5)
        assert float(cells[6]) == pytest.approx(cycle.error_bound, rel=0.06)
        assert cells[7] == "yes"
    said = repr(cycles).splitlines()[2 + len(cycles) :]
    assert len(said) >= 3
    for line in said:
        assert line in page.text
    shown = {
        row[0]: 0 for trace in page.figures["space"]["data"] for row in trace.get("customdata", [])
    }
    assert sorted(shown) == list(range(len(cycles)))


def test_the_figures_hold_the_points_multipliers_and_exponents(tmp_path):
    model = rd.examples.lozi_map(1.7, 0.5)
    spectrum = rd.lyapunov_spectrum(model, z0=[0.1, 0.1], n_steps=2000)
    cycles = rd.find_cycles(model, max_order=3)
    page = write(model, tmp_path, cycles=cycles, spectrum=spectrum)
    space, multipliers = page.figures["space"], page.figures["multipliers"]
    drawn = [
        (row[0], row[2], x, y)
        for trace in space["data"]
        if "customdata" in trace
        for row, x, y in zip(trace["customdata"], trace["x"], trace["y"], strict=True)
    ]
    assert len(drawn) == sum(cycle.order for cycle in cycles)
    for number, t, x, y in drawn:
        assert [x, y] == pytest.approx(cycles[number].points[t].tolist(), rel=1e-5)
    # All moduli of these cycles are below 5, so the scale is linear up to there.
    n_drawn = 0
    for trace in multipliers["data"][:-1]:
        for row, x, y in zip(trace["customdata"], trace["x"], trace["y"], strict=True):
            distance = np.abs(cycles[row[0]].multipliers - complex(x, y)).min()
            assert distance <= 1e-5 * max(1.0, abs(complex(x, y)))
            n_drawn += 1
    assert n_drawn == 2 * len(cycles)
    (circle,) = (s for s in multipliers["layout"]["shapes"] if s["line"]["dash"] == "solid")
    assert (circle["x0"], circle["x1"], circle["y0"], circle["y1"]) == (-1.0, 1.0, -1.0, 1.0)
    exponents = {
        x: (y, up, down)
        for trace in page.figures["exponents"]["data"]
        for x, y, up, down in zip(
            trace["x"],
            trace["y"],
            trace["error_y"]["array"],
            trace["error_y"]["arrayminus"],
            strict=True,
        )
    }
    lower, upper = spectrum.pooled_interval()
    for index in range(2):
        value, up, down = exponents[index + 1]
        assert value == pytest.approx(float(spectrum.pooled[index]), rel=1e-5)
        assert value + up == pytest.approx(float(upper[index]), rel=1e-4)
        assert value - down == pytest.approx(float(lower[index]), rel=1e-4)


def test_a_cycle_in_many_dimensions_keeps_its_distances(tmp_path):
    """Three components of points that lie in a space of three dimensions lose nothing."""
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    A = np.zeros((5, 5))
    A[:2, :2], A[2:4, 2:4] = 0.5 * turn, -0.5 * np.eye(2)
    model = rd.PLRNN(A, np.zeros((5, 5)), [1.0, 2.0, -1.0, 0.5, 0.0])
    page = write(model, tmp_path, max_order=1, n_orbits=3)
    (orbits, *_) = page.figures["space"]["data"]
    drawn = np.column_stack([orbits[axis] for axis in "xyz"])
    assert np.isfinite(drawn).all()
    title = page.figures["space"]["layout"]["scene"]["xaxis"]["title"]["text"]
    assert re.fullmatch(r"component 1 \(\d+%\)", title)


def test_huge_multipliers_keep_their_size(tmp_path):
    page = write(rd.PLRNN([[40.0]], [[-80.0]], [1.0]), tmp_path, max_order=3)
    figure = page.figures["multipliers"]
    for trace in figure["data"][:-1]:
        for (_, order, text), x, y in zip(trace["customdata"], trace["x"], trace["y"], strict=True):
            assert math.hypot(x, y) == pytest.approx(1.0 + order * math.log10(40.0), rel=1e-5)
            assert abs(float(text)) == pytest.approx(40.0**order, rel=1e-4)


def test_a_large_set_is_shortened_and_says_so(tmp_path, lozi):
    cycles = rd.find_cycles(lozi, max_order=9)
    page = write(lozi, tmp_path, cycles=cycles, max_cycles=5)
    assert sorted(page.cycle_rows) == [0, 1, 2, 3, 4]
    assert f"5 of {len(cycles):,} cycles are listed and drawn here, stable ones first" in page.text
    whole = write(lozi, tmp_path, cycles=cycles)
    assert len(whole.cycle_rows) == len(cycles)
    assert "are listed and drawn here" not in whole.text


def test_stable_cycles_are_never_cut_before_others(tmp_path):
    model = rd.examples.load("plrnn-10d")
    page = write(model, tmp_path, max_order=2, max_cycles=1)
    (cells,) = page.cycle_rows.values()
    assert cells[2] == "stable"


def test_a_network_without_cycles_to_search_says_why(tmp_path):
    henon = rd.DifferentiableMap(
        lambda z: np.stack([1.0 - 1.4 * z[:, 0] ** 2 + z[:, 1], 0.3 * z[:, 0]], axis=1),
        lambda z: np.stack(
            [
                np.stack([-2.8 * z[:, 0], np.ones(len(z))], axis=1),
                np.tile([0.3, 0.0], (len(z), 1)),
            ],
            axis=1,
        ),
        2,
    )
    page = write(henon, tmp_path)
    assert "Cycles are searched of piecewise linear, tanh, GRU and LSTM networks only" in page.text
    assert set(page.figures) == {"space", "exponents", "convergence"}
    assert "completeness" not in {attrs.get("id") for _, attrs in page.tags}


def test_a_relu_network_is_searched_under_its_constant_input(tmp_path):
    network = rd.RNN([[1.0]], [[-2.0]], nonlinearity="relu")
    page = write(network, tmp_path, max_order=1, inputs=[1.0])
    (trace, _) = (t for t in page.figures["space"]["data"] if t["mode"] == "markers")
    assert trace["x"] == [pytest.approx(1.0 / 3.0, rel=1e-5)]


def test_where_all_orbits_diverge_the_page_says_so(tmp_path):
    page = write(rd.PLRNN(A=[[2.0]], W=[[0.0]], h=[1.0]), tmp_path, max_order=1, n_steps=5000)
    assert "There are no Lyapunov exponents:" in page.text
    assert "exponents" not in page.figures
    assert list(page.cycle_rows) == [0]


def test_it_says_how_it_was_made_and_what_to_cite(tmp_path, tent):
    page = write(tent, tmp_path, max_order=2, seed=11)
    for word in (rd.__version__, np.__version__, plotly.__version__, "seed11"):
        assert word in page.text
    cited = rd.cite(tent, rd.find_cycles(tent, max_order=2), rd.lyapunov_spectrum(tent, z0=[0.1]))
    for citation in cited:
        assert citation.reference.text in page.text
        assert html.unescape(citation.reference.bibtex) in page.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "report.txt"}, r"must end in \.html or \.htm"),
        ({"path": "no/folder.html"}, "there is no folder no"),
        ({"n_orbits": -1}, "n_orbits must be between 0 and 1"),
        ({"max_cycles": 0}, "max_cycles must be between 1 and"),
        ({"max_order": 0}, "max_order must be between 1 and"),
        ({"inputs": [1.0]}, "this PLRNN has no external input: leave out inputs"),
        ({"inputs": [[1.0]]}, "external input"),
    ],
)
def test_wrong_arguments_are_named(options, message, tmp_path, tent, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"path": "report.html", "progress": False, **options}
    with pytest.raises(ValueError, match=message):
        rd.report(tent, **options)
    assert list(tmp_path.iterdir()) == []


def test_results_of_another_model_are_refused(tmp_path, tent, lozi):
    path = tmp_path / "report.html"
    with pytest.raises(ValueError, match="cycles must be those of the model"):
        rd.report(tent, path, cycles=rd.find_cycles(lozi, max_order=1))
    with pytest.raises(ValueError, match="spectrum must be that of the model with 1 states"):
        rd.report(tent, path, max_order=1, spectrum=rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1]))
    with pytest.raises(ValueError, match="either cycles or the orders"):
        rd.report(tent, path, max_order=1, cycles=rd.find_cycles(tent, max_order=1))
    with pytest.raises(TypeError, match="cycles must be a CycleSet, got list"):
        rd.report(tent, path, cycles=[])
    assert not path.exists()


def three_attractors():
    """Return a map with the stable points 2 and -2 in the first state, and a rotation beside."""
    turn = 2.0 * np.pi * (np.sqrt(5.0) - 1.0) / 2.0
    A = np.zeros((3, 3))
    A[0, 0] = 0.5
    A[1:, 1:] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return rd.PiecewiseLinearMap(
        A,
        [[1.0, -1.0], [0.0, 0.0], [0.0, 0.0]],
        [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]],
        [-1.0, 0.0, 0.0],
        [1.0, -1.0],
    )


def attractor_rows(page):
    start = [cells for _, cells in page.rows].index(
        ["attractor", "orbits", "largest exponent", "standard error"]
    )
    return [cells for _, cells in page.rows[start + 1 :] if len(cells) == 4]


def test_each_attractor_has_its_largest_exponent(tmp_path):
    model = rd.PiecewiseLinearMap(
        A=[[0.5]], W1=[[1.0, -1.0]], W2=[[1.0], [1.0]], h1=[-1.0], h2=[1.0, -1.0]
    )
    page = write(model, tmp_path, max_order=2, n_orbits=40)
    rows = [row for row in attractor_rows(page) if row[0].startswith("cycle")]
    assert len(rows) == 2
    assert sum(int(row[1]) for row in rows) == 40
    assert min(int(row[1]) for row in rows) > 0
    for row in rows:
        assert float(row[2]) == pytest.approx(math.log(0.5), rel=1e-5)
        assert row[3] == "exact"
    assert "of 2 attractors" in page.text


def test_a_chaotic_attractor_has_an_exponent_beside_those_of_the_cycles(tmp_path, lozi):
    page = write(lozi, tmp_path, max_order=3)
    row = next(row for row in attractor_rows(page) if row[0] == "no cycle: chaos")
    assert abs(float(row[2]) - 0.4702) < 6.0 * float(row[3]) < 0.1


def test_orbits_show_an_attractor_that_was_not_searched(tmp_path):
    """The cycle of order 10 lies beyond what is around the three fixed points."""
    model = rd.examples.load("plrnn-10d")
    (cycle,) = [c for c in rd.find_cycles(model, orders=[10]) if c.stability == "stable"]
    page = write(model, tmp_path, max_order=2)
    row = next(row for row in attractor_rows(page) if "order 10" in row[0])
    assert row[0] == "a cycle of order 10 that is not listed"
    assert int(row[1]) > 0
    assert float(row[2]) == pytest.approx(cycle.log_spectral_radius / 10, rel=1e-3)


def test_orbits_that_run_away_are_counted(tmp_path):
    page = write(rd.PLRNN(A=[[1.5]], W=[[0.0]], h=[0.1]), tmp_path, max_order=1, n_steps=5000)
    assert "There are no Lyapunov exponents" in page.text
    assert "12 of them ran away" in page.text


def test_where_the_time_is_over_the_page_says_that_it_could_not_be_told(tmp_path):
    network = rd.RNN(np.ones((60, 1)), np.eye(60) * 0.5)
    cycles = rd.find_cycles(network, max_order=1)
    spectrum = rd.lyapunov_spectrum(network, n_steps=20, n_exponents=1)
    page = write(network, tmp_path, cycles=cycles, spectrum=spectrum, time_limit=1e-9, n_steps=None)
    assert "ran away" not in page.text
    assert "Of 12 it could not be told." in page.text


def trace_of(figure, name):
    (trace,) = (trace for trace in figure["data"] if trace.get("name") == name)
    return trace


def test_data_lie_over_the_orbits(tmp_path, lozi):
    data = lozi.orbit([0.1, 0.1], 50)[10:]
    trace = trace_of(write(lozi, tmp_path, max_order=2, data=data).figures["space"], "data")
    assert np.column_stack([trace["x"], trace["y"]]) == pytest.approx(data, rel=1e-5)
    page = write(lozi, tmp_path, max_order=2, data=np.stack([data, data]))
    assert "Violet: the data, 2 sequences." in page.text


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_readout_has_a_figure_with_the_data(tmp_path, lozi, n):
    rng = np.random.default_rng(n)
    weights, bias = rng.normal(size=(n, 2)), rng.normal(size=n)
    data = lozi.orbit([0.1, 0.1], 60)[10:] @ weights.T + bias
    page = write(lozi, tmp_path, max_order=2, readout=(weights, bias), data=data)
    figure = page.figures["output"]
    assert "data" not in {trace.get("name") for trace in page.figures["space"]["data"]}
    trace = trace_of(figure, "data")
    drawn = np.column_stack([trace[axis] for axis in "xyz" if axis in trace])
    if n == 1:
        assert drawn == pytest.approx(np.hstack([data[:-1], data[1:]]), rel=1e-4, abs=1e-5)
    if n == 2:
        assert drawn == pytest.approx(data, rel=1e-4, abs=1e-5)
    if n == 5:
        # Five outputs of two states lie in a plane: components keep all distances.
        apart = np.linalg.norm(data[:, None] - data[None], axis=2)
        assert np.linalg.norm(drawn[:, None] - drawn[None], axis=2) == pytest.approx(
            apart, rel=1e-3, abs=1e-4
        )
    # Cycles are read out as well: of a fixed point, its output.
    fixed = next(c for c in rd.find_cycles(lozi, max_order=2) if c.order == 1)
    expected = fixed.read_out(weights, bias)[0]
    points = [
        (x, y)
        for t in figure["data"]
        for row, x, y in zip(t.get("customdata", []), t.get("x", []), t["y"], strict=False)
        if row[1] == 1
    ]
    if n == 1:
        assert any(np.allclose(point, expected[[0, 0]], rtol=1e-4) for point in points)
    if n == 2:
        assert any(np.allclose(point, expected, rtol=1e-4) for point in points)
    graph_objects.Figure(data=with_colors(figure["data"]), layout=with_colors(figure["layout"]))


def test_many_points_of_data_are_thinned_and_the_page_says_so(tmp_path, tent):
    page = write(tent, tmp_path, max_order=1, data=np.linspace(0.0, 1.0, 20_000)[:, None])
    assert "One of 4 of their 20,000 points is drawn." in page.text
    assert len(trace_of(page.figures["space"], "data")["x"]) == 5000


def test_a_readout_may_be_that_of_the_last_layer(tmp_path):
    rng = np.random.default_rng(0)
    model = rd.LSTM(
        [rng.normal(size=(12, 2)), rng.normal(size=(12, 3))],
        [rng.normal(size=(12, 3)), rng.normal(size=(12, 3))],
    )
    weights = rng.normal(size=(2, 3))
    page = write(model, tmp_path, readout=weights, n_orbits=1)
    trace = trace_of(page.figures["output"], "1 orbit")
    whole = np.zeros((2, 12))
    whole[:, 6:9] = weights
    other = write(model, tmp_path, readout=whole, n_orbits=1)
    assert trace == trace_of(other.figures["output"], "1 orbit")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": [1.0, 2.0]}, r"data must have shape \(T, 2\) or \(B, T, 2\)"),
        ({"data": np.zeros((5, 3))}, "where they are outputs, give readout as well"),
        ({"data": np.zeros((0, 2))}, r"got shape \(0, 2\)"),
        ({"data": np.zeros((5, 3)), "readout": np.eye(2)}, "one for each output of readout"),
        ({"readout": np.zeros((3, 4))}, r"readout must be weights of shape \(n, 2\)"),
        ({"readout": (np.eye(2), [1.0])}, r"the bias of readout must have shape \(2,\)"),
    ],
)
def test_wrong_data_and_readouts_are_named(options, message, tmp_path, lozi):
    with pytest.raises(ValueError, match=message):
        rd.report(lozi, tmp_path / "report.html", progress=False, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_linear_layer_of_torch_is_a_readout(tmp_path, lozi):
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(2, 2)
    weights, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    one = write(lozi, tmp_path, max_order=1, readout=layer).figures["output"]
    assert one == write(lozi, tmp_path, max_order=1, readout=(weights, bias)).figures["output"]


def test_components_are_those_of_the_attractors(tmp_path):
    """A saddle far off gives a component only where the attractors leave one over."""
    A = np.diag([0.5, 0.5, 0.5, 0.5])
    model = rd.PiecewiseLinearMap(
        A,
        [[1.0, -1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
        [[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]],
        [-1.0, 0.0, 0.0, 0.0],
        [1.0, -1.0],
    )
    page = write(model, tmp_path, max_order=1)
    axes = page.figures["space"]["layout"]["scene"]
    assert axes["xaxis"]["title"]["text"] == "component 1 (100%)"
    for axis in "yz":
        assert "%" not in axes[f"{axis}axis"]["title"]["text"]


def test_exponents_that_lie_on_each_other_share_a_name(tmp_path):
    A = np.diag([0.5, 0.5, 0.25])
    spectrum = rd.lyapunov_spectrum(rd.PLRNN(A, np.zeros((3, 3)), np.ones(3)), n_steps=500)
    names = [trace["name"] for trace in _figures.convergence(spectrum)["data"]]
    assert names == ["λ1, λ2: −0.6931", "λ3: −1.386"]
