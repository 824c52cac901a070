"""Folding and extrapolation against mitiq's."""

import numpy as np
import pytest
from qiskit import QuantumCircuit

from qrec.backends.mitigation.zne import extrapolate, fold

pytest.importorskip("mitiq", reason="mitiq is not installed (extra: mitigation)")
pytest.importorskip("ply", reason="ply is not installed (extra: mitigation)")

FACTORS = [1.0, 3.0, 5.0]
VALUES = [[0.7, 0.4, 0.3], [-0.4, -0.35, -0.2], [0.13, 0.1005, 0.1002]]


@pytest.mark.parametrize("factor", [1, 3, 5])
def test_folded_circuits_are_as_deep(factor):
    from mitiq.zne.scaling import fold_global

    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.x(2)
    circuit.cx(1, 2)
    circuit.t(1)
    circuit.ry(0.3, 0)
    theirs, ours = fold_global(circuit, factor), fold(circuit, factor)
    assert theirs.depth() == ours.depth()
    assert theirs.num_nonlocal_gates() == ours.num_nonlocal_gates()


@pytest.mark.parametrize("values", VALUES)
def test_extrapolated_values_are_the_same(values):
    from mitiq.zne.inference import ExpFactory, LinearFactory

    column, factors, end = np.array(values)[:, None], np.array(FACTORS), np.array([0.1])
    straight = LinearFactory.extrapolate(FACTORS, values)
    assert extrapolate(factors, column, None)[0] == pytest.approx(straight)
    curved = ExpFactory.extrapolate(FACTORS, values, asymptote=0.1)
    assert extrapolate(factors, column, end)[0] == pytest.approx(curved)
