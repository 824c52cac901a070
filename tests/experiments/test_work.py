"""What is raced: told gate by gate it is the circuit that Qiskit has."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qrec.errors import MissingError
from qrec.experiments.speed import ours, peers
from qrec.experiments.speed.races import races
from qrec.experiments.speed.work import complex_net, net


@pytest.mark.parametrize("work", [net(2, 2, "all"), complex_net(2, 1)], ids=["net", "complex"])
def test_gates_and_terms_are_the_circuit_and_the_observable(work):
    users, items = work.rows(1)
    vectors = {"theta": work.theta(), "u": users[0], "v": items[0]}
    told = QuantumCircuit(work.n_qubits)
    for gate in work.gates():
        getattr(told, gate.name)(*gate.values(vectors), *gate.qubits)
    bound = work.circuit.assign_parameters(work.flat(1)[0])
    assert Statevector(told).equiv(Statevector(bound))
    value = Statevector(told).expectation_value(work.operator()).real
    for call in (
        ours.predictions(work, 1, "statevector", 64),
        peers.qiskit_statevector(work, 1),
        peers.aer(work, 1, "double"),
    ):
        assert call()[0] == pytest.approx(value, abs=1e-9)
    assert sorted(work.terms()) == sorted(
        (p, list(q), c.real) for p, q, c in work.operator().to_sparse_list()
    )


def test_fewer_rows_are_the_first_of_more():
    work = net(2, 1, "chain")
    for few, many in zip(work.rows(3), work.rows(9), strict=True):
        np.testing.assert_array_equal(few, many[:3])


def test_quick_races_are_the_same_races():
    full, quick = races(), races(quick=True)
    assert set(quick) <= set(full)
    assert {name.rsplit("-", 1)[0] for name in set(full) - set(quick)} == {
        f"training-{name}" for name in ("8q-l2-pairs", "8q-l3-all", "8q-l3-chain")
    }
    for name in quick:
        for one, other in zip(full[name].contenders, quick[name].contenders, strict=True):
            assert (one.who, one.bits, one.at_least) == (other.who, other.bits, other.at_least)


def test_work_on_paper_counts_only_what_is_seen():
    """CNOTs between all: several passes over 2^8 amplitudes; pairs: two qubits are seen."""
    whole, part = (
        ours.prediction_cost(net(4, 3, kind), 100, "statevector", 32) for kind in ("all", "pairs")
    )
    assert whole.bytes >= 4 * 4 * 2**8
    assert part.bytes < 4 * 4 * 2**4
    assert whole.flops > 10 * part.flops
    double = ours.prediction_cost(net(4, 3, "all"), 100, "statevector", 64)
    assert (double.bytes, double.flops) == (2 * whole.bytes, whole.flops)


def test_a_missing_module_is_named_as_an_extra():
    with pytest.raises(MissingError, match=r"not installed: pip install 'qrec\[bench\]'"):
        peers._bench("no_such_module_anywhere")
