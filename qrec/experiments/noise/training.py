"""`kind: noise_training`: does it help to train the angle net under the noise it will meet?

From each start the net is trained without and with the device's noise, on the same data, with
the same batches and the same number of epochs, and scored without and with it. What noise does
to <Z_0> is nearly the same for all pairs: it shrinks and shifts it. To tell this from anything
else, a third arm undoes it in the net trained without noise: its readings are put back by the
line that brings those of the training pairs nearest to the noiseless ones. (A line fitted to
the training ratings instead would change more than that: it overfits them, noise or not.)
"""

from collections.abc import Sequence
from copy import copy
from functools import cached_property, partial
from inspect import signature
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from qiskit import QuantumCircuit

from qrec.analysis.count import count
from qrec.analysis.figures import Figure
from qrec.analysis.table import Table
from qrec.backends import noiseless
from qrec.backends.base import Backend
from qrec.backends.kinds.exact import ExactSpec
from qrec.backends.open import Openable
from qrec.data import Ratings, Split
from qrec.errors import ConfigError
from qrec.experiments.base import Ask, Have, Step
from qrec.experiments.noise.tables import (
    IDEAL,
    NOISY,
    PUT_BACK,
    GainRow,
    LineRow,
    ScoreRow,
    difference_figure,
    difference_table,
    noise_table,
    score_table,
)
from qrec.experiments.observed import ObservedExperiment, ObservedSpec
from qrec.metrics import rmse, seeded_rmse_difference
from qrec.recommenders.als import ALS
from qrec.recommenders.angle_net import AngleNet
from qrec.recommenders.base import Recommender
from qrec.recommenders.bias import UserItemBias
from qrec.registry import check_name
from qrec.runs.outcomes import Arrays, Outcome
from qrec.seeds import child_seed
from qrec.types import Array, Row, of_type

Predictions = Sequence[Array]  # of the test pairs, one array per start
_SET_HERE = ("n_layers", "backend", "training_backend", "random_state")


class NoiseTrainingSpec(ObservedSpec):
    """Depths of the net, the number of starts of each, and the parameters that all nets share."""

    kind: Literal["noise_training"]
    backend: str  # of kind exact, with a snapshot
    n_layers: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    n_starts: Annotated[int, Field(ge=2)] = 5
    params: dict[str, Any] = Field(default_factory=dict)  # of the angle net

    @model_validator(mode="after")
    def _check_params(self) -> Self:
        known = [name for name in signature(AngleNet).parameters if name not in _SET_HERE]
        for name in self.params:
            check_name(name, known, "parameter of 'angle_net' (in params)")
        return self

    def with_backends(self, names: list[str]) -> Self:
        """Return the same experiment under another device's noise."""
        if len(names) != 1:
            raise ConfigError(f"experiment {self.name!r} takes one backend; found {names}")
        return self.model_copy(update={"backend": names[0]})


