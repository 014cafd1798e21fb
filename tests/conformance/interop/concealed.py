"""Concealed HTTP authentication (RFC 9729) on the TLS exporter (RFC 8446 section 7.5) of aioquic.

aioquic has no exporter. Its key schedule does pass the moment that matters: when the secrets of
application data are made, the transcript reaches to the server's Finished, and that is what the
exporter's master secret is derived from.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Callable, Optional

from aioquic import tls
from aioquic.quic.connection import QuicConnection
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from capsules import encode_varint

ED25519 = 0x0807
LABEL = b"EXPORTER-HTTP-Concealed-Authentication"


class Exporter:
    """Keying material of one connection. Attach it before the handshake begins."""

    def __init__(self, quic: QuicConnection, on_tls_ready: Optional[Callable] = None) -> None:
        self._schedule: Optional[tls.KeySchedule] = None
        self._master_secret: Optional[bytes] = None
        original = quic._initialize

        def initialize(peer_cid: bytes) -> None:
            original(peer_cid)
            if on_tls_ready:
                on_tls_ready(quic.tls)
            self._watch(quic.tls)

        quic._initialize = initialize

    def _watch(self, context: tls.Context) -> None:
        original = context.update_traffic_key_cb
        first = tls.Direction.DECRYPT if context._is_client else tls.Direction.ENCRYPT

        def on_key(direction, epoch, cipher_suite, secret) -> None:
            if epoch == tls.Epoch.ONE_RTT and direction == first:
                self._schedule = context.key_schedule
                self._master_secret = context.key_schedule.derive_secret(b"exp master")
            original(direction, epoch, cipher_suite, secret)

        context.update_traffic_key_cb = on_key

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        assert self._schedule and self._master_secret, "the handshake is not done"
        algorithm = self._schedule.algorithm

        def hashed(data: bytes) -> bytes:
            digest = hashes.Hash(algorithm)
            digest.update(data)
            return digest.finalize()

        secret = tls.hkdf_expand_label(
            algorithm, self._master_secret, label, hashed(b""), algorithm.digest_size
        )
        return tls.hkdf_expand_label(algorithm, secret, b"exporter", hashed(context), length)


def _counted(data: bytes) -> bytes:
    return encode_varint(len(data)) + data


def _context(key_id: bytes, public_key: bytes, host: str, port: int) -> bytes:
    """RFC 9729 section 3.1, with an empty realm."""
    return (
        ED25519.to_bytes(2, "big")
        + _counted(key_id)
        + _counted(public_key)
        + _counted(b"https")
        + _counted(host.encode())
        + port.to_bytes(2, "big")
        + _counted(b"")
    )


def _signed(signature_input: bytes) -> bytes:
    return b" " * 64 + b"HTTP Concealed Authentication\0" + signature_input


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class ClientKey:
    private: Ed25519PrivateKey

    @staticmethod
    def generate() -> "ClientKey":
        return ClientKey(Ed25519PrivateKey.generate())

    @staticmethod
    def load(pem_path: str) -> "ClientKey":
        with open(pem_path, "rb") as file:
            key = serialization.load_pem_private_key(file.read(), None)
        assert isinstance(key, Ed25519PrivateKey), f"{pem_path} holds no Ed25519 key"
        return ClientKey(key)

    @property
    def public_bytes(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )

    @property
    def public_text(self) -> str:
        """As slopn's configuration names it."""
        return "ed25519:" + _encode(self.public_bytes)

    @property
    def pem(self) -> bytes:
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def authorization(
        self, exporter: Exporter, host: str, port: int, key_id: Optional[bytes] = None
    ) -> str:
        """The Authorization header for one request on the exporter's connection.

        slopn takes the public key itself as key ID; `key_id` says something else."""
        key_id = self.public_bytes if key_id is None else key_id
        output = exporter.export(LABEL, _context(key_id, self.public_bytes, host, port), 48)
        proof = self.private.sign(_signed(output[:32]))
        return (
            f"Concealed k={_encode(key_id)}, a={_encode(self.public_bytes)}, s={ED25519}, "
            f"v={_encode(output[32:])}, p={_encode(proof)}"
        )


def verify(header: str, exporter: Exporter, host: str, port: int, known: set[bytes]) -> bool:
    """Whether `header` proves, on this connection, one of the `known` raw public keys."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "concealed":
        return False
    fields = dict(re.findall(r'([kasvp])="?([A-Za-z0-9_=-]+)"?', rest))
    if set(fields) != set("kasvp") or fields["s"] != str(ED25519):
        return False
    public_key = _decode(fields["a"])
    if public_key not in known:
        return False
    output = exporter.export(LABEL, _context(_decode(fields["k"]), public_key, host, port), 48)
    if _decode(fields["v"]) != output[32:]:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            _decode(fields["p"]), _signed(output[:32])
        )
    except InvalidSignature:
        return False
    return True
