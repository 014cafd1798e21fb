#!/usr/bin/python3
"""A CONNECT-IP client and server (RFC 9484) on aioquic, without a TUN device.

Both answer pings from the other side by themselves and can ping it, so that they need no rights and
no kernel interface. Use them from tests, or by hand:

    export PYTHONPATH=build/deps/python
    tests/conformance/interop/connect_ip_peer.py server --port 4443
    tests/conformance/interop/connect_ip_peer.py client 127.0.0.1:4443 --pin sha256:... \\
        --ping 10.99.0.1 --ping fd00:99::1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import os
import ssl
import sys
import time
from dataclasses import dataclass, field
from typing import AsyncIterator, Callable, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aioquic.asyncio.client import connect as quic_connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer, serve as quic_serve
from aioquic.h3.connection import H3Connection, Setting
from aioquic.h3.events import DatagramReceived, DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import (
    ConnectionTerminated,
    HandshakeCompleted,
    ProtocolNegotiated,
    QuicEvent,
    StreamReset,
    StopSendingReceived,
)

import capsules
import concealed
import ip_packets
from capsules import AddressRange, AssignedAddress
from certificates import Identity, make_identity, spki_pin

TUNNEL_PATH = "/.well-known/masque/ip/*/*/"
H3_NO_ERROR, H3_MESSAGE_ERROR = 0x100, 0x10E
Headers = list[tuple[bytes, bytes]]


class WrongPin(ConnectionError):
    """The server's key is not the one that was promised."""


class Refused(ConnectionError):
    """The server answered the tunnel request with something else than 2xx."""

    def __init__(self, response: "Response") -> None:
        super().__init__(f"the tunnel was refused with status {response.status}")
        self.response = response


class Http3(H3Connection):
    """HTTP/3 with what CONNECT-IP wants and without WebTransport."""

    def _get_local_settings(self) -> dict[int, int]:
        settings = {
            Setting.QPACK_MAX_TABLE_CAPACITY: self._max_table_capacity,
            Setting.QPACK_BLOCKED_STREAMS: self._blocked_streams,
            Setting.H3_DATAGRAM: 1,
        }
        if not self._is_client:
            settings[Setting.ENABLE_CONNECT_PROTOCOL] = 1
        return settings


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Ending:
    """How a tunnel ended."""

    kind: str  # "fin", "reset", "stop_sending", "connection"
    code: int = 0
    reason: str = ""


