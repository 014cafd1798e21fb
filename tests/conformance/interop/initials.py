"""QUIC Initial packets without a connection behind them: what floods are made of."""

from __future__ import annotations

import os

from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.crypto import CryptoPair
from aioquic.tls import Epoch

from capsules import encode_varint

VERSION_1 = 1
DATAGRAM_BYTES = 1200


class InitialMaker:
    """Makes first flights of ever new connections, all with one ClientHello (TLS does not mind)."""

    def __init__(self, server_name: str = "gateway") -> None:
        configuration = QuicConfiguration(
            is_client=True,
            alpn_protocols=["h3"],
            server_name=server_name,
            max_datagram_frame_size=65535,
        )
        quic = QuicConnection(configuration=configuration)
        quic.connect(("192.0.2.1", 443), now=0)
        self._source_id = quic.host_cid
        stream = quic._crypto_streams[Epoch.INITIAL].sender
        self._hello = bytes(stream._buffer)

    def datagram(self, version: int = VERSION_1, token: bytes = b"") -> bytes:
        """1200 bytes: one Initial packet with a random destination connection ID."""
        destination_id = os.urandom(8)
        crypto = CryptoPair()
        crypto.setup_initial(cid=destination_id, is_client=True, version=VERSION_1)
        head = (
            b"\xc0"  # long header, Initial, packet number of one byte
            + version.to_bytes(4, "big")
            + bytes([len(destination_id)])
            + destination_id
            + bytes([len(self._source_id)])
            + self._source_id
            + encode_varint(len(token))
            + token
        )
        room = DATAGRAM_BYTES - len(head) - 2
        frame = b"\x06\0" + encode_varint(len(self._hello)) + self._hello
        payload = frame + bytes(room - 1 - 16 - len(frame))
        header = head + encode_varint(room, 2) + b"\0"
        return crypto.encrypt_packet(header, payload, 0)


def unknown_version(version: int = 0x0A0A0A0A) -> bytes:
    """A long header packet of a version nobody knows; only its invariants mean something."""
    ids = bytes([8]) + os.urandom(8) + bytes([8]) + os.urandom(8)
    packet = b"\xc0" + version.to_bytes(4, "big") + ids
    return packet + os.urandom(DATAGRAM_BYTES - len(packet))


def is_version_negotiation(data: bytes) -> bool:
    """RFC 8999 section 6."""
    return len(data) > 7 and bool(data[0] & 0x80) and data[1:5] == b"\0\0\0\0"


def offered_versions(data: bytes) -> list[int]:
    buffer = Buffer(data=data)
    buffer.pull_bytes(5)
    for _ in range(2):
        buffer.pull_bytes(buffer.pull_uint8())
    versions = []
    while not buffer.eof():
        versions.append(buffer.pull_uint32())
    return versions


def is_retry(data: bytes) -> bool:
    return len(data) > 5 and data[0] & 0xF0 == 0xF0 and data[1:5] == VERSION_1.to_bytes(4, "big")
