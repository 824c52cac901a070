"""All races: the table of goals, row by row."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from qrec.backends.exact.method import Method
from qrec.experiments.speed import ours, peers
from qrec.experiments.speed.race import Call, Contender, Cost, Race
from qrec.experiments.speed.work import Work, complex_net, net

# By name: in words, and what makes it.
_NETS: dict[str, tuple[str, Callable[[], Work]]] = {
    "8q-l2-pairs": ("8 qubits, L=2 pairs", partial(net, 4, 2, "pairs")),
    "8q-l3-all": ("8 qubits, L=3 all", partial(net, 4, 3, "all")),
    "8q-l3-chain": ("8 qubits, L=3 chain", partial(net, 4, 3, "chain")),
    "12q-l3-all": ("12 qubits, L=3 all", partial(net, 6, 3, "all")),
    "20q-l3-chain": ("20 qubits, L=3 chain", partial(net, 10, 3, "chain")),
    "30q-l3-chain": ("30 qubits, L=3 chain", partial(net, 15, 3, "chain")),
    "100q-l3-chain": ("100 qubits, L=3 chain", partial(net, 50, 3, "chain")),
    "8q-complex": ("8 qubits, RX RZ U CRZ, complex amplitudes, read by X Y Z", complex_net),
}
_EPOCH = 60_000  # samples
# At least so many times slower than we are.
_PREDICTION_GOALS = {
    "8q-l2-pairs": {"one": 5000.0, "broadcast": 80.0, "aer": 80.0, "jit": 4.0},
    "8q-l3-all": {"one": 5000.0, "broadcast": 80.0, "aer": 80.0, "jit": 20.0},
    "12q-l3-all": {"broadcast": 100.0, "aer": 100.0, "jit": 25.0},
    "8q-complex": {},
}
_TRAINING_GOALS = {16: 8.0, 256: 15.0, 2048: 40.0}  # PennyLane broadcasting
# The goal, and Aer's rows: so many that the seconds of each of its calls do not count.
_NOISY = {"8q-l2-pairs": (2500.0, 200), "8q-l3-all": (10_000.0, 40), "8q-l3-chain": (10_000.0, 40)}
# By the tensor train: evaluations per second.
_IDEAL_TRAIN = {"20q-l3-chain": 1.2e6, "100q-l3-chain": None}
_NOISY_TRAIN = {"20q-l3-chain": 8e5, "30q-l3-chain": 5e5}
_NOISY_TRAINING = 1e5  # samples, in batches of 256


@dataclass(frozen=True)
class Sizes:
    """How many rows a call has; of other tools, those with which they are fastest.

    Twenty thousand rows at once leave the cache: PennyLane takes twice as long per row.
    """

    rows: int = 20_000
    broadcast: int = 500
    jit: int = 2_000
    wide_rows: int = 4_000  # 12 qubits
    wide_broadcast: int = 100
    wide_jit: int = 200
    slow: int = 20  # samples one by one
    aer: int = 200
    noisy: int | None = None  # Aer's rows, if not those of the net
    swap_aer: int = 100
    users: int = 943  # MovieLens-100K
    items: int = 1682
    noisy_swaps: int = 5_000
    train_rows: int = 100_000
    train_aer: int = 4


QUICK = Sizes(rows=40, broadcast=10, jit=10, wide_rows=10, wide_broadcast=5, wide_jit=5, slow=2,
              aer=10, noisy=2, swap_aer=2, users=20, items=30, noisy_swaps=20,
              train_rows=20, train_aer=2)  # fmt: skip


def races(quick: bool = False) -> dict[str, Race]:
    """Return all races by name; `quick` ones do so little work that their rates mean nothing."""
    sizes = QUICK if quick else Sizes()
    found = [_predictions(name, sizes) for name in _PREDICTION_GOALS]
    found += [_table(name, sizes) for name in ("8q-l2-pairs", "8q-l3-all", "8q-complex")]
    found += [_all_pairs(name, sizes, noisy=False) for name in ("8q-l2-pairs", "8q-l3-all")]
    found += [
        _training(name, batch)
        for name in ("8q-l2-pairs", "8q-l3-all", "8q-l3-chain")
        for batch in ([16] if quick else _TRAINING_GOALS)
    ]
    found += [_noisy(name, sizes) for name in _NOISY]
    found += [_all_pairs(name, sizes, noisy=True) for name in ("8q-l2-pairs", "8q-l3-all")]
    found += [_train(name, sizes) for name in _IDEAL_TRAIN]
    found += [_noisy_train(name, sizes) for name in _NOISY_TRAIN]
    found += [_noisy_training("20q-l3-chain", 256)]
    either = (False, True)
    found += [_swap(k, noisy, shots, sizes) for k in (4, 8) for noisy in either for shots in either]
    return {race.name: race for race in found}


def _predictions(name: str, sizes: Sizes) -> Race:
    n, broadcast, jit, slow = sizes.rows, sizes.broadcast, sizes.jit, sizes.slow
    if name.startswith("12q"):
        n, broadcast, jit = sizes.wide_rows, sizes.wide_broadcast, sizes.wide_jit
    goals, peer = _PREDICTION_GOALS[name], partial(_contender, name)
    return Race(
        f"predictions-{name}",
        f"{n:,} predictions, {_words(name)}",
        [
            _engine("state vector", name, n, "statevector", 32),
            _engine("state vector", name, n, "statevector", 64),
            peer("PennyLane, one by one", lambda w: peers.pennylane_one_by_one(w, slow), slow, 64,
                 goals.get("one")),
            peer("PennyLane lightning",
                 lambda w: peers.pennylane_one_by_one(w, slow, "lightning.qubit"), slow, 64),
            peer("PennyLane broadcasting", lambda w: peers.pennylane_broadcasting(w, broadcast),
                 broadcast, 64, goals.get("broadcast")),
            peer("tensorcircuit-ng, single",
                 lambda w: peers.tensorcircuit_jit(w, jit, "complex64"), jit, 32,
                 goals.get("jit")),
            peer("tensorcircuit-ng, double",
                 lambda w: peers.tensorcircuit_jit(w, jit, "complex128"), jit, 64),
            peer("Aer EstimatorV2, single", lambda w: peers.aer(w, sizes.aer, "single"),
                 sizes.aer, 32, goals.get("aer")),
            peer("Aer EstimatorV2, double", lambda w: peers.aer(w, sizes.aer, "double"),
                 sizes.aer, 64),
            peer("Qiskit StatevectorEstimator", lambda w: peers.qiskit_statevector(w, slow), slow,
                 64),
        ],
    )  # fmt: skip


def _table(name: str, sizes: Sizes) -> Race:
    n, goal = sizes.rows, None if name == "8q-complex" else 3.0
    return Race(
        f"table-{name}",
        f"{n:,} predictions by the Heisenberg table, {_words(name)}",
        [
            _engine("table", name, n, "table", 32),
            _engine("table", name, n, "table", 64),
            _engine("state vector", name, n, "statevector", 32, goal),
        ],
    )


def _all_pairs(name: str, sizes: Sizes, noisy: bool) -> Race:
    users, items = sizes.users, sizes.items
    return Race(
        f"{'noisy-' if noisy else ''}pairs-{name}",
        f"all {users} x {items} pairs{' under noise' if noisy else ''}, {_words(name)}",
        [
            _contender(
                name, "qrec table", lambda w: ours.all_pairs(w, users, items, noisy),
                users * items, 32, is_ours=True, cost=lambda w: ours.all_pairs_cost(w, noisy),
            )
        ],
        rate_goal=1e7 if noisy else 1e8,
    )  # fmt: skip


def _training(name: str, batch: int) -> Race:
    ahead = 1.0 if batch > 16 and name == "8q-l3-all" else None
    contender = partial(_contender, name)
    found = [
        contender("qrec", lambda w: ours.training_step(w, batch, 32), batch, 32, is_ours=True),
        contender("qrec, double", lambda w: ours.training_step(w, batch, 64), batch, 64,
                  is_ours=True),
        contender("PennyLane broadcasting", lambda w: peers.pennylane_step(w, batch),
                  batch, 64, _TRAINING_GOALS[batch]),
        contender("tensorcircuit-ng, single",
                  lambda w: peers.tensorcircuit_step(w, batch, "complex64"), batch, 32, ahead),
        contender("tensorcircuit-ng, double",
                  lambda w: peers.tensorcircuit_step(w, batch, "complex128"), batch, 64),
    ]  # fmt: skip
    if batch == 16:
        found.append(
            contender("qiskit-machine-learning",
                      lambda w: peers.machine_learning_step(w, 1), 1, 64, 250.0)
        )  # fmt: skip
    title = f"training, batches of {batch}, theta and angles, {_words(name)}"
    return Race(f"training-{name}-{batch}", title, found, epoch=_EPOCH)


def _noisy(name: str, sizes: Sizes) -> Race:
    n, (goal, few) = sizes.rows, _NOISY[name]
    few, contender = sizes.noisy or few, partial(_contender, name)
    return Race(
        f"noisy-{name}",
        f"{n:,} predictions under noise, plan and pull included, {_words(name)}",
        [
            contender("qrec table", lambda w: ours.noisy_predictions(w, n, 32), n, 32,
                      is_ours=True),
            contender("qrec table, double", lambda w: ours.noisy_predictions(w, n, 64), n, 64,
                      is_ours=True),
            contender("Aer EstimatorV2, single", lambda w: peers.aer_noisy(w, few, "single"), few,
                      32, goal),
        ],
    )  # fmt: skip


def _train(name: str, sizes: Sizes) -> Race:
    n, few = sizes.train_rows, sizes.train_aer
    found = [
        _engine("tensor train", name, n, "tensor_train", 32),
        _engine("tensor train", name, n, "tensor_train", 64),
    ]
    if name.startswith("20q"):
        found.append(
            _contender(name, "Aer EstimatorV2, single", lambda w: peers.aer(w, few, "single"),
                       few, 32)
        )  # fmt: skip
    title = f"{n:,} predictions by the tensor train, {_words(name)}"
    return Race(f"train-{name}", title, found, _IDEAL_TRAIN[name])


def _noisy_train(name: str, sizes: Sizes) -> Race:
    n, contender = sizes.train_rows, partial(_contender, name, is_ours=True)
    return Race(
        f"noisy-train-{name}",
        f"{n:,} predictions of a fitted net under noise, {_words(name)}",
        [
            contender("qrec tensor train", lambda w: ours.fitted_predictions(w, n, 32), n, 32),
            contender("qrec tensor train, double", lambda w: ours.fitted_predictions(w, n, 64),
                      n, 64),
        ],
        _NOISY_TRAIN[name],
    )  # fmt: skip


def _noisy_training(name: str, batch: int) -> Race:
    contender = partial(_contender, name, is_ours=True)
    return Race(
        f"noisy-training-{name}-{batch}",
        f"training under noise, batches of {batch}, theta and angles, {_words(name)}",
        [
            contender("qrec", lambda w: ours.training_step(w, batch, 32, noisy=True), batch, 32),
            contender("qrec, double", lambda w: ours.training_step(w, batch, 64, noisy=True),
                      batch, 64),
        ],
        _NOISY_TRAINING,
        _EPOCH,
    )  # fmt: skip


def _swap(k: int, noisy: bool, shots: bool, sizes: Sizes) -> Race:
    n, few = sizes.noisy_swaps if noisy else sizes.rows, sizes.swap_aer
    words = f"SWAP tests, k = {k}{', under noise' if noisy else ''}"
    return Race(
        f"swap-k{k}{'-noisy' if noisy else ''}{'-shots' if shots else ''}",
        f"{words}, {'1024 shots' if shots else 'infinite shots'}",
        [
            Contender("qrec", lambda: ours.swap_tests(k, n, noisy, shots), n, 32, is_ours=True),
            Contender("Aer SamplerV2", lambda: peers.aer_swap_tests(k, few, noisy), few,
                      32, at_least=1000.0),
        ],
    )  # fmt: skip


def _engine(
    who: str, name: str, n: int, method: Method, bits: ours.Bits, goal: float | None = None
) -> Contender:
    return _contender(
        name, f"qrec {who}" if bits == 32 else f"qrec {who}, double",
        lambda w: ours.predictions(w, n, method, bits), n, bits, goal, is_ours=True,
        cost=lambda w: ours.prediction_cost(w, n, method, bits),
    )  # fmt: skip


def _contender(
    name: str,
    who: str,
    build: Callable[[Work], Call],
    work: int,
    bits: int,
    goal: float | None = None,
    is_ours: bool = False,
    cost: Callable[[Work], Cost] | None = None,
) -> Contender:
    """Return a way to do the work of a net, which is made when the race begins."""
    made = _NETS[name][1]
    judged = None if cost is None else lambda: cost(made())
    return Contender(who, lambda: build(made()), work, bits, is_ours, goal, judged)


def _words(name: str) -> str:
    return _NETS[name][0]