class Tunnel:
    """One CONNECT-IP request stream, seen from either side."""

    def __init__(self, peer: "Peer", stream_id: int) -> None:
        self.peer = peer
        self.stream_id = stream_id
        self.local: list[AssignedAddress] = []  # what the other side gave us
        self.routes: list[AddressRange] = []  # what the other side forwards for us
        self.requested: list[AssignedAddress] = []  # what the other side asked for
        self.unknown_capsules: list[int] = []
        self.ended: Optional[Ending] = None
        self.answers_pings = True
        self.on_request: Optional[Callable[[list[AssignedAddress]], None]] = None
        self.received: asyncio.Queue[bytes] = asyncio.Queue()  # packets that are no pings to us
        self._capsules = capsules.CapsuleReader()
        self._changed = asyncio.Event()

    # ---- sending

    def send_stream_bytes(self, data: bytes, end: bool = False) -> None:
        self.peer.http.send_data(self.stream_id, data, end)
        self.peer.transmit()

    def send_addresses(self, kind: int, entries: list[AssignedAddress]) -> None:
        self.send_stream_bytes(capsules.encode_addresses(kind, entries))

    def send_routes(self, ranges: list[AddressRange]) -> None:
        self.send_stream_bytes(capsules.encode_routes(ranges))

    def request_addresses(self, *wishes: str) -> None:
        """ADDRESS_REQUEST; "0.0.0.0/32" and "::/128" mean any address."""
        entries = [
            AssignedAddress(number, ipaddress.ip_interface(wish))
            for number, wish in enumerate(wishes, 1)
        ]
        self.send_addresses(capsules.ADDRESS_REQUEST, entries)

    def send_packet(self, packet: bytes) -> None:
        self.send_http_datagram(capsules.encode_varint(0) + packet)

    def send_http_datagram(self, payload: bytes) -> None:
        """`payload` begins with the context ID."""
        self.peer.send_raw_datagram(capsules.encode_varint(self.stream_id // 4) + payload)

    def close(self) -> None:
        if not self.ended:
            self.send_stream_bytes(b"", end=True)

    # ---- receiving

    def stream_bytes_received(self, data: bytes, end: bool) -> None:
        try:
            for kind, value in self._capsules.feed(data):
                self._capsule_received(kind, value)
            if end and self._capsules.incomplete:
                raise capsules.Malformed("the stream ends inside a capsule")
        except capsules.Malformed as error:
            self.peer.reset(self.stream_id, H3_MESSAGE_ERROR)
            self.end(Ending("malformed", H3_MESSAGE_ERROR, str(error)))
        if end:
            self.end(Ending("fin"))
        self._changed.set()

    def _capsule_received(self, kind: int, value: bytes) -> None:
        if kind == capsules.ADDRESS_ASSIGN:
            self.local = capsules.decode_addresses(value)
        elif kind == capsules.ROUTE_ADVERTISEMENT:
            self.routes = capsules.decode_routes(value)
        elif kind == capsules.ADDRESS_REQUEST:
            self.requested = capsules.decode_addresses(value)
            if not self.requested:
                raise capsules.Malformed("ADDRESS_REQUEST for nothing")
            if self.on_request:
                self.on_request(self.requested)
        elif kind == capsules.DATAGRAM:
            self.http_datagram_received(value)
        else:
            self.unknown_capsules.append(kind)

    def http_datagram_received(self, payload: bytes) -> None:
        try:
            context, offset = capsules.decode_varint(payload)
        except IndexError:
            return
        if context != 0:
            return
        packet = payload[offset:]
        answer = ip_packets.answer_echo(packet) if self.answers_pings else None
        if answer:
            self.send_packet(answer)
        else:
            self.received.put_nowait(packet)

    def end(self, ending: Ending) -> None:
        if not self.ended:
            self.ended = ending
        self._changed.set()

    # ---- waiting

    async def wait_for(self, condition: Callable[[], object], timeout: float = 5) -> None:
        """Until `condition` is true; TimeoutError otherwise. Returns at once when it is."""
        deadline = time.monotonic() + timeout
        while not condition():
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), max(0.001, deadline - time.monotonic()))

    async def wait_ended(self, timeout: float = 5) -> Ending:
        await self.wait_for(lambda: self.ended, timeout)
        assert self.ended
        return self.ended

    async def next_packet(self, timeout: float = 2) -> ip_packets.Parsed:
        return ip_packets.parse(await asyncio.wait_for(self.received.get(), timeout))

    def address(self, version: int) -> ip_packets.Address:
        """Our address of a family; LookupError when we have none."""
        for entry in self.local:
            if entry.interface.version == version:
                return entry.interface.ip
        raise LookupError(f"no IPv{version} address was assigned")

    async def ping(
        self, destination: str, *, source: Optional[str] = None, timeout: float = 2,
        size: int = 56, tries: int = 3,
    ) -> float:
        """The round trip in seconds. TimeoutError when nothing answers `tries` requests."""
        target = ipaddress.ip_address(destination)
        origin = ipaddress.ip_address(source) if source else self.address(target.version)
        identifier = int.from_bytes(os.urandom(2), "big")
        data = os.urandom(size)
        for sequence in range(tries):
            started = time.monotonic()
            self.send_packet(ip_packets.echo_request(origin, target, identifier, sequence, data))
            with contextlib.suppress(asyncio.TimeoutError):
                while True:
                    left = started + timeout / tries - time.monotonic()
                    answer = await self.next_packet(max(0.001, left))
                    if (
                        answer.icmp_type == ip_packets.ECHO_REPLY[target.version]
                        and answer.source == target
                        and answer.echo == (identifier, sequence, data)
                    ):
                        return time.monotonic() - started
        raise TimeoutError(f"{destination} does not answer pings from {origin}")


