"""Cutting a circuit for a device, what is read from it, and the device to the qubits in use.

A device has more qubits than any simulator can hold. Qubits that no instruction and no
observable touches stay in |0>, so that leaving them out changes no outcome.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import Target


def compact(
    circuit: QuantumCircuit, observables: Iterable[SparseObservable] = ()
) -> tuple[QuantumCircuit, list[SparseObservable], tuple[int, ...]]:
    """Return circuit and observables on the qubits that either uses, and which those are.

    Qubit j of what is returned is number ``qubits[j]`` of what was given, ascending; the
    observables have the circuit's layout applied. Classical bits, parameters and the order of
    instructions stay; a barrier uses no qubit.
    """
    observables = list(observables)
    used = {
        circuit.find_bit(qubit).index
        for instruction in circuit.data
        if instruction.operation.name != "barrier"
        for qubit in instruction.qubits
    }
    used |= {int(qubit) for observable in observables for qubit in observable.indices}
    qubits = tuple(sorted(used or {0}))  # nothing simulates no qubit at all
    return _cut_circuit(circuit, qubits), [_cut(o, qubits) for o in observables], qubits


def cut_target(target: Target, qubits: Sequence[int]) -> Target:
    """Return what a target says of these qubits alone, numbered from 0 in their order."""
    place = {qubit: j for j, qubit in enumerate(qubits)}
    properties = target.qubit_properties
    cut = Target(
        num_qubits=len(qubits),
        qubit_properties=properties and [properties[qubit] for qubit in qubits],
        **timing_of(target),
    )
    for name in target.operation_names:
        operation, everywhere = target.operation_from_name(name), target[name]
        if None in everywhere:  # as control flow: on any qubits, with no error and no duration
            cut.add_instruction(operation, name=name)
            continue
        here = {
            tuple(place[qubit] for qubit in where): what
            for where, what in everywhere.items()
            if place.keys() >= set(where)
        }
        if here:
            cut.add_instruction(operation, here, name=name)
    return cut


def timing_of(target: Target) -> dict[str, Any]:
    """Return what a target says of its clock, as a new target takes it."""
    names = ("dt", "granularity", "min_length", "pulse_alignment", "acquire_alignment")
    return {name: getattr(target, name) for name in names}


def _cut_circuit(circuit: QuantumCircuit, qubits: Sequence[int]) -> QuantumCircuit:
    cut = QuantumCircuit(len(qubits), name=circuit.name, global_phase=circuit.global_phase)
    cut.metadata = circuit.metadata
    cut.add_bits(circuit.clbits)
    for register in circuit.cregs:
        cut.add_register(register)
    new = {circuit.qubits[qubit]: cut.qubits[j] for j, qubit in enumerate(qubits)}
    for instruction in circuit.data:
        kept = [new[qubit] for qubit in instruction.qubits if qubit in new]
        if instruction.operation.name != "barrier":
            cut.append(instruction.operation, kept, instruction.clbits, copy=False)
        elif kept:
            cut.barrier(kept)
    return cut


def _cut(observable: SparseObservable, qubits: Sequence[int]) -> SparseObservable:
    place = {qubit: j for j, qubit in enumerate(qubits)}
    return SparseObservable.from_raw_parts(
        len(qubits),
        observable.coeffs,
        observable.bit_terms,
        [place[int(qubit)] for qubit in observable.indices],
        observable.boundaries,
    )
