"""``qrec explain``: how would the exact engine go about a circuit?"""

from typing import TYPE_CHECKING, Annotated

import typer

from qrec.cli._shared import AllowCode, BackendsFile, own_circuit
from qrec.errors import ConfigError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qrec.types import Array


def explain(
    circuit: Annotated[str, typer.Argument(metavar="CIRCUIT|MODULE:CIRCUIT")],
    rows: Annotated[int, typer.Option(min=1, help="How many rows of parameters.")] = 1000,
    observable: Annotated[str, typer.Option(help="What is read, e.g. 'Z0 + 0.5 Z1'.")] = "Z0",
    weights: Annotated[
        str, typer.Option(help="The parameters that all rows share, if there are any.")
    ] = "theta",
    backend: Annotated[str, typer.Option("-b", help="An entry of kind exact.")] = "exact",
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Say which steps evaluate a circuit, and what they cost; nothing is evaluated."""
    from qrec.backends import Workload, open_backend
    from qrec.backends.kinds.exact import ExactBackend
    from qrec.recommenders import read_observable

    opened = open_backend(backend, file=backends)
    if not isinstance(opened, ExactBackend):
        raise ConfigError(f"-b {backend}: expected an entry of kind exact; others have no plan")
    built = own_circuit(circuit, allow_code)
    read = read_observable(observable, built.num_qubits)
    print(opened.explanation(Workload(built, read, _angles(built, rows, weights), "explain")))


def _angles(circuit: "QuantumCircuit", rows: int, weights: str) -> "Array":
    """Return rows of angles `(rows, n_parameters)`, equal in the columns of the weights."""
    import numpy as np

    from qrec.recommenders.quantum import vector_name

    angles = np.random.default_rng(0).uniform(-np.pi, np.pi, (rows, circuit.num_parameters))
    shared = [vector_name(parameter) == weights for parameter in circuit.parameters]
    angles[:, shared] = angles[:1, shared]
    return angles
