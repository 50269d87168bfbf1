"""The faults of the reference server, by name: each breaks requirements in a few lines."""

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from conformance.reference.faults.registry import REGISTERED, Fault

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

FAULTS: Mapping[str, Fault] = MappingProxyType(dict(sorted(REGISTERED.items())))

__all__ = ["FAULTS", "Fault"]
