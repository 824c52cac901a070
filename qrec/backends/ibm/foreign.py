"""A job of the account that no ledger here holds."""

from qrec.backends.ibm.versions import check_client
from qrec.backends.said import said


class ForeignJob:
    """A job of IBM Quantum by its id alone, whoever sent it and wherever."""

    def __init__(self, job_id: str) -> None:
        check_client()
        from qrec.backends.ibm.service import IbmService

        self._id, self._service = job_id, IbmService("IBM Quantum")

    def described(self) -> str:
        """Return what the service says of it. Raises UnknownJobError where it knows none."""
        job = self._service.job(self._id)
        tags = said(", ".join(job.tags)) or "none"
        return f"{job.state}, sent {said(job.created)}, tags {tags}"

    def state(self) -> str:
        """Return its state."""
        return self._service.job(self._id).state

    def cancel(self) -> None:
        """Ask for it to end; a finished one stays as it is."""
        self._service.cancel(self._id)
