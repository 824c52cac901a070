"""Shots under a big device's noise: on the qubits in use, and with all of the device's."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2

from qrec.analysis.table import to_text
from qrec.backends.device.noise import simulator
from qrec.backends.open import open_backend
from qrec.backends.workload import Workload
from qrec.experiments.speed.race import Contender, Race, run
from qrec.experiments.speed.tables import race_table


@pytest.mark.parametrize("device", ["FakeTorino", "FakeFez"])
def test_five_qubits_of_a_big_device(benchmark, lines, device):
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
    unit = backend.prepare([Workload(circuit, z, rows, "w")])[0]
    pub = (unit.circuit, rows, 1024)
    whole = AerSimulator.from_backend(backend.pinned.device, method="density_matrix")

    def noise_model() -> None:
        AerSimulator.from_backend(backend.pinned.device, method="density_matrix")

    def afresh() -> None:
        simulator.cache_clear()
        backend.sampler().run([pub]).result()

    calls = {
        "used qubits": lambda: backend.sampler().run([pub]).result(),
        "used qubits, noise read anew": afresh,
        "whole device": lambda: SamplerV2.from_backend(whole).run([pub]).result(),
        "the whole device's noise model": noise_model,
    }
    contenders = [
        Contender(who, lambda call=call: lambda: call() and None, 64, 64)
        for who, call in calls.items()
    ]
    race = Race(device, f"5 qubits of {device}: 64 rows of 1024 shots", contenders)
    lines.append(to_text(race_table(run(race, rounds=3, say=lambda _: None))))
    benchmark.pedantic(calls["used qubits"], rounds=3)
