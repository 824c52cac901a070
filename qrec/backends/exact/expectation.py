"""Expectation values of a Qiskit circuit as a torch function with gradients."""

from collections.abc import Mapping
from itertools import groupby

import torch
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVectorElement
from qiskit.quantum_info import SparseObservable
from torch import Tensor

from qrec.backends.exact.plan import Method, Plan, plan
from qrec.backends.exact.program import read_circuit
from qrec.errors import ConfigError


class Expectation:
    """<psi(parameters)| O |psi(parameters)> for many rows of parameters at once.

    Calling it with one tensor per `ParameterVector` (or lone `Parameter`) of the circuit, by
    name, returns the values `(n_rows,)`, differentiable in all of them. A vector's tensor is
    `(length,)` where all rows share it and `(n_rows, length)` where they differ; a lone
    parameter's is `()` or `(n_rows,)`. All have one dtype, float32 or float64, and one device.
    Gradients are of first order.

    What does not depend on the numbers is worked out at the first call and kept, one plan for
    each choice of which parameters differ by row. Raises ConfigError for a circuit that is not
    made of gates alone and for an angle that is not affine in the parameters.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        observable: SparseObservable,
        method: Method | None = None,
    ) -> None:
        self._method = method
        self._program = read_circuit(circuit)
        self._observable = observable
        named = [(_name(p), p) for p in circuit.parameters]  # vectors stand together
        self._vectors = {
            name: [p.index if isinstance(p, ParameterVectorElement) else 0 for _, p in group]
            for name, group in groupby(named, key=lambda pair: pair[0])
        }
        self._lone = {name for name, p in named if not isinstance(p, ParameterVectorElement)}
        self._plans: dict[tuple[bool, ...], Plan] = {}

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        if values.keys() != self._vectors.keys():
            raise ConfigError(
                f"values of the parameters {sorted(values)}, expected {sorted(self._vectors)}"
            )
        blocks = {name: self._columns(name, values[name]) for name in self._vectors}
        row_columns = tuple(b.ndim == 2 for b in blocks.values() for _ in range(len(b)))
        shared = [b for b in blocks.values() if b.ndim == 1]
        rows = [b for b in blocks.values() if b.ndim == 2]
        like = (shared + rows or [torch.zeros(0, dtype=torch.float64)])[0]
        if row_columns not in self._plans:
            self._plans[row_columns] = plan(
                self._program, self._observable, row_columns, self._method
            )
        return self._plans[row_columns](
            torch.cat(shared) if shared else like.new_zeros(0),
            torch.cat(rows) if rows else like.new_zeros(0, 1),
        )

    def _columns(self, name: str, value: Tensor) -> Tensor:
        """Return a vector's values as `(n,)` or `(n, n_rows)`, those in the circuit alone."""
        columns = value[..., None] if name in self._lone else value
        indices = self._vectors[name]
        if indices != list(range(columns.shape[-1])):
            columns = columns[..., indices]
        return columns.mT if columns.ndim == 2 else columns


def _name(parameter: Parameter) -> str:
    is_element = isinstance(parameter, ParameterVectorElement)
    return str(parameter.vector.name if is_element else parameter.name)
