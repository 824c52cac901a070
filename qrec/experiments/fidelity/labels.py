"""A transpiled circuit in the numbers that predictors read, and what they are to predict.

Labels compare the exact outcome probabilities of the ideal circuit with those under the
snapshot's gate noise and read-out errors, over all outcomes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.transpiler import Target

from qrec.analysis.count import count
from qrec.analysis.fidelity import success_probability
from qrec.backends.exact.bound import bound_probabilities
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Question
from qrec.types import Array

TARGETS = ("r2", "hellinger")
LOWEST_R2 = -1.0  # it has no lower end where the ideal outcome is nearly uniform
_NO_WORDS = ("measure", "barrier", "delay", "reset")
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class Labelled:
    """Circuits as numbers, one row each, and their labels."""

    counts: Array  # (n, n_counts): gates by name, depth, two-qubit depth, qubits
    success: Array  # (n,), the product of (1 - error)
    qubits: Array  # (n, n_device_qubits), 1 where a qubit is in use
    labels: Array  # (n, 2) in the order of TARGETS
    words: NDArray[np.int16]  # (sum of lengths, n_device_qubits), see `Device.words`
    lengths: NDArray[np.int64]  # (n,) time steps of each circuit

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the fields by name, as an outcome stores them."""
        return dict(vars(self))

    def __getitem__(self, rows: NDArray[np.int64]) -> "Labelled":
        starts = np.cumsum(self.lengths) - self.lengths
        steps = [np.arange(starts[row], starts[row] + self.lengths[row]) for row in rows]
        fields = {name: getattr(self, name)[rows] for name in _BY_ROW}
        return Labelled(**fields, words=self.words[np.concatenate(steps)])


_BY_ROW = ("counts", "success", "qubits", "labels", "lengths")


def joined(parts: Sequence[Mapping[str, NDArray[np.generic]]]) -> Labelled:
    """Return the circuits of several stored parts as one."""
    names = (*_BY_ROW, "words")
    fields = {name: np.concatenate([part[name] for part in parts]) for name in names}
    return Labelled(**fields)


class Device:
    """Transpiles for a device, and says what its noise makes of a circuit."""

    def __init__(self, target: Target, name: str) -> None:
        self.target, self._noise = target, DeviceNoise(target, name)

    def labelled(self, circuits: Sequence[QuantumCircuit], layouts: Sequence[Sequence[int]],
                 level: int) -> Labelled:  # fmt: skip
        """Return circuits at their places on the device, transpiled at a level, as numbers."""
        rows = [self._row(*pair, level) for pair in zip(circuits, layouts, strict=True)]
        counts, success, qubits, labels, words = zip(*rows, strict=True)
        return Labelled(
            np.array(counts), np.array(success), np.array(qubits), np.array(labels),
            np.concatenate(words), np.array([len(own) for own in words]),
        )  # fmt: skip

    def _row(
        self, circuit: QuantumCircuit, layout: Sequence[int], level: int
    ) -> tuple[list[int], float, Array, list[float], NDArray[np.int16]]:
        passes = generate_preset_pass_manager(
            level, target=self.target, initial_layout=list(layout), seed_transpiler=0
        )
        isa = passes.run(circuit)
        measured = isa.layout.final_index_layout()
        ideal = bound_probabilities(Question(isa, []), measured)
        noisy = bound_probabilities(Question(isa, [], noise=self._noise), measured)
        used = np.zeros(self.target.num_qubits)
        used[measured] = 1.0
        used[[isa.find_bit(q).index for i in isa.data for q in i.qubits]] = 1.0
        success = success_probability(isa, self.target, measured)
        return self._counts(isa), success, used, labels(ideal, noisy), self.words(isa, measured)

    def _counts(self, isa: QuantumCircuit) -> list[int]:
        found = count(isa)
        gates = [found["gates"].get(name, 0) for name in self.gates]
        return [*gates, found["depth"], found["two_qubit_depth"], found["qubits"]]

    @cached_property
    def gates(self) -> list[str]:
        """The names of the device's gates; a target gives them in another order in each process."""
        known = self.target.operation_names
        fixed = [n for n in known if self.target[n] and None not in self.target[n]]
        return sorted(name for name in fixed if name not in _NO_WORDS)

    @cached_property
    def vocabulary(self) -> dict[tuple[str, tuple[int, ...]], int]:
        """Every gate on its qubits, and every measurement, as a number from 1; 0 is no word."""
        said = [(name, qubits) for name in self.gates for qubits in sorted(self.target[name])]
        said += [("measure", (qubit,)) for qubit in range(self.target.num_qubits)]
        return {word: number for number, word in enumerate(said, 1)}

    def words(self, isa: QuantumCircuit, measured: Sequence[int]) -> NDArray[np.int16]:
        """Return what each qubit does at each time, `(n_steps, n_qubits)`, gates as soon as may be.

        The last step says which qubits are measured: else nobody could know whose read-out
        errors count.
        """
        free = np.zeros(self.target.num_qubits, np.int64)
        said = []
        for instruction in isa.data:
            name = instruction.operation.name
            qubits = tuple(isa.find_bit(qubit).index for qubit in instruction.qubits)
            if name not in self.gates:
                continue
            step = free[list(qubits)].max()
            free[list(qubits)] = step + 1
            said += [(step, qubit, self.vocabulary[name, qubits]) for qubit in qubits]
        said += [(free.max(), qubit, self.vocabulary["measure", (qubit,)]) for qubit in measured]
        out = np.zeros((free.max() + 1, self.target.num_qubits), np.int16)
        for step, qubit, word in said:
            out[step, qubit] = word
        return out


def labels(ideal: Array, noisy: Array) -> list[float]:
    """Return R^2 and Hellinger fidelity of noisy outcome probabilities, `(2^n,)` both.

    R^2 = 1 - sum (ideal - noisy)^2 / sum (ideal - mean ideal)^2 (arXiv:2303.17523), at least
    `LOWEST_R2`; (sum sqrt(ideal noisy))^2.
    """
    around = np.sum((ideal - ideal.mean()) ** 2)
    off = np.sum((ideal - noisy) ** 2)
    r2 = 1.0 - off / around if around > _SAME else LOWEST_R2
    return [max(float(r2), LOWEST_R2), float(np.sum(np.sqrt(ideal * noisy)) ** 2)]
