"""Where somebody signs in: a device as its owner knows it, a network, and whether the device has signed in before.

A device carries a random number in a cookie of a year; we keep its digest beside the accounts it has signed in to. Whoever
tries passwords from elsewhere has other numbers, so nothing they do can make a known device wait.
"""

from __future__ import annotations

import ipaddress

import msgspec

from holdfast.kit import crypto


class Place(msgspec.Struct, frozen=True):
    """`device` as the owner will read it, `source` a network address, `token` the random number in the device's cookie."""

    device: str = ""
    source: str = ""
    token: str = ""

    @property
    def key(self) -> bytes | None:
        """The device's digest; None for one without a cookie."""
        return crypto.digest(self.token) if self.token else None

    @property
    def source_index(self) -> bytes:
        """Equal for equal networks, and tells nothing else."""
        return crypto.blind_index("sign-in-source", network(self.source))


def network(source: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 of an IPv6 address, which is one customer's."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv4Address):
        return source
    return str(ipaddress.ip_network((address, 64), strict=False))
