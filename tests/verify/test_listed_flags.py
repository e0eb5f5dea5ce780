"""What a certificate says of its cycles, beside where they are: all of it is checked."""

import dataclasses

import numpy as np
import pytest

import rnndyn as rd


def certificate_of(model, order, **options):
    found = rd.find_cycles(model, order, method="complete", keep_tree=True, **options)
    assert found.certificate.status == "proved"
    assert found.certificate.verify(model).confirmed
    return found.certificate


def refused(certificate, model, number, **columns):
    cycles = list(certificate.cycles)
    cycles[number] = dataclasses.replace(cycles[number], **columns)
    verdict = dataclasses.replace(certificate, cycles=tuple(cycles)).verify(model)
    return "" if verdict.confirmed else verdict.reasons[0]


TENT = rd.PLRNN([[2.0]], [[-4.0]], [1.0])
#: A stable fixed point on a border: F(z) = z / 2 - relu(z).
BORDER = rd.PLRNN([0.5], [[-1.0]], [0.0])


def test_inner_cycles():
    certificate = certificate_of(TENT, 3)
    for number, block in enumerate(certificate.cycles):
        ones, zeros = np.ones(len(block), dtype=bool), np.zeros(len(block), dtype=bool)
        assert block.certified.all()
        assert "certified and to lie on a border" in refused(
            certificate, TENT, number, on_border=ones
        )
        assert "neither certified" in refused(certificate, TENT, number, certified=zeros)
        assert "it does not" in refused(certificate, TENT, number, certified=zeros, on_border=ones)
        for bound in (-1.0, np.inf):
            assert refused(certificate, TENT, number, error_bound=np.full(len(block), bound))


def test_too_small_an_error_bound():
    model = rd.PLRNN([0.3], [[-2.1]], [0.7])
    certificate = certificate_of(model, 1)
    assert certificate.cycles[0].error_bound[0] > 0.0
    assert "further than the error bound" in refused(certificate, model, 0, error_bound=np.zeros(1))


def test_cycles_on_borders():
    certificate = certificate_of(BORDER, 1)
    (block,) = certificate.cycles
    assert block.on_border.all()
    # Else nothing would be claimed about it.
    undecided = {entry.itinerary.tobytes() for entry in certificate.undecided}
    assert block.itinerary[0].tobytes() not in undecided
    one, zero = np.array([True]), np.array([False])
    assert "neither certified" in refused(certificate, BORDER, 0, on_border=zero)
    assert "cannot be certified" in refused(certificate, BORDER, 0, on_border=zero, certified=one)
    assert "certified and to lie on a border" in refused(certificate, BORDER, 0, certified=one)


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_files_with_other_flags_are_refused(tmp_path, suffix):
    certificate = certificate_of(TENT, 2)
    block = certificate.cycles[0]
    flags = ~block.certified
    changed = dataclasses.replace(
        certificate,
        cycles=(dataclasses.replace(block, certified=flags), *certificate.cycles[1:]),
    )
    changed.save(tmp_path / f"proof.{suffix}")
    assert not rd.Certificate.load(tmp_path / f"proof.{suffix}").verify(TENT).confirmed
