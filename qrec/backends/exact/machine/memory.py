"""Memory, estimated before it is taken."""

import psutil
import torch

from qrec.errors import ConfigError


def check_memory(needed: float, what: str, device: str = "cpu") -> None:
    """Raise ConfigError, with the figures, where `needed` bytes are not available.

    Available is what can be taken on the host without swapping: free memory, and what the
    system's caches would give back; on a CUDA device, what its driver calls free.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device 'cuda': torch finds no CUDA device here; expected device 'cpu'")
    on_host = device == "cpu"
    available = psutil.virtual_memory().available if on_host else torch.cuda.mem_get_info()[0]
    if needed > available:
        raise ConfigError(
            f"{what} need {needed / 2**30:,.1f} GiB, {available / 2**30:,.1f} GiB are available; "
            "expected fewer qubits"
        )
