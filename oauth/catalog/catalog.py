"""The services on offer: those of the shipped and the operator's file, overlaid with what admins saved.

`oauth/catalog/loader.py` reads the files, `oauth/catalog/saved_services.py` stores what admins save.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from oauth.catalog.loader import read_services
from oauth.catalog.service import Service
from oauth.errors import ServiceNotAvailable, UnknownService
from oauth.protocol.registration import PreRegistered
from store.records import ServiceName


class Catalog:
    """Every service by name; one per process. `shipped` holds those of the files, without what admins saved."""

    def __init__(self, services: Mapping[ServiceName, Service]) -> None:
        self.shipped: Mapping[ServiceName, Service] = MappingProxyType(dict(services))
        self._services = dict(services)

    def offer(self, services: Iterable[Service]) -> None:
        """Replace everything on offer with these services."""
        # Built first and then assigned at once: a reader sees the old or the new, never half of each.
        self._services = {service.name: service for service in services}

    @classmethod
    def load(cls, extra: Path | None, clients: Mapping[ServiceName, PreRegistered]) -> Catalog:
        """Return the catalogue of the shipped and the operator's file. Raises `CatalogInvalid` as `read_services`."""
        return cls(read_services(extra, clients))

    @property
    def services(self) -> tuple[Service, ...]:
        """Every service, available or not, sorted by title."""
        return tuple(sorted(self._services.values(), key=lambda service: service.title.lower()))

    @property
    def titles(self) -> Mapping[str, str]:
        """A live view, name → title, of what is on offer."""
        return _Titles(self)

    def get(self, name: ServiceName) -> Service:
        """Return the service. Raises `UnknownService` with the nearest names."""
        service = self._services.get(name)
        if service is None:
            near = get_close_matches(name.lower(), self._services, n=3, cutoff=0.5)
            raise UnknownService(name, tuple(near))
        return service

    def get_available(self, name: ServiceName) -> Service:
        """Return the service if a member can connect it by OAuth. Raises `UnknownService`, `ServiceNotAvailable`."""
        service = self.get(name)
        if not service.takes_oauth:
            raise ServiceNotAvailable(name)
        return service


class _Titles(Mapping[str, str]):
    # A view and no copy: whoever holds it for the life of the process sees what admins save later.

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __getitem__(self, name: str) -> str:
        return self._catalog._services[ServiceName(name)].title  # noqa: SLF001  # its own view

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalog._services)  # noqa: SLF001  # its own view

    def __len__(self) -> int:
        return len(self._catalog._services)  # noqa: SLF001  # its own view