class Peer(QuicConnectionProtocol):
    """What client and server share: HTTP/3 over one QUIC connection, and the tunnels on it."""

    def __init__(self, quic, stream_handler=None) -> None:
        super().__init__(quic, stream_handler)
        self.exporter = concealed.Exporter(quic, self.tls_ready)
        self.http: Optional[Http3] = None
        self.tunnels: dict[int, Tunnel] = {}
        self.terminated: Optional[ConnectionTerminated] = None
        self.settings_seen = asyncio.Event()

    def tls_ready(self, context) -> None:
        """Called before the first TLS message is sent or read."""

    def http_event_received(self, event: H3Event) -> None:
        """Everything that does not belong to a tunnel."""

    def reset(self, stream_id: int, code: int) -> None:
        self._quic.reset_stream(stream_id, code)
        self.transmit()

    def send_raw_datagram(self, data: bytes) -> None:
        self._quic.send_datagram_frame(data)
        self.transmit()

    def handshake_done(self) -> None:
        """The handshake is complete, for us."""

    def make_http(self) -> Http3:
        return Http3(self._quic)

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated) and event.alpn_protocol == "h3":
            self.http = self.make_http()
        elif isinstance(event, HandshakeCompleted):
            self.handshake_done()
        elif isinstance(event, (StreamReset, StopSendingReceived)):
            kind = "reset" if isinstance(event, StreamReset) else "stop_sending"
            tunnel = self.tunnels.get(event.stream_id)
            if tunnel:
                tunnel.end(Ending(kind, event.error_code))
            self.stream_failed(event.stream_id, kind, event.error_code)
        elif isinstance(event, ConnectionTerminated):
            self.terminated = event
            self.settings_seen.set()
            for tunnel in self.tunnels.values():
                tunnel.end(Ending("connection", event.error_code, event.reason_phrase))
        if self.http is None:
            return
        for http_event in self.http.handle_event(event):
            self._dispatch(http_event)
        if self.http.received_settings is not None:
            self.settings_seen.set()

    def stream_failed(self, stream_id: int, kind: str, code: int) -> None:
        """A stream was reset or refused by the other side."""

    def _dispatch(self, event: H3Event) -> None:
        tunnel = self.tunnels.get(event.stream_id)
        if tunnel and isinstance(event, DataReceived):
            tunnel.stream_bytes_received(event.data or b"", event.stream_ended)
        elif tunnel and isinstance(event, DatagramReceived):
            tunnel.http_datagram_received(event.data)
        elif not isinstance(event, DatagramReceived):
            self.http_event_received(event)


# ---- client ------------------------------------------------------------------------------------


