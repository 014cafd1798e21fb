"""Capsules (RFC 9297) and those of CONNECT-IP (RFC 9484), written from the RFCs.

Nothing here is shared with slopn: the point of this folder is a second opinion.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Iterable, Iterator, Union

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]

DATAGRAM = 0x00
ADDRESS_ASSIGN = 0x01
ADDRESS_REQUEST = 0x02
ROUTE_ADVERTISEMENT = 0x03

VARINT_MAX = (1 << 62) - 1


class Malformed(ValueError):
    """Bytes that no RFC allows."""


def encode_varint(value: int, width: int = 0) -> bytes:
    """RFC 9000 section 16. `width` asks for a longer form than needed: 1, 2, 4 or 8 bytes."""
    for exponent, size in enumerate((1, 2, 4, 8)):
        if size >= width and value < 1 << (8 * size - 2):
            return (value | exponent << (8 * size - 2)).to_bytes(size, "big")
    raise ValueError(f"{value} does not fit a variable-length integer")


def decode_varint(data: bytes, offset: int = 0) -> tuple[int, int]:
    """The value and the offset behind it. IndexError when `data` ends too early."""
    size = 1 << (data[offset] >> 6)
    if len(data) < offset + size:
        raise IndexError("truncated variable-length integer")
    value = int.from_bytes(data[offset : offset + size], "big")
    return value & ((1 << (8 * size - 2)) - 1), offset + size


def encode_capsule(kind: int, value: bytes = b"") -> bytes:
    return encode_varint(kind) + encode_varint(len(value)) + value


class CapsuleReader:
    """Cuts the bytes of a request stream into capsules."""

    LONGEST = 1 << 20

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        self._buffer += data
        while True:
            try:
                kind, offset = decode_varint(self._buffer)
                length, offset = decode_varint(self._buffer, offset)
            except IndexError:
                return
            if length > self.LONGEST:
                raise Malformed(f"capsule of {length} bytes")
            if len(self._buffer) < offset + length:
                return
            value = self._buffer[offset : offset + length]
            self._buffer = self._buffer[offset + length :]
            yield kind, value

    @property
    def incomplete(self) -> bool:
        """Whether the stream would end in the middle of a capsule."""
        return bool(self._buffer)


@dataclass(frozen=True)
class AssignedAddress:
    """One entry of ADDRESS_ASSIGN or ADDRESS_REQUEST."""

    request_id: int
    interface: Interface

    def encode(self) -> bytes:
        return (
            encode_varint(self.request_id)
            + bytes([self.interface.version])
            + self.interface.ip.packed
            + bytes([self.interface.network.prefixlen])
        )


@dataclass(frozen=True)
class AddressRange:
    """One entry of ROUTE_ADVERTISEMENT. Protocol 0 stands for all."""

    start: Address
    end: Address
    protocol: int = 0

    def encode(self) -> bytes:
        return (
            bytes([self.start.version])
            + self.start.packed
            + self.end.packed
            + bytes([self.protocol])
        )

    def __contains__(self, address: Address) -> bool:
        return address.version == self.start.version and self.start <= address <= self.end


def range_of(prefix: str, protocol: int = 0) -> AddressRange:
    network = ipaddress.ip_network(prefix)
    return AddressRange(network[0], network[-1], protocol)


def encode_addresses(kind: int, entries: Iterable[AssignedAddress]) -> bytes:
    return encode_capsule(kind, b"".join(entry.encode() for entry in entries))


def encode_routes(ranges: Iterable[AddressRange]) -> bytes:
    return encode_capsule(ROUTE_ADVERTISEMENT, b"".join(entry.encode() for entry in ranges))


def _take_address(value: bytes, offset: int, version: int) -> tuple[Address, int]:
    size = {4: 4, 6: 16}.get(version)
    if size is None:
        raise Malformed(f"IP version {version}")
    if len(value) < offset + size:
        raise Malformed("truncated address")
    return ipaddress.ip_address(value[offset : offset + size]), offset + size


def decode_addresses(value: bytes) -> list[AssignedAddress]:
    """ADDRESS_ASSIGN and ADDRESS_REQUEST, RFC 9484 sections 4.7.1 and 4.7.2."""
    entries, offset = [], 0
    while offset < len(value):
        try:
            request_id, offset = decode_varint(value, offset)
            address, offset = _take_address(value, offset + 1, value[offset])
            length, offset = value[offset], offset + 1
        except IndexError as error:
            raise Malformed("truncated address entry") from error
        if length > address.max_prefixlen:
            raise Malformed(f"prefix length {length}")
        interface = ipaddress.ip_interface(f"{address}/{length}")
        if interface.ip != interface.network.network_address:
            raise Malformed(f"{interface} has bits behind its prefix")
        entries.append(AssignedAddress(request_id, interface))
    return entries


def decode_routes(value: bytes) -> list[AddressRange]:
    """ROUTE_ADVERTISEMENT, RFC 9484 section 4.7.3, with its rules about order."""
    ranges: list[AddressRange] = []
    offset = 0
    while offset < len(value):
        version = value[offset]
        start, offset = _take_address(value, offset + 1, version)
        end, offset = _take_address(value, offset, version)
        if offset >= len(value):
            raise Malformed("truncated address range")
        ranges.append(AddressRange(start, end, value[offset]))
        offset += 1
        if start > end:
            raise Malformed(f"range {start} to {end}")
    for before, after in zip(ranges, ranges[1:]):
        first = (before.start.version, before.protocol)
        second = (after.start.version, after.protocol)
        if first > second or (first == second and before.end >= after.start):
            raise Malformed(f"{before} must not precede {after}")
    return ranges
