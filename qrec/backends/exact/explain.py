"""What the engine does with a workload, in words and figures."""

from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.chunks import chunk_size
from qrec.backends.exact.device import DeviceNoise
from qrec.backends.exact.estimator import Precision, differing
from qrec.backends.exact.monomial import Monomial
from qrec.backends.exact.plan import plan
from qrec.backends.exact.problem import Problem, read_problem
from qrec.backends.exact.schedule import Dense
from qrec.backends.exact.statevector import StateVector
from qrec.backends.exact.table import Table
from qrec.backends.workload import Workload


def explain(
    circuit: QuantumCircuit,
    observable: SparseObservable,
    workload: Workload,
    noise: DeviceNoise | None,
    dtype: Precision,
) -> str:
    """Return one line per pass that applies, and the cost per row and per call."""
    import torch

    problem = read_problem(circuit, observable, noise, workload.circuit.parameters)
    by_row = differing(workload.parameters)
    planned = plan(problem, by_row.tolist(), len(workload))
    chunk = chunk_size(planned.numbers_per_row(), getattr(torch, dtype))
    lines = [
        f"{len(workload):,} rows, {problem.program.n_qubits} qubits, "
        f"{len(problem.program.operations)} operations, {by_row.sum()} of {len(by_row)} "
        "parameters differ by row",
        *(_table(planned) if isinstance(planned, Table) else _state(planned, problem)),
        f"a row takes as long as {planned.cost_per_row():,.0f} multiplications in a matrix product",
        f"{dtype}, chunks of {chunk:,} rows, {torch.get_num_threads()} threads",
    ]
    return "\n".join(lines)


def _table(table: Table) -> list[str]:
    factors = table.left_factors + table.right_factors
    return [
        "Heisenberg table: the shared suffix is pulled back onto the observable, once",
        f"  {len(table.pull.steps)} blocks, {table.n_terms:,} terms, "
        f"table {len(table.left)} x {len(table.right)}, {table.pull.work():,.0f} multiplications",
        f"product prefix: {len(factors)} factors of "
        f"{', '.join(str(len(f.qubits)) for f in factors)} qubits",
    ]


def _state(state: StateVector, problem: Problem) -> list[str]:
    steps = state.evolution.plan.steps
    kinds = [Dense, Monomial]
    dense, moves = (sum(isinstance(s, kind) for s in steps) for kind in kinds)
    number = "real" if state.evolution.is_real else "complex"
    lines = [
        f"state vector: {number} amplitudes",
        f"  light cone: {state.evolution.n_qubits} of {problem.program.n_qubits} qubits",
        f"  {dense} blocks of up to 16 x 16, {moves} gathers, "
        f"{len(steps) - dense - moves} rotations by row",
    ]
    if state.n_read < 2**state.evolution.n_qubits:
        lines.append(f"  {state.n_read} of {2**state.evolution.n_qubits} amplitudes are read")
    return lines
