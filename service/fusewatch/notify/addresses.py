"""Where an address leads, by its text alone: nothing is resolved, nothing is asked."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

_PRIVATE_SUFFIXES = (".local", ".localhost", ".internal", ".svc", ".svc.cluster.local", ".lan", ".home.arpa", ".test")
"""Names that public DNS never answers: RFC 6761, 6762, 8375, ICANN's `.internal`, and services of Kubernetes."""


def plain_and_public(url: str) -> str:
    """The host that an address of plain http leads to, if that may lie beyond our own network; else an empty text.

    Loopback, private and link-local addresses stay at home, as do names of one label and those for private use.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    return host if parts.scheme == "http" and host and not is_private(host) else ""


def is_private(host: str) -> bool:
    """Whether a host, a name or an address without brackets, lies in our own network as far as its text says."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "." not in host or host.lower().endswith(_PRIVATE_SUFFIXES)
    return _stays(address)


def _stays(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return _stays(address.ipv4_mapped)
    return address.is_loopback or address.is_private or address.is_link_local
