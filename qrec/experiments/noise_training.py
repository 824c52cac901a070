"""`kind: noise_training`: does it help to train the angle net under the noise it will meet?

From each start the net is trained without and with the device's noise, on the same data, with
the same batches and the same number of epochs, and scored without and with it. What noise does
to <Z_0> is nearly the same for all pairs: it shrinks and shifts it. To tell this from anything
else, a third arm undoes it in the net trained without noise: its readings are put back by the
line that brings those of the training pairs nearest to the noiseless ones. (A line fitted to
the training ratings instead would change more than that: it overfits them, noise or not.)
"""

from collections.abc import Mapping
from copy import copy
from functools import cached_property
from inspect import signature
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from qiskit import QuantumCircuit

from qrec.analysis.count import count
from qrec.analysis.figures import Figure
from qrec.analysis.table import Table
from qrec.backends import noiseless, open_backend
from qrec.backends.base import Backend
from qrec.backends.kinds.exact import ExactSpec
from qrec.backends.open import Openable
from qrec.data import Ratings, Split
from qrec.errors import ConfigError
from qrec.experiments._noise_tables import (
    IDEAL,
    NOISY,
    PUT_BACK,
    difference_figure,
    difference_table,
    noise_table,
    score_table,
)
from qrec.experiments._observed import ObservedSpec, check_same, summarise
from qrec.experiments._tasks import Arrays, Outcome, Row, Step, TaskExperiment
from qrec.experiments._vqsvd import Positive
from qrec.metrics import rmse, seeded_rmse_difference
from qrec.recommenders.als import ALS
from qrec.recommenders.angle_net import AngleNet
from qrec.recommenders.base import Recommender
from qrec.recommenders.bias import UserItemBias
from qrec.registry import check_name
from qrec.runs.folder import RunFolder
from qrec.runs.progress import Report
from qrec.seeds import child_seed

Predictions = list[NDArray[np.float64]]  # of the test pairs, one array per start
_SET_HERE = ("n_layers", "backend", "training_backend", "random_state")


class NoiseTrainingSpec(ObservedSpec):
    """Depths of the net, the number of starts of each, and the parameters that all nets share."""

    kind: Literal["noise_training"]
    backend: str  # of kind exact, with a snapshot
    n_layers: Annotated[list[Positive], Field(min_length=1)]
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


