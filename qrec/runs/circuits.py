"""The circuits of a run: for each step, each circuit as it was written and as it was sent."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import Field, TypeAdapter, ValidationError
from qiskit import QuantumCircuit, qasm3, qpy

from qrec.backends.base import Backend, Unit
from qrec.backends.device.fingerprint import UnknownFormError, fingerprint
from qrec.backends.workload import Workload
from qrec.config import explain
from qrec.errors import ConfigError
from qrec.runs.files import one_line, read_json, stored, write, write_json

Cost = dict[str, Any]  # of one circuit: stage -> what was counted
_Stage = Annotated[str, Field(pattern="^(logical|isa|executed)$")]
_COST = TypeAdapter(dict[_Stage, dict[str, int | dict[str, int]]])


class Circuits:
    """The circuits of one step, a file each: writers of other steps are not met.

    Transpiled again on a device whose calibration has changed, a circuit could differ from the
    one that jobs in flight hold: so each is transpiled once and read from then on.
    """

    def __init__(self, run: Path, step: str) -> None:
        self._folder = run / "circuits" / step
        self._read: dict[Path, tuple[QuantumCircuit, QuantumCircuit]] = {}
        self._forms: dict[int, tuple[QuantumCircuit, str]] = {}  # by id, which the circuit keeps

    def form(self, workload: Workload) -> str:
        """Return what circuit and observables of a workload are made of, as one short text."""
        known = self._forms.get(id(workload.circuit))
        if known is None:
            known = self._forms[id(workload.circuit)] = workload.circuit, _sha(workload.circuit)
        observables = str([o.to_sparse_list() for o in workload.observable_list])
        return sha256(f"{known[1]}{observables}".encode()).hexdigest()[:16]

    def prepare(
        self,
        backend: Backend,
        name: str,
        workloads: Sequence[Workload],
        cost: Callable[[Unit], Cost],
    ) -> list[Unit]:
        """Return what is sent to a backend, called `name` in the run; store what is new.

        `cost` says what a circuit costs; that is stored beside it.
        """
        paths = [self._path(name, workload) for workload in workloads]
        new = {path: workload for path, workload in zip(paths, workloads, strict=True)
               if path not in self._read and not path.is_file()}  # fmt: skip
        # Preparing takes time even where nothing is new, as in all iterations of a training.
        prepared = backend.prepare(list(new.values())) if new else []
        for path, unit in zip(new, prepared, strict=True):
            self._read[path] = unit.workload.circuit, unit.circuit
            write_json(path.with_suffix(".json"), cost(unit))
            write(path, partial(_dump, [unit.workload.circuit, unit.circuit]))
        units = []
        for workload, path in zip(workloads, paths, strict=True):
            if path not in self._read:
                logical, isa = _read_qpy(path)
                self._read[path] = logical, isa
            logical, isa = self._read[path]
            units.append(Unit(replace(workload, circuit=logical), isa))
        return units

    def costs(self, name: str, workloads: Sequence[Workload]) -> list[Cost]:
        """Return what the circuits of workloads that were prepared cost."""
        return [_read_cost(self._path(name, w).with_suffix(".json")) for w in workloads]

    def read(self, backend: str, form: str) -> tuple[QuantumCircuit, QuantumCircuit]:
        """Return a circuit, named as in `rows`, as it was written and as it was sent."""
        logical, isa = _read_qpy(self._folder / f"{backend}-{form}.qpy")
        return logical, isa

    def rows(self) -> list[dict[str, Any]]:
        """Return the cost of every circuit of the step, a row per stage."""
        rows = []
        for path in sorted(self._folder.glob("[!.]*.json")):
            backend, _, form = path.stem.rpartition("-")
            common = {"step": self._folder.name, "backend": backend, "circuit": form}
            rows += [{**common, "stage": k, **counts} for k, counts in _read_cost(path).items()]
        return rows

    def _path(self, backend: str, workload: Workload) -> Path:
        return self._folder / f"{backend}-{self.form(workload)}.qpy"


def _sha(circuit: QuantumCircuit) -> str:
    """Return the fingerprint of a circuit, its OpenQASM where it holds what has no other form.

    Raises ConfigError where that cannot be written.
    """
    try:
        return fingerprint(circuit)
    except UnknownFormError as unknown:
        try:
            return str(qasm3.dumps(circuit))
        except Exception as error:  # the exporter fails in a way of its own for every oddity
            raise ConfigError(
                f"circuit {circuit.name!r} holds {unknown}, and cannot be told from others: {error}"
            ) from None


@stored()
def _read_cost(path: Path) -> Cost:
    """Read what a circuit costs. Raises ConfigError where that is no count of gates per stage."""
    try:
        return {**_COST.validate_python(read_json(path), strict=True)}
    except ValidationError as error:
        raise ConfigError(explain(error, str(path))) from None


def _dump(circuits: list[QuantumCircuit], file: BinaryIO) -> None:
    qpy.dump(circuits, file)


@stored()
def _read_qpy(path: Path) -> list[QuantumCircuit]:
    try:
        with path.open("rb") as file:
            logical, isa = qpy.load(file)
            return [logical, isa]
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or one_line(error)}") from None
    except BaseException as error:  # its reader fails in ways of its own, in Rust by a panic too
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise ConfigError(f"{path}: not readable as QPY: {one_line(error)}") from None
