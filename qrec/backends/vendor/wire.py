"""Circuits and arrays as text, for a process with another version of Qiskit."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, QuantumRegister, qpy


def dump_circuits(circuits: list[QuantumCircuit], qpy_version: int) -> str:
    """Return circuits as text, in a version of QPY that the reader knows."""
    buffer = io.BytesIO()
    qpy.dump([_plain(circuit) for circuit in circuits], buffer, version=qpy_version)
    return base64.b64encode(buffer.getvalue()).decode()


def _plain(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit on one register of qubits and without a layout.

    Qiskit 2.4 cannot read a register of ancillas.
    """
    flat = QuantumCircuit(
        QuantumRegister(circuit.num_qubits, "q"),
        name=circuit.name,
        global_phase=circuit.global_phase,
    )
    flat.add_bits(circuit.clbits)
    for register in circuit.cregs:
        flat.add_register(register)
    qubits = dict(zip(circuit.qubits, flat.qubits))  # noqa: B905
    for one in circuit.data:
        flat.append(one.operation, [qubits[qubit] for qubit in one.qubits], one.clbits, copy=False)
    return flat


def load_circuits(text: str) -> list[QuantumCircuit]:
    """Return what `dump_circuits` wrote."""
    return list(qpy.load(io.BytesIO(base64.b64decode(text))))


def dump_array(array: NDArray[Any]) -> str:
    """Return an array as text."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return base64.b64encode(buffer.getvalue()).decode()


def load_array(text: str) -> NDArray[Any]:
    """Return what `dump_array` wrote."""
    array: NDArray[Any] = np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)
    return array