class Client(Peer):
    """One connection to a CONNECT-IP server. Made by `connect()`."""

    def __init__(self, quic, stream_handler=None) -> None:
        super().__init__(quic, stream_handler)
        self.pin: Optional[str] = None
        self.authority = ""
        self.wrong_pin: Optional[str] = None
        self._responses: dict[int, asyncio.Future[Response]] = {}
        self._partial: dict[int, Response] = {}

    @property
    def server_pin(self) -> str:
        return spki_pin(self._quic.tls._peer_certificate)

    def handshake_done(self) -> None:
        if self.pin and self.server_pin != self.pin:
            self.wrong_pin = self.server_pin

    def _send_request(self, headers: Headers, end: bool) -> tuple[int, asyncio.Future]:
        stream_id = self._quic.get_next_available_stream_id()
        future = asyncio.get_running_loop().create_future()
        self._responses[stream_id] = future
        self.http.send_headers(stream_id, headers, end)
        self.transmit()
        return stream_id, future

    async def fetch(
        self, path: str = "/", method: str = "GET", extra: tuple = (), timeout: float = 5
    ) -> Response:
        """An ordinary request."""
        headers = self._head(method, path) + [(k.encode(), v.encode()) for k, v in extra]
        _, future = self._send_request(headers, True)
        return await asyncio.wait_for(future, timeout)

    def _head(self, method: str, path: str) -> Headers:
        return [
            (b":method", method.encode()),
            (b":scheme", b"https"),
            (b":authority", self.authority.encode()),
            (b":path", path.encode()),
        ]

    def connect_headers(
        self, path: str = TUNNEL_PATH, authorization: str = "", protocol: str = "connect-ip"
    ) -> Headers:
        headers = self._head("CONNECT", path)
        headers.insert(1, (b":protocol", protocol.encode()))
        headers.append((b"capsule-protocol", b"?1"))
        if authorization:
            headers.append((b"authorization", authorization.encode()))
        return headers

    def concealed_authorization(self, key: concealed.ClientKey) -> str:
        host, port = split_authority(self.authority)
        return key.authorization(self.exporter, host, port)

    async def open_tunnel(
        self, *, path: str = TUNNEL_PATH, authorization: str = "",
        headers: Optional[Headers] = None, timeout: float = 5,
    ) -> Tunnel:
        """Asks for a tunnel. Refused when the answer is no; ConnectionError when there is none."""
        await asyncio.wait_for(self.settings_seen.wait(), timeout)
        if self.terminated:
            raise ConnectionError(f"connection closed: {self.terminated}")
        settings = self.http.received_settings or {}
        needed = (Setting.ENABLE_CONNECT_PROTOCOL, Setting.H3_DATAGRAM)
        if any(settings.get(setting) != 1 for setting in needed):
            raise ConnectionError(f"the server does not offer CONNECT-IP: {settings}")
        stream_id, future = self._send_request(
            headers or self.connect_headers(path, authorization), False
        )
        response = await asyncio.wait_for(future, timeout)
        if not 200 <= response.status < 300:
            self.http.send_data(stream_id, b"", True)  # gives the stream back
            self.transmit()
            raise Refused(response)
        return self.tunnels[stream_id]

    def http_event_received(self, event: H3Event) -> None:
        future = self._responses.get(event.stream_id)
        if not future or future.done():
            return
        if isinstance(event, HeadersReceived) and event.stream_id not in self._partial:
            fields = {key.decode(): value.decode() for key, value in event.headers}
            response = Response(int(fields.pop(":status")), fields)
            self._partial[event.stream_id] = response
            if 200 <= response.status < 300 and "capsule-protocol" in fields:
                self.tunnels[event.stream_id] = Tunnel(self, event.stream_id)
                future.set_result(response)
                return
        elif isinstance(event, DataReceived):
            self._partial[event.stream_id].body += event.data or b""
        if event.stream_ended:
            future.set_result(self._partial[event.stream_id])

    def stream_failed(self, stream_id: int, kind: str, code: int) -> None:
        future = self._responses.get(stream_id)
        if kind == "reset" and future and not future.done():
            future.set_exception(ConnectionResetError(f"request reset with {code:#x}"))

    def quic_event_received(self, event: QuicEvent) -> None:
        super().quic_event_received(event)
        if isinstance(event, ConnectionTerminated):
            for future in self._responses.values():
                if not future.done():
                    future.set_exception(
                        ConnectionError(f"closed: {event.error_code:#x} {event.reason_phrase}")
                    )
                    future.exception()  # somebody who waits gets it all the same


def split_authority(authority: str) -> tuple[str, int]:
    host, _, port = authority.rpartition(":")
    return (host, int(port)) if host and not port.endswith("]") else (authority, 443)


@contextlib.asynccontextmanager
async def connect(
    host: str,
    port: int = 443,
    *,
    pin: Optional[str] = None,
    ca_file: Optional[str] = None,
    certificate: Optional[Identity] = None,
    server_name: Optional[str] = None,
    packet_bytes: int = 1400,
    configure: Optional[Callable[[QuicConfiguration], None]] = None,
    timeout: float = 5,
) -> AsyncIterator[Client]:
    """A connection whose server was checked: by `pin`, by `ca_file`, or, with neither, not at all
    (for tests). `packet_bytes` is the size of the largest UDP payload to send."""
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=["h3"],
        max_datagram_frame_size=65535,
        max_datagram_size=packet_bytes,
        server_name=server_name or host,
        verify_mode=ssl.CERT_REQUIRED if ca_file else ssl.CERT_NONE,
        cafile=ca_file,
    )
    if certificate:
        configuration.certificate = certificate.certificate
        configuration.private_key = certificate.private_key
    if configure:
        configure(configuration)
    manager = quic_connect(
        host, port, configuration=configuration, create_protocol=Client, wait_connected=True
    )
    client = await asyncio.wait_for(manager.__aenter__(), timeout)
    try:
        client.pin = pin
        bracketed = f"[{host}]" if ":" in host else host
        client.authority = bracketed if port == 443 else f"{bracketed}:{port}"
        if pin and client.server_pin != pin:
            raise WrongPin(f"the server's key is {client.server_pin}, not {pin}")
        yield client
    finally:
        await asyncio.wait_for(manager.__aexit__(None, None, None), timeout)


