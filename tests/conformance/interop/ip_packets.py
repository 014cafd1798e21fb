"""IPv4 and IPv6 packets made and read in user space: what a CONNECT-IP peer without a TUN needs."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import Optional, Union

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
ECHO_REQUEST = {4: 8, 6: 128}
ECHO_REPLY = {4: 0, 6: 129}


def checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _pseudo_header(source: Address, destination: Address, protocol: int, length: int) -> bytes:
    if source.version == 4:
        return source.packed + destination.packed + struct.pack("!BBH", 0, protocol, length)
    return source.packed + destination.packed + struct.pack("!IHBB", length, 0, 0, protocol)


def packet(
    source: Address,
    destination: Address,
    protocol: int,
    payload: bytes,
    *,
    ttl: int = 64,
    fragment: int = 0,
    dont_fragment: bool = True,
) -> bytes:
    """A whole IP packet. `fragment` is the 16-bit field with flags and offset; IPv4 only."""
    if source.version == 4:
        flags = fragment or (0x4000 if dont_fragment else 0)
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, flags, ttl, protocol, 0)
        header += source.packed + destination.packed
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload
    header = struct.pack("!IHBB", 6 << 28, len(payload), protocol, ttl)
    return header + source.packed + destination.packed + payload


def udp(source: Address, destination: Address, ports: tuple[int, int], data: bytes) -> bytes:
    head = struct.pack("!HHHH", *ports, 8 + len(data), 0)
    pseudo = _pseudo_header(source, destination, UDP, 8 + len(data))
    head = head[:6] + struct.pack("!H", checksum(pseudo + head + data) or 0xFFFF)
    return packet(source, destination, UDP, head + data)


def icmp_body(
    source: Address, destination: Address, kind: int, code: int, rest: bytes
) -> tuple[int, bytes]:
    """The protocol number and the ICMP message of the addresses' family."""
    message = struct.pack("!BBH", kind, code, 0) + rest
    if source.version == 4:
        return ICMP, message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    pseudo = _pseudo_header(source, destination, ICMPV6, len(message))
    return ICMPV6, message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]


def echo_request(
    source: Address, destination: Address, identifier: int, sequence: int, data: bytes = b"", **more
) -> bytes:
    rest = struct.pack("!HH", identifier, sequence) + data
    protocol, body = icmp_body(source, destination, ECHO_REQUEST[source.version], 0, rest)
    return packet(source, destination, protocol, body, **more)


def ipv6_fragment(source: Address, destination: Address, protocol: int, data: bytes) -> bytes:
    """The first fragment of an IPv6 packet, with more to come."""
    return packet(source, destination, 44, struct.pack("!BBHI", protocol, 0, 1, 7) + data)


@dataclass(frozen=True)
class Parsed:
    version: int
    source: Address
    destination: Address
    protocol: int
    ttl: int
    payload: bytes

    @property
    def icmp_type(self) -> Optional[int]:
        if self.protocol in (ICMP, ICMPV6) and len(self.payload) >= 8:
            return self.payload[0]
        return None

    @property
    def icmp_code(self) -> int:
        return self.payload[1]

    @property
    def icmp_mtu(self) -> int:
        """Of "fragmentation needed" (RFC 1191) and "packet too big" (RFC 4443)."""
        return struct.unpack("!I", self.payload[4:8])[0] & (0xFFFF if self.version == 4 else ~0)

    @property
    def echo(self) -> tuple[int, int, bytes]:
        """Identifier, sequence number, data."""
        identifier, sequence = struct.unpack("!HH", self.payload[4:8])
        return identifier, sequence, self.payload[8:]


def parse(data: bytes) -> Parsed:
    """ValueError for anything that is no IP packet. Extension headers are left in the payload."""
    version = data[0] >> 4 if data else 0
    if version == 4 and len(data) >= 20:
        header = 4 * (data[0] & 15)
        length = struct.unpack("!H", data[2:4])[0]
        if header < 20 or length < header or length > len(data) or checksum(data[:header]):
            raise ValueError("bad IPv4 header")
        source, destination = (ipaddress.IPv4Address(data[i : i + 4]) for i in (12, 16))
        return Parsed(4, source, destination, data[9], data[8], data[header:length])
    if version == 6 and len(data) >= 40:
        length = 40 + struct.unpack("!H", data[4:6])[0]
        if length > len(data):
            raise ValueError("bad IPv6 header")
        source, destination = (ipaddress.IPv6Address(data[i : i + 16]) for i in (8, 24))
        return Parsed(6, source, destination, data[6], data[7], data[40:length])
    raise ValueError("no IP packet")


def answer_echo(data: bytes) -> Optional[bytes]:
    """The reply to a ping with a correct checksum; None for any other packet."""
    try:
        request = parse(data)
    except ValueError:
        return None
    if request.icmp_type != ECHO_REQUEST[request.version]:
        return None
    pseudo = b""
    if request.version == 6:
        pseudo = _pseudo_header(
            request.source, request.destination, ICMPV6, len(request.payload)
        )
    if checksum(pseudo + request.payload):
        return None
    protocol, body = icmp_body(
        request.destination, request.source, ECHO_REPLY[request.version], 0, request.payload[4:]
    )
    return packet(request.destination, request.source, protocol, body)