class NoiseTraining(TaskExperiment):
    """See `NoiseTrainingSpec`."""

    spec: NoiseTrainingSpec

    def tasks(self) -> list[str]:
        return ["classical", *self._depths()]

    def details(self) -> dict[str, Any]:
        return {"dataset": self._summary(), "split": self._parts.sizes}

    def backends(self) -> dict[str, Backend]:
        return {self.spec.backend: self._noisy}

    def execute(self, folder: RunFolder, report: Report) -> None:
        check_same(self._summary(), folder.record().details["dataset"])
        super().execute(folder, report)

    def circuits(self) -> dict[str, QuantumCircuit]:
        return {
            task: self._net(n_layers, 0, None)
            .set_params(n_epochs=0)
            .fit(self._parts.train, validation=self._parts.validation)
            .fitted_circuit()
            for task, n_layers in self._depths().items()
        }

    def compute(self, task: str, step: Step) -> Outcome:
        if task == "classical":
            als = ALS(centre="bias", random_state=child_seed(self.spec.seed, "als"))
            return Outcome([self._classical("bias", UserItemBias()), self._classical("als", als)])
        n_layers = self._depths()[task]
        clean: dict[str, Predictions] = {IDEAL: [], NOISY: []}
        noisy: dict[str, Predictions] = {IDEAL: [], PUT_BACK: [], NOISY: []}
        lines = []
        for start in range(self.spec.n_starts):
            for arm, where in ((IDEAL, None), (NOISY, self._noisy)):
                step(f"start {start + 1} of {self.spec.n_starts}, trained {arm}")
                net = self._net(n_layers, start, where)
                net.fit(self._parts.train, validation=self._parts.validation)
                clean[arm].append(net.predict(self._test))
                net.set_params(backend=self._noisy)
                noisy[arm].append(net.predict(self._test))
                if arm == IDEAL:
                    lines.append(self._line(net))
                    noisy[PUT_BACK].append(_put_back(net, *lines[-1][:2]).predict(self._test))
        [unit] = self._noisy.prepare(net.workloads(self._test[:1]))
        common: Row = {"n_layers": n_layers, **_of_circuit(unit.circuit)}
        rows = [
            common | {"trained": arm} | self._score("without", clean.get(arm), "with", noisy[arm])
            for arm in noisy
        ]
        rows += [common | self._difference(noisy, arm) for arm in (IDEAL, PUT_BACK)]
        slope, offset, left = np.mean(lines, axis=0)
        line = {"shrink": 1 / slope, "shift": -offset / slope, "left": left}
        return Outcome([*rows, common | {k: float(v) for k, v in line.items()}])

    def tables(self, rows: list[Row]) -> list[Table]:
        title = f"{self.spec.name}: {self.spec.title}"
        return [score_table(title, rows), difference_table(rows), noise_table(rows)]

    def figures(self, rows: list[Row], arrays: Mapping[str, Arrays]) -> dict[str, Figure]:
        return {"difference": difference_figure(rows)}

    @cached_property
    def _ratings(self) -> Ratings:
        return self.spec.load(self.places.data_dir)

    @cached_property
    def _parts(self) -> Split:
        seed = child_seed(self.spec.seed, "split")
        return self.spec.parts(self._ratings, seed, self.places.data_dir)

    @cached_property
    def _test(self) -> Ratings:
        """The test pairs whose user and item have training ratings; all models score these."""
        train, test = self._parts.train, self._parts.test
        return test[np.isin(test.user, train.user) & np.isin(test.item, train.item)]

    @cached_property
    def _noisy(self) -> Backend:
        backend = open_backend(self.spec.backend, file=self.places.backends_file)
        if not isinstance(backend.spec, ExactSpec) or backend.spec.snapshot is None:
            raise ConfigError(
                f"backend: found {self.spec.backend!r}; training needs noise with gradients: "
                "expected one of kind exact with a snapshot, such as exact_noisy"
            )
        return backend

    def _summary(self) -> dict[str, Any]:
        return summarise(self.spec.dataset["name"], self._ratings)

    def _depths(self) -> dict[str, int]:
        return {f"layers_{n}": n for n in self.spec.n_layers}

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
        ideal, noisy = (place.run(workloads)[0].value for place in (noiseless(), self._noisy))
        slope, offset = np.polyfit(noisy, ideal, 1)
        left = np.std(ideal - slope * noisy - offset) / np.std(ideal)
        return float(slope), float(offset), float(left)

    def _classical(self, name: str, model: Recommender) -> Row:
        model.fit(self._parts.train, validation=self._parts.validation)
        return {"trained": name, **self._score("without", [model.predict(self._test)])}

    def _score(self, *named: Any) -> Row:
        """Return RMSE, its standard error over users, and its values by start."""
        row: Row = {}
        for name, predictions in zip(named[::2], named[1::2], strict=True):
            if predictions is not None:
                test = self._test
                scores = [rmse(test.value, p, test.user) for p in predictions]
                row[f"rmse_{name}"] = float(np.mean([score.value for score in scores]))
                row[f"rmse_{name}_stderr"] = float(np.mean([score.stderr for score in scores]))
                row[f"rmse_{name}_by_start"] = [score.value for score in scores]
        return row

    def _difference(self, noisy: dict[str, Predictions], arm: str) -> Row:
        trained, other = np.array(noisy[NOISY]), np.array(noisy[arm])
        found = seeded_rmse_difference(self._test.value, trained, other, self._test.user)
        return {
            "minus": arm,
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "user_stderr": found.user_stderr,
            "start_sd": found.seed_sd,
            "difference_by_start": found.values.tolist(),
        }


def _put_back(net: AngleNet, slope: float, offset: float) -> AngleNet:
    """Return the net with its readings `value` replaced by slope * value + offset."""
    out = copy(net)
    out.mean_, out.gain_ = net.mean_ + net.gain_ * offset, net.gain_ * slope
    return out


def _of_circuit(isa: QuantumCircuit) -> Row:
    counted = count(isa)
    return {key: counted[key] for key in ("qubits", "two_qubit_gates")}


SPEC = NoiseTrainingSpec
EXPERIMENT = NoiseTraining
