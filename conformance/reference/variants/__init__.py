"""The lawful variants of the reference server, by name: each differs in what the RFC leaves open."""

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from conformance.reference.variants.registry import REGISTERED, Variant

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

VARIANTS: Mapping[str, Variant] = MappingProxyType(dict(sorted(REGISTERED.items())))

__all__ = ["VARIANTS", "Variant"]
