"""Shots under a big device's noise: on the qubits in use, and with all of the device's."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2
from race import Contender, race

from qrec.backends.noisy import simulator
from qrec.backends.open import open_backend
from qrec.backends.workload import Workload


@pytest.mark.parametrize("device", ["FakeTorino", "FakeFez"])
def test_five_qubits_of_a_big_device(benchmark, device):
    t = ParameterVector("t", 5)
    circuit = QuantumCircuit(5)
    for qubit in range(5):
        circuit.ry(t[qubit], qubit)
    for qubit in range(5):
        circuit.cx(qubit, (qubit + 1) % 5)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 5)
    rows = np.random.default_rng(0).uniform(-3, 3, (64, 5))
    backend = open_backend(
        {"kind": "aer", "snapshot": f"fake:{device}", "shots": 1024, "seed_simulator": 7,
         "optimization_level": 3, "seed_transpiler": 7}
    )  # fmt: skip
    unit = backend.prepare([Workload(circuit, z, rows, "w")])[0][0]
    pub = (unit.circuit, rows, 1024)
    whole = AerSimulator.from_backend(backend.pinned.device, method="density_matrix")

    def noise_model() -> None:
        AerSimulator.from_backend(backend.pinned.device, method="density_matrix")

    def afresh() -> None:
        simulator.cache_clear()
        backend.sampler().run([pub]).result()

    contenders = [
        Contender("used qubits", lambda: backend.sampler().run([pub]).result(), 64),
        Contender("used qubits, their noise read anew", afresh, 64),
        Contender("whole device", lambda: SamplerV2.from_backend(whole).run([pub]).result(), 64),
        Contender("the whole device's noise model alone", noise_model, 64),
    ]
    race(f"5 qubits of {device}: 64 rows of 1024 shots", contenders, rounds=3)
    benchmark.pedantic(contenders[0].call, rounds=3)
