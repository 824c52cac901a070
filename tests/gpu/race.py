"""Races the exact engine on a CUDA device against itself on the host: python tests/gpu/race.py.

Takes under five minutes. Every call is waited for; medians of rounds in turns. The host has the
better of one thread and all. A captured step is one CUDA graph, replayed.
"""

import sys
import time
from collections.abc import Callable
from statistics import median

import torch

from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.method import Method
from qrec.backends.exact.read.question import Device, Question
from qrec.experiments.speed.work import Work, complex_net, net

Call = Callable[[], object]
ROUNDS = 7


def predictions(work: Work, n_rows: int, method: Method, device: Device) -> Call:
    """Predictions in float32 of a fitted net; the rows come from the host and go back there."""
    rows = work.flat(n_rows)
    question = Question(work.circuit, [work.observable], dtype="float32", device=device)
    return lambda: evaluate(question, rows, method)


def resident(work: Work, n_rows: int, method: Method, device: Device) -> Call:
    """The same of rows that lie on the device, which keeps the values."""
    function = Expectation(Question(work.circuit, [work.observable]), method)
    values = _tensors(work, n_rows, device, False)

    def call() -> None:
        with torch.inference_mode():
            function(values)

    return call


def training(work: Work, batch: int, device: Device) -> Call:
    """One step forward and back in float32."""
    function = Expectation(Question(work.circuit, [work.observable]))
    leaves = _tensors(work, batch, device, True)

    def call() -> None:
        for leaf in leaves.values():
            leaf.grad = None
        function(leaves).square().sum().backward()

    return call


def captured(call: Call) -> Call:
    """Return a call as one CUDA graph: what it launches, without Python."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def all_pairs(work: Work, n: int, device: Device) -> Call:
    """The values of all pairs of n users and n items in float32."""
    function = Expectation(Question(work.circuit, [work.observable]), "table")
    values = _tensors(work, n, device, False)

    def call() -> None:
        with torch.inference_mode():
            function.all_pairs({"u": values["u"]}, {"v": values["v"]}, {"theta": values["theta"]})

    return call


def _tensors(work: Work, n_rows: int, device: Device, gradients: bool) -> dict[str, torch.Tensor]:
    numbers = zip(("theta", "u", "v"), (work.theta(), *work.rows(n_rows)), strict=True)
    return {
        name: torch.tensor(x, dtype=torch.float32, device=device, requires_grad=gradients)
        for name, x in numbers
    }


def races() -> list[tuple[str, int, Callable[[Device], Call]]]:
    """Return what is raced: its name, how many rows a call has, and what makes the call."""
    full, small = net(4, 3, "all"), complex_net(4, 3)
    out: list[tuple[str, int, Callable[[Device], Call]]] = []
    for n in (2**14, 2**20):
        out += [
            (f"table 8q, {n:,} rows there and back", n,
             lambda d, n=n: predictions(full, n, "table", d)),
            (f"state 8q, {n:,} rows there and back", n,
             lambda d, n=n: predictions(full, n, "statevector", d)),
        ]  # fmt: skip
    for name, work, n in (("8q", full, 2**17), ("12q", net(6, 3, "all"), 2**14),
                          ("16q", net(8, 2, "chain"), 2**10), ("20q", net(10, 2, "chain"), 2**6),
                          ("8q complex", small, 2**16)):  # fmt: skip
        out.append((f"state {name}, {n:,} rows on it", n,
                    lambda d, w=work, n=n: resident(w, n, "statevector", d)))  # fmt: skip
    out.append((f"table 8q, {2**20:,} rows on it", 2**20,
                lambda d: resident(full, 2**20, "table", d)))  # fmt: skip
    for batch in (16, 256, 2048, 2**15):
        out += [
            (f"training 8q, batch {batch:,}", batch, lambda d, b=batch: training(full, b, d)),
            (f"training 8q complex, batch {batch:,}", batch,
             lambda d, b=batch: training(small, b, d)),
        ]  # fmt: skip
    n = 2**14
    out.append((f"all pairs of {n:,} x {n:,}", n * n, lambda d: all_pairs(full, n, d)))
    return out


def seconds(call: Call, device: Device) -> float:
    """Return the median time of a call, with all that it started."""
    times: list[float] = []
    while len(times) < ROUNDS and sum(times) < 5:
        start = time.perf_counter()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return median(times[1:] or times)


def on_the_host(call: Call) -> float:
    """Return the better time of one thread and all."""
    n_threads, found = torch.get_num_threads(), []
    for n in (1, n_threads):
        torch.set_num_threads(n)
        found.append(seconds(call, "cpu"))
    return min(found)


def main() -> None:
    """Print the table."""
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, "
          f"{torch.get_num_threads()} host threads")  # fmt: skip
    print(f"{'rows per second':44}{'host':>18}{'CUDA':>18}{'captured':>18}{'best':>8}")
    for name, n_rows, make in races():
        host, call = on_the_host(make("cpu")), make("cuda")
        cuda, graph = seconds(call, "cuda"), float("nan")
        if "there and back" not in name:
            graph = seconds(captured(call), "cuda")
        rates = ("-".rjust(18) if t != t else f"{n_rows / t:18,.0f}" for t in (host, cuda, graph))
        print(f"{name:44}{''.join(rates)}{host / min(cuda, graph):7.1f}x", flush=True)


if __name__ == "__main__":
    sys.exit(main())
