"""Vendors' backends as they are met: right, wrong in every way, slow to say so.

All but `Honest` distort what Qiskit's own simulator gives, shot by shot: ``in_memory`` changes
what Qiskit's sampler reads, ``in_counts`` what ``get_counts()`` gives.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

from qiskit.providers import BackendV2, Options
from qiskit.providers.basic_provider import BasicSimulator

ANSWER = 42
RUNS = []  # shots of every call, in this process


class Honest(BackendV2):
    """Qiskit's simulator under another name; shots are strings such as ``01 1``."""

    max_circuits = None
    max_shots = 5000

    def __init__(self, name="honest"):
        super().__init__(name=name)
        self.simulator = BasicSimulator()

    @property
    def target(self):
        return self.simulator.target

    @classmethod
    def _default_options(cls):
        return Options()

    def in_memory(self, shots):
        return shots

    def in_counts(self, shots):
        return shots

    def taken(self, options):
        return options

    def run(self, run_input, *, shots=1024, **options):
        RUNS.append(shots)
        if shots > self.max_shots:
            raise ValueError(f"at most {self.max_shots} shots,\nnot {shots}")
        asked = self.taken(options) | {"shots": shots, "memory": True}
        result = self.simulator.run(run_input, **asked).result()
        lists = [result.get_memory(i) for i in range(len(result.results))]
        return SimpleNamespace(result=lambda: self.answer(lists))

    def answer(self, lists):
        counts = [dict(Counter(self.in_counts(shots))) for shots in lists]
        memories = [[as_hex(shot) for shot in self.in_memory(shots)] for shots in lists]
        return SimpleNamespace(
            results=[
                SimpleNamespace(data=SimpleNamespace(memory=m), shots=len(m)) for m in memories
            ],
            get_counts=lambda: counts[0] if len(counts) == 1 else counts,
        )


def as_hex(shot):
    return hex(int(shot.replace(" ", ""), 2))


def honest(**arguments):
    """A factory is as good as a class."""
    return Honest(**arguments)


class NoMemory(Honest):
    """The well-known case: Qiskit's sampler takes a missing memory for zeros."""

    def in_memory(self, shots):
        return []


class NoSpaces(NoMemory):
    def in_counts(self, shots):
        return [shot.replace(" ", "") for shot in shots]


class SwappedInMemory(Honest):
    """Registers in the wrong order, which one register alone does not show."""

    def in_memory(self, shots):
        return [" ".join(reversed(shot.split())) for shot in shots]


class NoOptions(Honest):
    def run(self, run_input, shots):
        return super().run(run_input, shots=shots)


class OneAtATime(NoMemory):
    max_circuits = 1

    def run(self, run_input, **options):
        [_] = run_input
        return super().run(run_input, **options)


class Swapped(SwappedInMemory):
    in_counts = SwappedInMemory.in_memory


class Reversed(Honest):
    def in_memory(self, shots):
        return [shot[::-1] for shot in shots]

    in_counts = in_memory


class Zeros(Honest):
    def in_memory(self, shots):
        return ["0" * len(shot.replace(" ", "")) for shot in shots]

    in_counts = in_memory


class ZeroCounts(Zeros):
    def in_memory(self, shots):
        return shots


class Uniform(Zeros):
    """Coins instead of qubits."""

    def in_memory(self, shots):
        n = len(shots[0].replace(" ", ""))
        return [f"{i % 2**n:0{n}b}" for i in range(len(shots))]

    in_counts = in_memory


class Uncorrelated(Honest):
    """A Bell pair without its CX."""

    def in_memory(self, shots):
        return ["01" if shot == "11" else shot for shot in shots]

    in_counts = in_memory


class Loses(Honest):
    def in_counts(self, shots):
        return shots[1:]

    in_memory = in_counts


class Shuffled(Honest):
    """Results in another order than circuits."""

    def answer(self, lists):
        return super().answer(lists[::-1])


class Deaf(Honest):
    """Takes a seed and does not use it."""

    def taken(self, options):
        return {}


class Stubborn(Honest):
    """Uses a seed of its own, always."""

    def taken(self, options):
        return {"seed_simulator": 3}


class Chatty(Honest):
    """Prints, and asks."""

    def run(self, run_input, **options):
        print("hello from the vendor")
        assert os.read(0, 1) == b""
        return super().run(run_input, **options)


class Crashes(Honest):
    def run(self, run_input, **options):
        print("about to crash")
        os._exit(3)


