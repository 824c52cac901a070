"""Which runtime client this speaks to: private names of it are used, and they move."""

from importlib.metadata import version

from qrec.errors import MissingError

SUPPORTED = "0.51"


def check_client() -> None:
    """Raise MissingError for a version of qiskit-ibm-runtime that was never tried."""
    found = version("qiskit-ibm-runtime")
    if not found.startswith(f"{SUPPORTED}."):
        raise MissingError(
            f"qiskit-ibm-runtime {found} is installed, and IBM Quantum is spoken to by "
            f"{SUPPORTED}: pip install 'qiskit-ibm-runtime=={SUPPORTED}.*'"
        )
