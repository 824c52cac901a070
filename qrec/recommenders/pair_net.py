"""The angle net without an entangler: products of sines, by Gibbs sampling."""

from typing import Annotated

from annotated_types import Ge
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.backends.open import Openable
from qrec.circuits.pair_net import pair_net
from qrec.recommenders._observable import read_observable
from qrec.recommenders.circuit import CircuitRecommender
from qrec.recommenders.spaces import Range


class PairNet(CircuitRecommender):
    """Predict mean + b_u + c_i + gain sum_q sin u_q sin v_q, read from `pair_net`.

    2 `n_factors` qubits, none entangled, and the sum of <Z_q Z_(k+q)> as what is read. It is the
    control of entangling circuits with as many angles, and itself a bounded matrix factorisation
    that a classical computer evaluates as fast. Angles and biases are drawn by Gibbs sampling;
    that, the parameters and what is fitted are those of `CircuitRecommender` with
    ``training="gibbs"``. A large `gain` costs shots, whose error grows with it.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1)] = 4,
        gain: Annotated[float, Range(low=0.3, high=4.0, log=True)] = 1.0,
        n_samples: Annotated[int, Ge(1)] = 100,
        n_burn_in: Annotated[int, Ge(0)] = 50,
        implicit: bool = True,
        side_data: bool = True,
        sample_gain: bool = False,
        n_evaluated: Annotated[int, Ge(1)] | None = None,
        backend: Openable = None,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        super().__init__(
            "pair_net", weights=None, gain=gain, training="gibbs", n_samples=n_samples,
            n_burn_in=n_burn_in, implicit=implicit, side_data=side_data, sample_gain=sample_gain,
            n_evaluated=n_evaluated, backend=backend, random_state=random_state,
        )  # fmt: skip
        self.n_factors = n_factors

    def _untrained(self) -> QuantumCircuit:
        return pair_net(self.n_factors)

    def _read(self, circuit: QuantumCircuit) -> SparseObservable:
        half = circuit.num_qubits // 2
        return read_observable(" + ".join(f"Z{q} Z{half + q}" for q in range(half)), 2 * half)
