"""Tables for LaTeX: the rows are the cycles, and the text is what TeX can read."""

import re

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.cycles._latex import COLUMNS
from rnndyn.cycles.cycle import conjugate_pairs


def rows(table):
    """Return the cells between the first and the last rule."""
    (body,) = re.findall(
        r"\\midrule\n(.*?)\\(?:bottomrule|end)", table.split("endlastfoot")[0], re.S
    )
    return [line.removesuffix(r" \\").split(" & ") for line in body.strip().splitlines()]


def value(cell):
    """Read a number in math mode."""
    cell = cell.strip("$")
    match = re.fullmatch(r"(-?[\d.]+)(?: \\times 10\^\{(-?\d+)\})?", cell)
    assert match, cell
    return float(match[1]) * 10.0 ** int(match[2] or 0)


def test_every_cycle_has_its_row(lozi):
    cycles = rd.find_cycles(lozi, max_order=5)
    names = ["order", "stability", "spectral_radius", "margin", "residual", "error_bound", "hits"]
    table = cycles.to_latex(names, digits=6)
    assert table.startswith("\\begin{tabular}{rlrrrrr}\n\\toprule\norder & stability & spectral")
    assert table.endswith("\\bottomrule\n\\end{tabular}\n")
    assert len(rows(table)) == len(cycles)
    for cells, cycle in zip(rows(table), cycles, strict=True):
        assert cells[:2] == [str(cycle.order), cycle.stability]
        assert value(cells[2]) == pytest.approx(cycle.spectral_radius, rel=1e-5)
        assert value(cells[3]) == pytest.approx(cycle.margin, rel=1e-5)
        assert value(cells[4]) == pytest.approx(cycle.residual, rel=0.06)
        assert value(cells[5]) == pytest.approx(cycle.error_bound, rel=0.06)
        assert cells[6] == str(cycle.hits)


def test_complex_pairs_are_written_once():
    model = rd.PLRNN([[0.5, -0.25], [0.25, 0.5]], np.zeros((2, 2)), [1.0, 1.0])
    (cells,) = rows(rd.find_cycles(model, max_order=1).to_latex(["multipliers"]))
    assert cells == [r"$0.5 \pm 0.25\,\mathrm{i}$"]


def test_pairs_are_found_among_other_multipliers():
    values = np.array([2j, -2j, 1.5, 1 + 1j, 1 - 1j, -0.5, 0.5, 0.0])
    assert list(conjugate_pairs(values)) == [
        (0, True), (2, False), (3, True), (5, False), (6, False), (7, False),
    ]  # fmt: skip
    # Two pairs of one modulus that rounding has put in the wrong order: each is written alone.
    mixed = np.array([2j, 1.2 + 1.6j, -2j, 1.2 - 1.6j])
    assert list(conjugate_pairs(mixed)) == [(0, False), (1, False), (2, False), (3, False)]


def test_multipliers_beyond_the_range_of_numbers_keep_their_size():
    model = rd.PLRNN(A=[[40.0]], W=[[-80.0]], h=[1.0])
    cycle = rd.solve_cycle(model, [[True]] * 199 + [[False]])
    assert np.isinf(cycle.spectral_radius)
    # 200 log10(40) = 320.412
    assert COLUMNS["spectral_radius"].cell(cycle, 4) == r"$2.582 \times 10^{320}$"
    assert COLUMNS["multipliers"].cell(cycle, 4) == r"$|2.582 \times 10^{320}|$"


def test_a_float_has_its_caption_and_label(tent):
    cycles = rd.find_cycles(tent, max_order=1)
    table = cycles.to_latex(environment="table", caption="Cycles of $F$.", label="tab:f")
    lines = table.splitlines()
    assert lines[:4] == [
        r"\begin{table}", r"\centering", r"\caption{Cycles of $F$.}", r"\label{tab:f}",
    ]  # fmt: skip
    assert lines[4] == r"\begin{tabular}{rlrrl}"
    assert lines[-2:] == [r"\end{tabular}", r"\end{table}"]


def test_a_long_table_repeats_its_head(lozi):
    cycles = rd.find_cycles(lozi, max_order=8)
    table = cycles.to_latex(["order"], environment="longtable", caption="Cycles")
    assert table.count("order \\\\\n") == 2
    assert table.count(r"\caption") == 1
    assert table.index(r"\caption") < table.index(r"\endfirsthead") < table.index(r"\endhead")
    body = table.split("\\endlastfoot\n")[1].removesuffix("\\end{longtable}\n")
    assert body.splitlines() == [rf"{cycle.order} \\" for cycle in cycles]


def test_every_environment_and_brace_is_closed(lozi):
    cycles = rd.find_cycles(lozi, max_order=4)
    for environment in ("tabular", "table", "longtable"):
        table = cycles.to_latex(list(COLUMNS), environment=environment)
        assert table.count("{") == table.count("}")
        assert table.count("$") % 2 == 0
        stack = []
        for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", table):
            if kind == "begin":
                stack.append(name)
            else:
                assert stack.pop() == name
        assert stack == []
        # An underscore or a percent sign outside of math mode stops TeX, or hides what follows.
        assert not re.search(r"(?<!\\)[_%#]", re.sub(r"\$.*?\$", "", table))


def test_an_empty_set_is_a_table_without_rows(tent):
    empty = rd.find_cycles(tent, max_order=2).stable
    assert empty.to_latex(["order"]) == (
        "\\begin{tabular}{r}\n\\toprule\norder \\\\\n\\midrule\n\\bottomrule\n\\end{tabular}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((["order", "size"],), {}, "columns must be some of order, stability, .*'size'"),
        (("order",), {}, "columns must be some of"),
        (([],), {}, "columns must be some of"),
        ((), {"environment": "array"}, "environment must be one of tabular, table, longtable"),
        ((), {"caption": "x"}, "a caption or label needs environment='table' or 'longtable'"),
        ((), {"digits": 0}, "digits must be between 1 and 17, got 0"),
    ],
)
def test_wrong_arguments_are_named(arguments, options, message, tent):
    with pytest.raises(ValueError, match=message):
        rd.find_cycles(tent, max_order=1).to_latex(*arguments, **options)
