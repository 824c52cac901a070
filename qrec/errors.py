"""The errors a user can meet. Each carries the exit status the command line ends with."""


class QrecError(Exception):
    """Something failed; the message says where, what was found and what would be right."""

    exit_status = 1


class DataError(QrecError):
    """A rating file, a rating or a split that cannot be used."""


class ConfigError(QrecError):
    """A wrong name, key or value in a command, an experiment or backends.yaml."""

    exit_status = 2


class StoredError(ConfigError):
    """What the folder of a run holds is damaged, or not what code and data give now."""


class CodeError(ConfigError):
    """Code of the user's own was named where it may not run, or cannot be found."""


class NoBackendError(ConfigError):
    """An experiment was to be put on other backends, but asks none."""


class PaidError(ConfigError):
    """Something that costs was asked for without a permit; `qrec submit` gives one."""


class NotFinishedError(QrecError):
    """The work exists but has not ended yet."""

    exit_status = 3


class MissingError(QrecError):
    """An optional extra, a credential or a file the user must supply is not there."""

    exit_status = 4


class RejectedError(QrecError):
    """A service refused a request; it had no effect there."""


class BusyError(NotFinishedError):
    """A service takes no more requests for now."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds  # the service's own word on how long to wait, if it gave one


class UnknownOutcomeError(NotFinishedError):
    """No usable answer came from a service: the request may or may not have had an effect."""


class UnknownJobError(RejectedError):
    """The service does not know the job any more."""
