"""`kind: exact`: exact distributions, ideal or under a device's noise, gradients by autograd."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import PassManager, Target

from qrec.backends.base import BackendSpec, Limits, Raw, Unit
from qrec.backends.device.snapshots import Snapshot, SnapshotName, open_snapshot
from qrec.backends.device.sources import NoiseSpec, check_noise, modelled, scheduling
from qrec.backends.device.transpile import SchedulingMethod, Transpiler, check_scheduling
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Device, Question
from qrec.backends.exact.tensor_train.train import MACHINE_EPS, Truncation
from qrec.backends.local import LocalBackend, workload_seed
from qrec.backends.readings import is_diagonal
from qrec.backends.sampled import measure
from qrec.backends.workload import Workload
from qrec.config import Spec
from qrec.errors import ConfigError

# The engine, and torch with it, is imported where it computes: naming a backend needs neither.
if TYPE_CHECKING:
    from qrec.backends.exact.expectation import Expectation


class TensorTrainSpec(Spec):
    """Values by a tensor train, whatever else would do.

    Each cut may drop `eps` of the table's norm; with `max_bond` bonds are never wider, and what
    that costs is the estimated error that `qrec explain` prints.
    """

    eps: Annotated[float, Field(gt=0, lt=1)] = MACHINE_EPS
    max_bond: Annotated[int, Field(ge=1)] | None = None


class ExactSpec(BackendSpec):
    """Exact expectation values, differentiable; or `shots` drawn from the exact distribution.

    Without `snapshot` of the ideal circuit as it is; with it of the circuit transpiled for
    that device, under its noise, or what `noise` leaves of it: see `NoiseSpec`. The
    transpiler's settings belong to a snapshot alone, the simulator's seed to shots. With
    `tensor_train` values may be approximate: see `TensorTrainSpec`.
    """

    kind: Literal["exact"]
    name: str = "exact"
    dtype: Literal["float32", "float64"] = "float64"
    device: Device = "cpu"
    shots: Annotated[int, Field(ge=1)] | None = None  # None: infinitely many
    seed_simulator: Annotated[int, Field(ge=0)] | None = None
    snapshot: SnapshotName | None = None
    optimization_level: Annotated[int, Field(ge=0, le=3)] | None = None
    seed_transpiler: Annotated[int, Field(ge=0)] | None = None
    scheduling_method: SchedulingMethod | None = None
    noise: NoiseSpec | None = None
    tensor_train: TensorTrainSpec | None = None

    @model_validator(mode="after")
    def _settings_go_together(self) -> "ExactSpec":
        for key, owner in (
            ("optimization_level", "snapshot"),
            ("seed_transpiler", "snapshot"),
            ("seed_simulator", "shots"),
        ):
            owned = getattr(self, owner) is not None
            if (getattr(self, key) is not None) != owned:
                wanted = "missing beside" if owned else "has no meaning without"
                raise ValueError(f"{key} {wanted} {owner}")
        check_scheduling(self.scheduling_method, self.snapshot)
        check_noise(self.noise, self.snapshot)
        if self.tensor_train is not None and self.shots is not None:
            raise ValueError("tensor_train has no meaning beside shots, which are exact draws")
        return self


class ExactBackend(LocalBackend):
    """Evaluates the logical circuit as it is, or transpiled for a device under its noise.

    Without shots a reading has no error. With them it is drawn from the exact distribution,
    and what needs exact values (`estimator`, `expectation`) raises ConfigError.
    """

    Spec = ExactSpec
    packages = ("qiskit", "torch")

    def __init__(self, spec: ExactSpec) -> None:
        super().__init__(spec)
        self._spec = spec

    @property
    def pinned(self) -> Snapshot | None:
        if self._pinned is None and self._spec.snapshot is not None:
            self._pinned = open_snapshot(self._spec.snapshot)
        return self._pinned

    @property
    def _noise(self) -> DeviceNoise | None:
        return None if self.pinned is None else _noise(self.pinned, self._spec.noise)

    @property
    def _transpiler(self) -> Transpiler | None:
        spec = self._spec
        if self.pinned is None:
            return None
        assert spec.optimization_level is not None  # the spec sees to that
        assert spec.seed_transpiler is not None
        return Transpiler(
            self.pinned,
            spec.optimization_level,
            spec.seed_transpiler,
            scheduling=scheduling(spec.noise, spec.scheduling_method),
        )

    @property
    def shots(self) -> int | None:
        return self._spec.shots

    @property
    def limits(self) -> Limits:
        """Shots cost nothing here: as much at a time as without."""
        return Limits(pubs=1, evaluations=2**14)

    @property
    def target(self) -> Target | None:
        return None if self.pinned is None else self.pinned.device.target

    def pass_manager(self) -> PassManager | None:
        return self._transpiler and self._transpiler.pass_manager()

    def _make_estimator(self) -> BaseEstimatorV2:
        from qrec.backends.exact.estimator import ExactEstimator

        self._check_exact("an estimator")
        return ExactEstimator(self._noise, self._spec.dtype, self._method, self._spec.device)

    def _make_sampler(self) -> BaseSamplerV2:
        """Return a sampler of the exact distribution, with the seed 0 where there are no shots."""
        from qrec.backends.exact.sampler import ExactSampler

        return ExactSampler(
            seed=self._spec.seed_simulator or 0,
            noise=self._noise,
            shots=self.shots,
            device=self._spec.device,
        )

    def expectation(self, circuit: QuantumCircuit, observable: SparseObservable) -> "Expectation":
        """Return a logical circuit's expectation value here as a torch function."""
        from qrec.backends.exact.expectation import Expectation

        self._check_exact("an expectation with gradients")
        isa, observed = self._isa(circuit, [observable])
        question = Question(isa, observed, circuit.parameters, self._noise)
        return Expectation(question, self._method)

    def explain(self, workload: Workload) -> None:
        """Print what evaluates a workload here, and what it costs."""
        print(self.explanation(workload))

    def explanation(self, workload: Workload) -> str:
        """Return what `explain` prints."""
        from qrec.backends.exact.explain import explain

        circuit, observables = self._isa(workload.circuit, workload.observable_list)
        question = self._question(circuit, observables, workload)
        return explain(question, workload.parameters, self._method)

    def prepare(self, workloads: Sequence[Workload]) -> list[Unit]:
        return [
            Unit(w, w.circuit if w.isa else self._isa(w.circuit, w.observable_list)[0])
            for w in workloads
        ]

    @property
    def _method(self) -> Truncation | None:
        asked = self._spec.tensor_train
        return None if asked is None else Truncation(asked.eps, asked.max_bond)

    def _check_exact(self, what: str) -> None:
        if self.shots is not None:
            raise ConfigError(
                f"backend {self.name!r} has shots: {self.shots}, {what} has none; expected an "
                "entry of kind exact without shots and seed_simulator"
            )

    def _isa(
        self, circuit: QuantumCircuit, observables: list[SparseObservable]
    ) -> tuple[QuantumCircuit, list[SparseObservable]]:
        transpiler = self._transpiler
        if transpiler is None:
            return circuit, observables
        from qrec.backends.exact.sampler import split_measurements

        # A measurement changes which qubits the transpiler picks: with it they are those that
        # an aer backend with the same settings runs on.
        whole = measure(circuit, *observables) if all(map(is_diagonal, observables)) else circuit
        [isa] = transpiler.run([whole])
        return split_measurements(isa)[0], [one.apply_layout(isa.layout) for one in observables]

    def _question(
        self, circuit: QuantumCircuit, observables: list[SparseObservable], workload: Workload
    ) -> Question:
        columns = workload.circuit.parameters
        spec = self._spec
        return Question(circuit, observables, columns, self._noise, spec.dtype, spec.device)

    def _execute(self, unit: Unit) -> Raw:
        workload = unit.workload
        observables = workload.observable_list if self._noise is None else unit.observables
        question = self._question(unit.circuit, observables, workload)
        if self._spec.shots is not None:
            assert self._spec.seed_simulator is not None
            from qrec.backends.exact.shots import draw_counts

            seed = workload_seed(self._spec.seed_simulator, workload)
            return {"counts": draw_counts(question, workload.parameters, self._spec.shots, seed)}
        from qrec.backends.exact.estimator import evaluate

        value = evaluate(question, workload.parameters, self._method)
        value = value if workload.is_joint else value[:, 0]
        return {"value": value, "stderr": np.zeros_like(value)}


@lru_cache(maxsize=64)
def _noise(snapshot: Snapshot, noise: NoiseSpec | None) -> DeviceNoise:
    """Read a device once per process."""
    counting = modelled(snapshot, noise)
    return DeviceNoise(counting.target, snapshot.name, counting.delays)


BACKEND = ExactBackend
