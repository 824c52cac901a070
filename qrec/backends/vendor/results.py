"""From what a vendor's job gave to the bits of every shot, nothing taken that was not asked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import BitArray

# A circuit, its parameters' names and their values, one row per run; one empty row without any.
Pub = tuple[QuantumCircuit, list[str], NDArray[np.float64]]
Bits = dict[str, NDArray[np.uint8]]  # of one PUB: register -> (rows, shots, bytes), as BitArray
Counts = list[dict[str, float]]  # of one circuit after the other, as they came


def shots_in_memory(
    result: Any, asked: list[QuantumCircuit], shots: int
) -> list[NDArray[np.bool_]]:
    """Return the shots of each circuit, `(shots, n_clbits)`, as they were stored one by one."""
    if len(result.results) != len(asked):
        raise ValueError(f"results of {len(result.results)} circuits came for {len(asked)}")
    found = []
    for circuit, one in zip(asked, result.results):  # noqa: B905
        memory = getattr(one.data, "memory", None) or []
        if len(memory) != shots:
            raise ValueError(f"{len(memory)} shots came; {shots} were asked")
        outcomes = [f"{int(shot, 16):0{circuit.num_clbits}b}" for shot in memory]
        found.append(_digits(outcomes, circuit.num_clbits))
    return found


def shots_in_counts(
    result: Any, asked: list[QuantumCircuit], shots: int
) -> list[NDArray[np.bool_]]:
    """Return the shots of each circuit, `(shots, n_clbits)`; outcomes come in groups."""
    counts = listed(result.get_counts())
    if len(counts) != len(asked):
        raise ValueError(f"counts of {len(counts)} circuits came for {len(asked)}")
    return [shots_of(one, c.num_clbits, shots) for c, one in zip(asked, counts)]  # noqa: B905


def listed(found: Any) -> Counts:
    """Return counts as a list, their numbers as Python's."""
    counts = found if isinstance(found, list) else [found]
    return [
        {str(outcome): n.item() if hasattr(n, "item") else n for outcome, n in one.items()}
        for one in counts
    ]


def shots_of(counts: dict[str, float], n_bits: int, shots: int) -> NDArray[np.bool_]:
    """Return counts as `(shots, n_bits)`, classical bit 0 first.

    Raises ValueError for other outcomes, and for another number of shots than was asked.
    """
    for outcome, n in counts.items():
        if not (float(n).is_integer() and n >= 0):  # nan neither
            raise ValueError(f"outcome {outcome} came {n} times; expected a whole number")
    # Some vendors put a space between registers and some do not; the order is one and the same.
    outcomes = [outcome.replace(" ", "") for outcome in counts]
    digits = _digits(outcomes, n_bits)
    if sum(counts.values()) != shots:
        raise ValueError(f"{sum(counts.values()):g} shots came; {shots} were asked")
    return np.repeat(digits, [int(n) for n in counts.values()], axis=0)


def _digits(outcomes: list[str], n_bits: int) -> NDArray[np.bool_]:
    """Return outcomes, bit 0 last in each, as `(n_outcomes, n_bits)`, bit 0 first."""
    wrong = [outcome for outcome in outcomes if len(outcome) != n_bits or set(outcome) - {*"01"}]
    if wrong:
        raise ValueError(f"outcome {wrong[0]!r} found; expected {n_bits} digits 0 and 1")
    return np.array([[digit == "1" for digit in reversed(outcome)] for outcome in outcomes])


def registers(circuit: QuantumCircuit, rows: list[NDArray[np.bool_]]) -> Bits:
    """Return the shots of a PUB's rows as the bits of each register."""
    shot_bits = np.stack(rows)
    return {
        register.name: packed(shot_bits[..., [circuit.find_bit(bit).index for bit in register]])
        for register in circuit.cregs
    }


def packed(shot_bits: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return bits `(rows, shots, n_bits)`, bit 0 first, as `BitArray` packs them."""
    array: NDArray[np.uint8] = BitArray.from_bool_array(shot_bits, order="little").array
    return array
