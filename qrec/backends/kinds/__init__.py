"""Kinds of backend, one per file: its settings and its class.

A module here is named after its kind and says at its end which class it is about, as in
``BACKEND = AerBackend``. The class says what its settings are, as in ``Spec = AerSpec``.
"""

from qrec.registry import Group, flat_modules

BACKENDS = Group(
    "backends", "kind of backend", lambda: flat_modules(__name__), lambda module: module.BACKEND
)
