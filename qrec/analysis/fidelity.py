"""How much of a circuit's outcome a device's noise leaves, estimated from its calibration."""

from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from qrec.backends.device.transpile import predicted_fidelity


def success_probability(isa: QuantumCircuit, target: Target, measured: Sequence[int]) -> float:
    """Return the product of (1 - error) over gates and over the read-out of `measured` qubits.

    The chance that nothing goes wrong (ESP, as in mapomatic); an operation of which the target
    reports no error counts as perfect. It is no fidelity: see `expected_r2`.
    """
    readout = target["measure"] if "measure" in target.operation_names else {}
    probability = predicted_fidelity(isa, target)
    for qubit in measured:
        properties = readout.get((qubit,))
        if properties is not None and properties.error is not None:
            probability *= 1.0 - properties.error
    return probability


def expected_r2(success: float) -> float:
    """Return 1 - (1 - p)^2: R^2 of noisy outcome probabilities where p is the chance of success.

    Were the outcome uniform whenever something goes wrong, q' = p q + (1 - p) uniform, then
    R^2 = 1 - sum (q' - q)^2 / sum (q - mean q)^2 would be just this, whatever q is. R^2 is what
    Mao, Shresthamali and Kondo (arXiv:2303.17523) call fidelity and lay beside p itself.
    """
    return 1.0 - (1.0 - success) ** 2
