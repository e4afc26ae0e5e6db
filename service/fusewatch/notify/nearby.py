"""Whether a host stands in our own network, so that what is sent there in the clear crosses no foreign line."""

from ipaddress import ip_address


def is_nearby(host: str) -> bool:
    """A loopback, link-local or private address, `localhost`, or a name without a dot, as containers have it.

    Names are judged by their look: nothing is resolved, since an answer today says nothing about tomorrow's.
    """
    name = host.strip("[]").rstrip(".").lower()
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return bool(name) and ("." not in name or name.endswith(".localhost"))
    return address.is_loopback or address.is_private or address.is_link_local