# ---- server ------------------------------------------------------------------------------------


@dataclass
class ServerOptions:
    """How the server behaves. The defaults give a full tunnel to anybody."""

    identity: Identity
    assign: tuple[str, ...] = ("10.99.0.2/32", "fd00:99::2/128")
    routes: tuple[str, ...] = ("0.0.0.0/0", "::/0")
    known_keys: set[bytes] = field(default_factory=set)  # raw Ed25519; concealed authentication
    known_pins: set[str] = field(default_factory=set)  # SPKI pins of client certificates
    bearer_token: str = ""
    unsolicited: bool = True  # assign addresses before somebody asks
    status: int = 0  # other than 0: refuse with it
    settings: Optional[dict[int, int]] = None  # instead of the right ones
    packet_bytes: int = 1400
    retry: bool = False
    on_tunnel: Optional[Callable[[Tunnel], None]] = None
    silent_handshake: bool = False  # do not answer the tunnel request at all

    @property
    def needs_authentication(self) -> bool:
        return bool(self.known_keys or self.known_pins or self.bearer_token)


class ServerConnection(Peer):
    options: ServerOptions
    requests: list[dict[str, str]]
    all_tunnels: list[Tunnel]

    def tls_ready(self, context) -> None:
        context._request_client_certificate = bool(self.options.known_pins)

    def make_http(self) -> Http3:
        settings = self.options.settings
        if settings is None:
            return Http3(self._quic)
        return type("Odd", (Http3,), {"_get_local_settings": lambda http: settings})(self._quic)

    def http_event_received(self, event: H3Event) -> None:
        if not isinstance(event, HeadersReceived):
            return
        fields = {key.decode(): value.decode() for key, value in event.headers}
        self.requests.append(fields)
        if self.options.silent_handshake:
            return
        if fields.get(":protocol") != "connect-ip":
            page = fields.get(":path") == "/"
            self._respond(event.stream_id, 200 if page else 404, b"<p>hello</p>" if page else b"")
        elif self.options.status:
            self._respond(event.stream_id, self.options.status, b"")
        elif fields.get(":method") != "CONNECT" or fields.get("capsule-protocol") != "?1":
            self._respond(event.stream_id, 400, b"")
        elif not self._allowed(fields):
            self._respond(event.stream_id, 401, b"")
        else:
            self._open(event.stream_id)

    def _respond(self, stream_id: int, status: int, body: bytes) -> None:
        self.http.send_headers(stream_id, [(b":status", str(status).encode())], not body)
        if body:
            self.http.send_data(stream_id, body, True)

    def _allowed(self, fields: dict[str, str]) -> bool:
        options = self.options
        if not options.needs_authentication:
            return True
        authorization = fields.get("authorization", "")
        if options.bearer_token and authorization == f"Bearer {options.bearer_token}":
            return True
        host, port = split_authority(fields.get(":authority", ""))
        if concealed.verify(authorization, self.exporter, host, port, options.known_keys):
            return True
        certificate = getattr(self._quic.tls, "_peer_certificate", None)
        return certificate is not None and spki_pin(certificate) in options.known_pins

    def _open(self, stream_id: int) -> None:
        headers = [(b":status", b"200"), (b"capsule-protocol", b"?1")]
        self.http.send_headers(stream_id, headers)
        tunnel = Tunnel(self, stream_id)
        self.tunnels[stream_id] = tunnel
        self.all_tunnels.append(tunnel)
        mine = [AssignedAddress(0, ipaddress.ip_interface(text)) for text in self.options.assign]
        if self.options.unsolicited:
            tunnel.send_addresses(capsules.ADDRESS_ASSIGN, mine)
        tunnel.on_request = lambda wishes: self._answer_request(tunnel, wishes)
        tunnel.send_routes([capsules.range_of(text) for text in self.options.routes])
        if self.options.on_tunnel:
            self.options.on_tunnel(tunnel)

    def _answer_request(self, tunnel: Tunnel, wishes: list[AssignedAddress]) -> None:
        answers = []
        for wish in wishes:
            for text in self.options.assign:
                offer = ipaddress.ip_interface(text)
                if offer.version == wish.interface.version:
                    answers.append(AssignedAddress(wish.request_id, offer))
        tunnel.send_addresses(capsules.ADDRESS_ASSIGN, answers)


