"""Several workloads of one model: no reading is taken for another's."""

from collections.abc import Sequence

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qrec.backends import open_backend
from qrec.backends.workload import Reading, Workload
from qrec.errors import ConfigError
from qrec.recommenders import ALS, QuantumRecommender, SwapTest
from qrec.recommenders.quantum import read_z
from qrec.types import Array, Codes


class Two(QuantumRecommender):
    """2 + cos of the user's angle + 10 cos of the item's, each from a circuit of its own."""

    def __init__(self, keys: tuple[str, str] = ("user", "item"), backend=None) -> None:
        self.keys = keys
        self.backend = backend

    def _fit(self, ratings, validation) -> None:
        self.user_angles_ = np.linspace(0, 1.5, ratings.n_users)
        self.item_angles_ = np.linspace(1.4, 1.6, ratings.n_items)

    def fitted_circuit(self) -> QuantumCircuit:
        circuit = QuantumCircuit(1)
        circuit.ry(ParameterVector("a", 1)[0], 0)
        return circuit

    def readout(self):
        return read_z(1, 0)

    def _workloads(self, users: Codes, items: Codes, key: str) -> list[Workload]:
        sides = self.user_angles_[users], self.item_angles_[items]
        return [
            Workload(self.fitted_circuit(), self.readout(), angles[:, None], f"{key}/{name}")
            for name, angles in zip(self.keys, sides, strict=True)
        ]

    def _ratings(self, users: Codes, items: Codes, readings: Sequence[Reading]) -> Array:
        user, item = readings
        return 2 + user.value + 10 * item.value


def test_readings_of_several_workloads_stay_apart(ratings) -> None:
    model = Two().fit(ratings)
    users, items = ratings.user, ratings.item
    expected = 2 + np.cos(model.user_angles_[users]) + 10 * np.cos(model.item_angles_[items])
    expected = np.clip(expected, 1, 5)
    np.testing.assert_allclose(model.predict(ratings), expected)
    workloads = model.workloads(ratings, key="row")
    assert [w.key for w in workloads] == ["row/user", "row/item"]
    readings = open_backend(None).run(workloads)
    np.testing.assert_allclose(model.combine(ratings, readings), expected)


def test_two_workloads_of_one_key_are_refused(ratings) -> None:
    with pytest.raises(ConfigError, match="two workloads have the key 'predict/a'"):
        Two(keys=("a", "a")).fit(ratings).workloads(ratings)


def test_readings_that_do_not_belong_are_refused(ratings) -> None:
    model = SwapTest(ALS(n_factors=2)).fit(ratings)
    few, many = ratings.pairs[:3], ratings.pairs[:5]
    readings = open_backend(None).run(model.workloads(few))
    with pytest.raises(ConfigError, match=r"readings of \[3\] evaluations; expected one of 5"):
        model.combine(many, readings)
    with pytest.raises(ConfigError, match=r"readings of \[3, 3\] evaluations"):
        model.combine(few, readings * 2)
