"""`explain` says what is done, and rightly."""

import numpy as np
import pytest
from qiskit.quantum_info import SparseObservable

from qrec.backends.open import open_backend, parse_backend
from qrec.backends.workload import Workload
from qrec.circuits import build_circuit
from qrec.errors import ConfigError


def workload(name: str, n_rows: int) -> Workload:
    circuit = build_circuit(name)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], circuit.num_qubits)
    rows = np.random.default_rng(0).normal(size=(n_rows, circuit.num_parameters))
    return Workload(circuit, z, rows, "w")


@pytest.mark.parametrize(
    ("backend", "name", "says"),
    [
        ("exact", "swap_test", ["Heisenberg table", "20,000 rows", "product prefix", "float64"]),
        ("exact", "overlap_test", ["state vector: real", "light cone: 3 of 3"]),
        ("exact_noisy", "swap_test", ["Heisenberg table"]),
    ],
)
def test_names_the_passes(backend, name, says, capsys) -> None:
    open_backend(backend).explain(workload(name, 20_000))
    printed = capsys.readouterr().out
    for words in says:
        assert words in printed


def test_the_transpilers_settings_come_with_a_snapshot() -> None:
    with pytest.raises(ConfigError, match="optimization_level missing beside snapshot"):
        parse_backend({"kind": "exact", "snapshot": "fake:FakeTorino"}, "here")
    with pytest.raises(ConfigError, match="seed_transpiler has no meaning without snapshot"):
        parse_backend({"kind": "exact", "seed_transpiler": 1}, "here")
    shots = {"shots": 1, "seed_simulator": 1, "optimization_level": 1, "seed_transpiler": 1}
    for entry in ({"kind": "exact"}, {"kind": "aer", **shots}):
        with pytest.raises(ConfigError, match="scheduling_method has no meaning without snapshot"):
            parse_backend(entry | {"scheduling_method": "alap"}, "here")


def test_single_precision_is_close_to_double() -> None:
    some = workload("angle_net", 50)
    double, single = (
        open_backend({"kind": "exact", "dtype": dtype}).run([some])[0].value
        for dtype in ("float64", "float32")
    )
    assert 0 < np.abs(double - single).max() < 1e-5


def test_an_observable_that_one_measurement_cannot_read_is_named() -> None:
    from qrec.backends.readings import support

    with pytest.raises(ConfigError, match="'X' is not diagonal"):
        support(SparseObservable("IX"))
