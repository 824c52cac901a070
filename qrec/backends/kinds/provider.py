"""`kind: provider`: shots on any vendor's `BackendV2`, by import path."""

import json
import re
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator

from qrec.backends.sampled import SampledSpec
from qrec.backends.vendor.backend import VendorBackend
from qrec.backends.vendor.device import open_vendor
from qrec.backends.vendor.process import AnyVendor, VendorProcess

_SECRET = re.compile("token|secret|password|credential|(api|access)_?key", re.IGNORECASE)


class ProviderSpec(SampledSpec):
    """Shots on any vendor's `BackendV2`: what ``module:attribute`` returns when called."""

    kind: Literal["provider"]
    name: str = "provider"
    backend: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")]
    arguments: Annotated[dict[str, JsonValue], Field(default_factory=dict)]  # of the call
    python: str | None = None  # the interpreter of a virtual environment that the vendor has
    free: bool  # whether running costs nothing: a simulator

    @field_validator("arguments")
    @classmethod
    def _no_secret(cls, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if secret := [name for name in arguments if _SECRET.search(name)]:
            raise ValueError(
                f"{secret[0]!r} looks like a credential, and what stands here is stored with "
                "every run; let the vendor read it from the environment"
            )
        return arguments


class ProviderBackend(VendorBackend):
    """A vendor's backend, in this process or, with ``python``, in one of its own.

    Nothing of it is imported before it is needed: reading stored results needs none. Raises
    MissingError where the vendor's package is not there.
    """

    Spec = ProviderSpec
    _spec: ProviderSpec

    @property
    def costs(self) -> bool:
        return not self._spec.free

    @property
    def device(self) -> str:
        spec = self._spec
        return f"{spec.backend} {json.dumps(spec.arguments, sort_keys=True)}"

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


BACKEND = ProviderBackend
