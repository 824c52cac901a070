"""The circuits of a run: a file each, so that writers of other steps lose none."""

import os
from types import SimpleNamespace

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec.backends.base import Unit
from qrec.backends.workload import Workload
from qrec.runs.circuits import Circuits

WRITERS, TASKS, EACH = 3, 20, 2


def store(run, writer):
    """Store the circuits of all tasks of one writer, each other than all others."""
    backend = SimpleNamespace(prepare=lambda new: [Unit(one, one.circuit) for one in new])
    for task in range(TASKS):
        workloads = []
        for number in range(EACH):
            circuit = QuantumCircuit(1)
            circuit.ry(Parameter("x"), 0)
            circuit.rz(0.001 * (1 + writer * TASKS * EACH + task * EACH + number), 0)
            observable = SparseObservable.from_label("Z")
            workloads.append(Workload(circuit, observable, np.zeros((1, 1)), str(number)))
        Circuits(run, f"w{writer}.t{task}").prepare(
            backend, "exact", workloads, lambda _: {"logical": {"depth": 2}}
        )


def test_three_writers_of_twenty_tasks_keep_every_circuit(tmp_path):
    pids = []
    for writer in range(WRITERS):
        pids.append(os.fork())
        if pids[-1] == 0:
            store(tmp_path, writer)
            os._exit(0)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * WRITERS
    steps = [f"w{writer}.t{task}" for writer in range(WRITERS) for task in range(TASKS)]
    rows = [row for step in steps for row in Circuits(tmp_path, step).rows()]
    assert len(rows) == WRITERS * TASKS * EACH == 120
    assert len({row["circuit"] for row in rows}) == 120
    assert len(list(tmp_path.rglob("*.qpy"))) == 120
