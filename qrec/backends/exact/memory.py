"""Memory, estimated before it is taken."""

import os

from qrec.errors import ConfigError


def available_bytes() -> int:
    """Return the memory that this machine has free."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_memory(needed: float, what: str) -> None:
    """Raise ConfigError, with the figures, where `needed` bytes are not free."""
    free = available_bytes()
    if needed > free:
        raise ConfigError(
            f"{what} need {needed / 2**30:,.1f} GiB, {free / 2**30:,.1f} GiB are free; expected "
            "fewer qubits, or an aer backend (its method matrix_product_state needs less)"
        )