class NoiseTraining(ObservedExperiment):
    """See `NoiseTrainingSpec`."""

    Spec = NoiseTrainingSpec
    rows_of = (ScoreRow, GainRow, LineRow)
    spec: NoiseTrainingSpec

    def steps(self) -> list[Step]:
        steps = [Step("classical", self._classical)]
        for n_layers in self.spec.n_layers:
            starts = self._starts(n_layers)
            steps += [
                Step(name, partial(self._train, n_layers, start))
                for start, name in enumerate(starts)
            ]
            steps.append(Step(f"layers_{n_layers}", partial(self._score, n_layers), starts))
        return steps

    def details(self) -> dict[str, Any]:
        return {"dataset": self.summary, "split": self._parts.sizes}

    def backend_names(self) -> list[str]:
        return [self.spec.backend]

    def open(self, name: str) -> Backend:
        backend = super().open(name)
        if not isinstance(backend.spec, ExactSpec) or backend.spec.snapshot is None:
            raise ConfigError(
                f"backend: found {name!r}; training needs noise with gradients: "
                "expected one of kind exact with a snapshot, such as exact_noisy"
            )
        return backend

    def circuits(self) -> dict[str, QuantumCircuit]:
        return {
            f"layers_{n_layers}": self._net(n_layers, 0, None)
            .set_params(n_epochs=0)
            .fit(self._parts.train, validation=self._parts.validation)
            .fitted_circuit()
            for n_layers in self.spec.n_layers
        }

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        title = f"{self.spec.name}: {self.spec.title}"
        return [
            score_table(title, of_type(ScoreRow, rows)),
            difference_table(of_type(GainRow, rows)),
            noise_table(of_type(LineRow, rows)),
        ]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        return {"difference": difference_figure(of_type(GainRow, rows))}

    def _classical(self, ask: Ask, have: Have) -> Outcome:
        als = ALS(centre="bias", random_state=child_seed(self.spec.seed, "als"))
        models: dict[str, Recommender] = {"bias": UserItemBias(), "als": als}
        rows = []
        for name, model in models.items():
            model.fit(self._parts.train, validation=self._parts.validation)
            scores = self._scores("without", [model.predict(self._test)])
            rows.append(ScoreRow(trained=name, **scores))
        return Outcome(rows)

    def _train(self, n_layers: int, start: int, ask: Ask, have: Have) -> Outcome:
        """Train without and with noise; predict the test pairs without and with."""
        noisy, found = self.backend(self.spec.backend), dict[str, Any]()
        for arm, where in ((IDEAL, None), (NOISY, noisy)):
            ask.say(f"trained {arm}")
            net = self._net(n_layers, start, where)
            net.fit(self._parts.train, validation=self._parts.validation)
            found[_scored(arm, "without")] = net.predict(self._test)
            net.set_params(backend=noisy)
            found[_scored(arm, "with")] = net.predict(self._test)
            if arm == IDEAL:
                found["line"] = np.array(self._line(net))
                back = _put_back(net, *found["line"][:2])
                found[_scored(PUT_BACK, "with")] = back.predict(self._test)
        [unit] = noisy.prepare(net.workloads(self._test[:1]))
        counted = count(unit.circuit)
        found["circuit"] = np.array([counted["qubits"], counted["two_qubit_gates"]])
        return Outcome(arrays=found)

    def _score(self, n_layers: int, ask: Ask, have: Have) -> Outcome:
        starts = [have[name].arrays for name in self._starts(n_layers)]
        qubits, gates = starts[-1]["circuit"].tolist()
        common = {"n_layers": n_layers, "qubits": qubits, "two_qubit_gates": gates}
        noisy = {arm: _of_all(starts, arm, "with") for arm in (IDEAL, PUT_BACK, NOISY)}
        rows: list[Row] = []
        for arm, predictions in noisy.items():
            scores = self._scores("with", predictions)
            if arm != PUT_BACK:
                scores |= self._scores("without", _of_all(starts, arm, "without"))
            rows.append(ScoreRow(**common, trained=arm, **scores))
        for arm in (IDEAL, PUT_BACK):
            rows.append(GainRow(**common, minus=arm, **self._difference(noisy[NOISY], noisy[arm])))
        slope, offset, left = np.mean([start["line"] for start in starts], axis=0).tolist()
        rows.append(LineRow(**common, shrink=1 / slope, shift=-offset / slope, left=left))
        return Outcome(rows)

    @cached_property
    def _parts(self) -> Split:
        return self.split(child_seed(self.spec.seed, "split"))

    @cached_property
    def _test(self) -> Ratings:
        """The test pairs whose user and item have training ratings; all models score these."""
        train, test = self._parts.train, self._parts.test
        return test[np.isin(test.user, train.user) & np.isin(test.item, train.item)]

    def _starts(self, n_layers: int) -> tuple[str, ...]:
        """Return the names of the steps that train nets of one depth."""
        return tuple(f"layers_{n_layers}.s{start}" for start in range(self.spec.n_starts))

    def _net(self, n_layers: int, start: int, training_backend: Openable) -> AngleNet:
        return AngleNet(
            n_layers=n_layers,
            backend=None,
            training_backend=training_backend,
            random_state=child_seed(self.spec.seed, "start", start),
            **self.spec.params,
        )

    def _line(self, net: AngleNet) -> tuple[float, float, float]:
        """Return a, b and c: noiseless readings are a times those under noise plus b, but for c.

        Least squares over the training pairs; c is the standard deviation of what is left over
        that of the noiseless readings.
        """
        workloads = net.workloads(self._parts.train)
        backends = (noiseless(), self.backend(self.spec.backend))
        ideal, noisy = (backend.run(workloads)[0].value for backend in backends)
        slope, offset = np.polyfit(noisy, ideal, 1)
        left = np.std(ideal - slope * noisy - offset) / np.std(ideal)
        return float(slope), float(offset), float(left)

    def _scores(self, name: str, predictions: Predictions) -> dict[str, Any]:
        """Return the fields of RMSE, its standard error over users, and its values by start."""
        test = self._test
        scores = [rmse(test.value, one, test.user) for one in predictions]
        return {
            f"rmse_{name}": float(np.mean([score.value for score in scores])),
            f"rmse_{name}_stderr": float(np.mean([score.stderr for score in scores])),
            f"rmse_{name}_by_start": [score.value for score in scores],
        }

    def _difference(self, trained: Predictions, other: Predictions) -> dict[str, Any]:
        test = self._test
        found = seeded_rmse_difference(test.value, np.array(trained), np.array(other), test.user)
        return {
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "user_stderr": found.user_stderr,
            "start_sd": found.seed_sd,
            "difference_by_start": found.values.tolist(),
        }


def _scored(arm: str, noise: str) -> str:
    """Return the name of the predictions of a net trained as `arm`, "with" noise or "without"."""
    return f"{arm}; scored {noise}"


def _of_all(starts: Sequence[Arrays], arm: str, noise: str) -> Predictions:
    return [start[_scored(arm, noise)] for start in starts]


def _put_back(net: AngleNet, slope: float, offset: float) -> AngleNet:
    """Return the net with its readings `value` replaced by slope * value + offset."""
    out = copy(net)
    out.mean_, out.gain_ = net.mean_ + net.gain_ * offset, net.gain_ * slope
    return out


EXPERIMENT = NoiseTraining
