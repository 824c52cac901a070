"""Transpiling for the device of a snapshot: the best of some seeds, and each circuit once.

What was transpiled is kept in the cache folder (``$QREC_CACHE_DIR``), below `transpiled`; that
folder can be deleted at any time.
"""

import io
import json
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from math import lcm
from pathlib import Path
from typing import Literal

from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Delay, Parameter
from qiskit.dagcircuit import DAGCircuit
from qiskit.transpiler import (
    PassManager,
    Target,
    TransformationPass,
    generate_preset_pass_manager,
)
from qiskit.utils import apply_prefix

from qrec.backends.checks import guarded
from qrec.backends.device.fingerprint import UnknownFormError, fingerprint
from qrec.backends.device.snapshots import Snapshot
from qrec.data.files import cache_dir, write_cache
from qrec.errors import ConfigError

# Qubits wait in delays, in which they decohere; without it nothing happens to those that wait.
SchedulingMethod = Literal["asap", "alap"]

_SCHEMA_VERSION = 2  # of the key and of the file
_DIGEST_BYTES = 32


class Transpiler:
    """Transpiles circuits for the device of a snapshot.

    `seed` is the first of `n_seeds`: the circuit whose predicted fidelity is best is taken.
    With `scheduling` qubits that wait do so in a delay.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        level: int,
        seed: int,
        n_seeds: int = 1,
        scheduling: SchedulingMethod | None = None,
    ) -> None:
        self._snapshot, self._level, self._scheduling = snapshot, level, scheduling
        self._seeds = range(seed, seed + n_seeds)

    def pass_manager(self) -> PassManager:
        """Return what transpiles with the first seed."""
        return self._pass_manager(self._seeds[0])

    def run(self, circuits: Sequence[QuantumCircuit]) -> list[QuantumCircuit]:
        """Return the ISA circuits, from the cache where it has them."""
        return [self._run(circuit) for circuit in circuits]

    def _run(self, circuit: QuantumCircuit) -> QuantumCircuit:
        there = self._target.num_qubits
        if circuit.num_qubits > there:
            raise ConfigError(
                f"circuit {circuit.name!r} has {circuit.num_qubits} qubits, {self._snapshot.name} "
                f"has {there}: take another device, or a smaller circuit"
            )
        try:
            path = self._path(circuit)
        except UnknownFormError:
            return self._transpiled(circuit)
        isa = _stored(path, circuit)
        if isa is None:
            isa = self._transpiled(circuit)
            _store(path, isa)
        return isa

    def _transpiled(self, circuit: QuantumCircuit) -> QuantumCircuit:
        tried = [self._pass_manager(seed).run(circuit) for seed in self._seeds]
        return max(tried, key=lambda isa: predicted_fidelity(isa, self._target))

    def _pass_manager(self, seed: int) -> PassManager:
        passes = generate_preset_pass_manager(
            optimization_level=self._level,
            target=self._target,
            seed_transpiler=seed,
            scheduling_method=self._scheduling,
        )
        guarded(passes)
        if self._scheduling is None:
            passes.pre_optimization.append(CheckDelays(self._snapshot.name, self._target))
        else:
            passes.scheduling.append(DropVainDelays())
        return passes

    @property
    def _target(self) -> Target:
        return self._snapshot.device.target

    def _path(self, circuit: QuantumCircuit) -> Path:
        """Return where the ISA circuit is kept: named by all that it hangs on."""
        key = [
            _SCHEMA_VERSION,
            *(version(package) for package in ("qiskit", "qiskit-ibm-runtime")),
            self._snapshot.sha256,
            self._level,
            list(self._seeds),
            self._scheduling,
            fingerprint(circuit),
        ]
        name = sha256(json.dumps(key).encode()).hexdigest()
        return cache_dir() / "transpiled" / f"{name}.qpy"


class CheckDelays(TransformationPass):  # type: ignore[misc]
    """Raises ConfigError for a delay by a time at which a device can begin no pulse.

    Without a schedule to move what follows, Qiskit cannot transpile it.
    """

    def __init__(self, device: str, target: Target) -> None:
        super().__init__()
        self._device, self._dt = device, target.dt
        self._step = lcm(target.acquire_alignment, target.pulse_alignment)

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        for delay in dag.op_nodes(Delay):
            lasts, unit = delay.op.duration, delay.op.unit
            if isinstance(lasts, int | float) and self._in_dt(lasts, unit) % self._step:
                raise ConfigError(
                    f"gate 'delay' of {lasts} {unit} on {self._device}: expected a multiple of "
                    f"{self._step} dt (dt = {self._dt} s), or scheduling_method: alap"
                )
        return dag

    def _in_dt(self, lasts: float, unit: str) -> int:
        if unit == "dt":
            return int(lasts)
        return round(float(apply_prefix(lasts, unit) / self._dt))


class DropVainDelays(TransformationPass):  # type: ignore[misc]
    """Takes away delays that nobody waits for: after a measurement, or on an idle qubit."""

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        for qubit in dag.qubits:
            vain = []
            for node in reversed(list(dag.nodes_on_wire(qubit, only_ops=True))):
                if node.op.name == "delay":
                    vain.append(node)
                elif node.op.name == "measure":
                    break
                elif node.op.name != "barrier":
                    vain = []  # they come before what an observable reads
                    break
            for node in vain:
                dag.remove_op_node(node)
        return dag


def check_scheduling(method: SchedulingMethod | None, snapshot: str | None) -> None:
    """Raise ValueError where a backend's settings schedule for no device."""
    if method is not None and snapshot is None:
        raise ValueError("scheduling_method has no meaning without snapshot")


def predicted_fidelity(circuit: QuantumCircuit, target: Target) -> float:
    """Return the product of (1 - error) over the circuit's instructions, measurements too.

    An instruction of which the target reports no error counts as perfect.
    """
    fidelity = 1.0
    for instruction in circuit.data:
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        name = instruction.operation.name
        properties = target[name].get(qubits) if name in target.operation_names else None
        if properties is not None and properties.error is not None:
            fidelity *= 1.0 - properties.error
    return fidelity


def _store(path: Path, isa: QuantumCircuit) -> None:
    """Keep a circuit as QPY, its sha256 before it."""
    buffer = io.BytesIO()
    qpy.dump(isa, buffer)
    content = buffer.getvalue()
    write_cache(path, lambda file: file.write(sha256(content).digest() + content))


def _stored(path: Path, circuit: QuantumCircuit) -> QuantumCircuit | None:
    """Return what was kept for a circuit; None where nothing was, or the file is damaged.

    The circuit that was kept had parameters of the same names, made by another process; its
    own stand in their place now, since Qiskit tells parameters of one name apart.
    """
    try:
        found = path.read_bytes()
    except OSError:
        return None  # and `_store` will say what is wrong with the folder, if anything is
    digest, content = found[:_DIGEST_BYTES], found[_DIGEST_BYTES:]
    if sha256(content).digest() != digest:
        return None
    [isa] = qpy.load(io.BytesIO(content))
    own = {parameter.name: parameter for parameter in circuit.parameters}
    # By way of other names: in a global phase of several, Qiskit meets old and new of one name.
    between = {p: Parameter(f"stored {p.name}") for p in isa.parameters}
    isa.assign_parameters(between, inplace=True)
    isa.assign_parameters({new: own[old.name] for old, new in between.items()}, inplace=True)
    isa.name, isa.metadata = circuit.name, circuit.metadata
    return isa