class Killed(Honest):
    def run(self, run_input, **options):
        os.kill(os.getpid(), signal.SIGKILL)


class CrashesOnce(Honest):
    """Dies when asked for 7 shots, is well after a new start."""

    def run(self, run_input, *, shots, **options):
        if shots == 7:
            raise SystemExit("memory is gone")
        return super().run(run_input, shots=shots, **options)


class OldQiskit(Honest):
    """In a process of its own: one that reads and writes QPY of version 13 only."""

    version = 13

    def __init__(self):
        from qiskit import qpy

        super().__init__()
        load, dump = qpy.load, qpy.dump

        def old_load(file):
            start = file.read(7)
            assert start[6] == self.version, f"cannot read QPY {start[6]}"
            file.seek(0)
            return load(file)

        def old_dump(circuits, file, *, version):
            assert version == self.version, f"cannot write QPY {version}"
            return dump(circuits, file, version=version)

        qpy.QPY_VERSION, qpy.load, qpy.dump = self.version, old_load, old_dump


class TooOldQiskit(Honest):
    def __init__(self):
        from qrec.backends.vendor import device

        super().__init__()
        device.version = lambda _: "1.3.3"


class Broken:
    """No `BackendV2` at all."""


def needs_a_key():
    raise PermissionError("no credentials found")


class Provider:
    """As most vendors': no backend itself, and what has one may lie deeper."""

    _inner = None

    @property
    def cloud(self):
        return self

    def get_backend(self, name, *, suffix=""):
        if name != "honest":
            raise ValueError(f"no backend {name}")
        return Honest(name + suffix)

    def ideal(self):
        return Honest("ideal")


class ShortLater(Honest):
    """Gives what is asked for as long as it is tested, and one shot less afterwards."""

    def in_memory(self, shots):
        return shots if len(shots) == 100 else shots[:-1]

    in_counts = in_memory


class OneLater(Honest):
    """Afterwards a single shot, which NumPy would spread over all."""

    def in_memory(self, shots):
        return shots if len(shots) == 100 else shots[:1]

    in_counts = in_memory


class FewerLater(Honest):
    """Afterwards one result less than circuits."""

    def answer(self, lists):
        return super().answer(lists if len(lists[0]) == 100 else lists[:-1])


class Counting(NoMemory):
    """Counts that are no counts, after the self-test."""

    numbers = (0.5, 399.5)

    def answer(self, lists):
        found = super().answer(lists)
        if len(lists[0]) != 100:
            found.get_counts = lambda: [{"00": self.numbers[0], "11": self.numbers[1]}] * len(lists)
        return found


class NotANumber(Counting):
    numbers = (float("nan"), 400.0)


class Panics(Honest):
    """As code in Rust does."""

    def run(self, run_input, **options):
        raise type("PanicException", (BaseException,), {})("index out of\x1b[31m bounds")


class Hangs(Honest):
    def run(self, run_input, **options):
        time.sleep(600)


class Floods(Honest):
    """Says more than a pipe holds, and dies of it."""

    def run(self, run_input, **options):
        sys.stderr.write("warning " * 100_000 + "\n" + "x" * 5000)
        sys.stderr.flush()
        os._exit(5)


class Service(Honest):
    """A vendor whose jobs outlive the process that sent them: they lie in a folder."""

    max_circuits = 3

    def __init__(self, folder):
        super().__init__("service")
        self.folder = Path(folder)

    def run(self, run_input, *, shots):
        assert len(run_input) <= self.max_circuits
        counts = super().run(run_input, shots=shots).result().get_counts()
        number = len(list(self.folder.iterdir()))
        text = json.dumps(counts if isinstance(counts, list) else [counts])
        (self.folder / f"job {number}").write_text(text)
        return ServiceJob(self.folder / f"job {number}")

    def retrieve_job(self, job_id):
        if not (self.folder / job_id).exists():
            raise LookupError(f"no {job_id}")
        return ServiceJob(self.folder / job_id)


class ServiceJob:
    def __init__(self, file):
        self.file = file

    def job_id(self):
        return self.file.name

    def status(self):
        text = self.file.read_text()
        return SimpleNamespace(name=text if text in ("RUNNING", "ERROR", "CANCELLED") else "DONE")

    def result(self):
        text = self.file.read_text()
        if text == "ERROR":
            raise RuntimeError("the ion was lost")
        return SimpleNamespace(get_counts=lambda: json.loads(text))

    def cancel(self):
        self.file.write_text("CANCELLED")