@dataclass
class Server:
    """A running server. `tunnels` and `requests` grow with what comes in."""

    options: ServerOptions
    endpoint: QuicServer
    tunnels: list[Tunnel]
    requests: list[dict[str, str]]

    @property
    def port(self) -> int:
        return self.endpoint._transport.get_extra_info("sockname")[1]

    async def wait_tunnel(self, number: int = 1, timeout: float = 10) -> Tunnel:
        """The `number`th tunnel, counted from the start."""
        deadline = time.monotonic() + timeout
        while len(self.tunnels) < number:
            if time.monotonic() > deadline:
                raise TimeoutError(f"tunnel {number} did not come; requests: {self.requests}")
            await asyncio.sleep(0.01)
        return self.tunnels[number - 1]


@contextlib.asynccontextmanager
async def serve(
    options: ServerOptions, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Server]:
    configuration = QuicConfiguration(
        is_client=False,
        alpn_protocols=["h3"],
        max_datagram_frame_size=65535,
        max_datagram_size=options.packet_bytes,
        certificate=options.identity.certificate,
        private_key=options.identity.private_key,
    )
    tunnels: list[Tunnel] = []
    requests: list[dict[str, str]] = []

    def make(quic, stream_handler=None) -> ServerConnection:
        connection = ServerConnection(quic, stream_handler)
        connection.options = options
        connection.all_tunnels = tunnels
        connection.requests = requests
        return connection

    endpoint = await quic_serve(
        host, port, configuration=configuration, create_protocol=make, retry=options.retry
    )
    try:
        yield Server(options, endpoint, tunnels, requests)
    finally:
        endpoint.close()
        await asyncio.sleep(0)


# ---- by hand -----------------------------------------------------------------------------------


async def run_server(arguments: argparse.Namespace) -> None:
    options = ServerOptions(identity=make_identity("localhost"), bearer_token=arguments.bearer)
    async with serve(options, arguments.host, arguments.port) as server:
        where = f"{arguments.host}:{server.port}"
        print(f"listening on {where}, pin {options.identity.pin}", flush=True)
        await asyncio.Event().wait()


async def run_client(arguments: argparse.Namespace) -> None:
    host, port = split_authority(arguments.gateway)
    async with connect(host.strip("[]"), port, pin=arguments.pin) as client:
        authorization = f"Bearer {arguments.bearer}" if arguments.bearer else ""
        if arguments.key:
            key = concealed.ClientKey.load(arguments.key)
            authorization = client.concealed_authorization(key)
        tunnel = await client.open_tunnel(authorization=authorization)
        await tunnel.wait_for(lambda: tunnel.local and tunnel.routes)
        print("addresses:", *(entry.interface for entry in tunnel.local))
        print("routes:", *(f"{entry.start}-{entry.end}" for entry in tunnel.routes))
        for target in arguments.ping:
            print(f"{target}: {1000 * await tunnel.ping(target):.2f} ms")
        tunnel.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("server", help="accept tunnels and answer pings in them")
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--port", type=int, default=4443)
    server.add_argument("--bearer", default="", help="the token clients must show")
    client = commands.add_parser("client", help="open a tunnel and ping through it")
    client.add_argument("gateway", help="HOST:PORT")
    client.add_argument("--pin", help="sha256:...; without it the server is not checked")
    client.add_argument("--key", help="Ed25519 key, PEM, for concealed authentication")
    client.add_argument("--bearer", default="")
    client.add_argument("--ping", action="append", default=[], metavar="ADDRESS")
    arguments = parser.parse_args()
    try:
        run = run_server if arguments.command == "server" else run_client
        asyncio.run(run(arguments))
    except (ConnectionError, TimeoutError, asyncio.TimeoutError, LookupError) as error:
        print(f"connect_ip_peer: {error or 'no answer'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
