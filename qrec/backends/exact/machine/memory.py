"""Memory, estimated before it is taken."""

import psutil

from qrec.errors import ConfigError


def check_memory(needed: float, what: str) -> None:
    """Raise ConfigError, with the figures, where `needed` bytes are not available.

    Available is what can be taken without swapping: free memory, and what the system's caches
    would give back.
    """
    available = psutil.virtual_memory().available
    if needed > available:
        raise ConfigError(
            f"{what} need {needed / 2**30:,.1f} GiB, {available / 2**30:,.1f} GiB are available; "
            "expected fewer qubits, or an aer backend (its method matrix_product_state needs less)"
        )
