"""`kind: provider`: shots on any vendor's `BackendV2`, by import path."""

import json
from functools import cache

from qrec.backends.vendor.backend import VendorBackend
from qrec.backends.vendor.device import open_vendor
from qrec.backends.vendor.process import AnyVendor, VendorProcess
from qrec.config import ProviderSpec


class ProviderBackend(VendorBackend):
    """A vendor's backend, in this process or, with ``python``, in one of its own.

    Nothing of it is imported before it is needed: reading stored results needs none. Raises
    MissingError where the vendor's package is not there.
    """

    _spec: ProviderSpec

    @property
    def costs(self) -> bool:
        return not self._spec.free

    def _vendor(self) -> AnyVendor:
        spec = self._spec
        with self._explained():
            return _opened(spec.backend, json.dumps(spec.arguments), spec.python)


@cache
def _opened(path: str, arguments: str, python: str | None) -> AnyVendor:
    """Open a vendor's backend once per process: a device's model may take seconds."""
    if python is None:
        return open_vendor(path, json.loads(arguments))
    return VendorProcess(python, path, json.loads(arguments))
