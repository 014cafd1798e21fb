#!/usr/bin/env python3
"""A frontend for slopn in one file: shows the tunnel's state, or connects and disconnects it.

    watch_tunnel.py                  what the state is, and every change, until Ctrl-C
    watch_tunnel.py --once           what the state is
    watch_tunnel.py connect [NAME]   connects by a stored profile, and waits for the result
    watch_tunnel.py disconnect

It speaks gRPC over the daemon's Unix socket, as every other program may. What it needs:

    apt install python3-grpcio python3-protobuf protobuf-compiler

The messages come from slopn's .proto files, which protoc compiles when the program starts; a frontend
that is installed somewhere would bring compiled ones along. Exit codes: 0 done, 1 the daemon refused
or the tunnel failed, 3 the daemon cannot be reached, 4 the caller may not.
"""

import argparse
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import grpc
    import google.protobuf  # noqa: F401
except ImportError:
    sys.exit("this example needs gRPC for Python: apt install python3-grpcio python3-protobuf")

FAILED, UNREACHABLE, NOT_PERMITTED = 1, 3, 4
SERVICE = "/slopn.control.v1.Control/"


def compile_messages(proto_dir: Path):
    """The Python modules of slopn/control/v1: control and status."""
    files = sorted(proto_dir.glob("slopn/control/v1/*.proto"))
    if not files:
        sys.exit(f"no slopn/control/v1/*.proto below {proto_dir}: name their folder with --proto-dir")
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(
                ["protoc", f"--proto_path={proto_dir}", f"--python_out={folder}", *files], check=True
            )
        except FileNotFoundError:
            sys.exit("this example needs protoc: apt install protobuf-compiler")
        sys.path.insert(0, folder)
        try:
            return (
                importlib.import_module("slopn.control.v1.control_pb2"),
                importlib.import_module("slopn.control.v1.status_pb2"),
            )
        finally:
            sys.path.remove(folder)


class Daemon:
    """The calls this frontend makes."""

    def __init__(self, socket: str, proto_dir: Path) -> None:
        self.messages, self.status = compile_messages(proto_dir)
        # Without a host name: the daemon refuses nothing because of it, but some proxies would.
        self.channel = grpc.insecure_channel(
            f"unix:{socket}", options=[("grpc.default_authority", "localhost")]
        )

    def call(self, method: str, request, timeout: float = 10):
        answer = getattr(self.messages, method + "Response")
        unary = self.channel.unary_unary(
            SERVICE + method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        return unary(request, timeout=timeout)

    def watch(self):
        """The present status first, then every change."""
        stream = self.channel.unary_stream(
            SERVICE + "WatchStatus",
            request_serializer=self.messages.WatchStatusRequest.SerializeToString,
            response_deserializer=self.messages.WatchStatusResponse.FromString,
        )
        for answer in stream(self.messages.WatchStatusRequest()):
            yield answer.status

    def remedy(self, error: grpc.RpcError) -> str:
        """What to do about a failed call: ErrorDetail inside google.rpc.Status."""
        metadata = dict(error.trailing_metadata() or ())
        packed = metadata.get("grpc-status-details-bin")
        if not packed:
            return ""
        # google.rpc.Status: 1 code, 2 message, 3 repeated Any (1 type URL, 2 value).
        for number, status_field in fields(packed):
            if number != 3:
                continue
            parts = dict(fields(status_field))
            if parts.get(1, b"").endswith(b"/slopn.control.v1.ErrorDetail"):
                return self.status.ErrorDetail.FromString(parts.get(2, b"")).remedy
        return ""


def fields(message: bytes):
    """The length-delimited fields of a protobuf message: number and bytes. Others are skipped."""

    def varint(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value, at

    at = 0
    while at < len(message):
        tag, at = varint(at)
        if tag & 7 == 2:
            size, at = varint(at)
            yield tag >> 3, message[at : at + size]
            at += size
        elif tag & 7 == 0:
            _, at = varint(at)
        else:
            return


def describe(status) -> str:
    """One line about a status. A state this program does not know is named, not guessed at."""
    if status.HasField("gateway"):
        return f"gateway: {status.gateway.sessions} sessions on {', '.join(status.gateway.listening)}"
    client = status.client
    state = client.WhichOneof("state") or "unknown"
    details = getattr(client, state, None)
    if state == "connected":
        addresses = ", ".join(details.addresses)
        return f"connected: {details.profile} by {details.interface_name}, {addresses}"
    if state == "reconnecting":
        return f"reconnecting: {details.profile}, because of: {details.reason.message}"
    profile = getattr(details, "profile", "")
    return f"{state}: {profile}" if profile else state


def connect(daemon: Daemon, profile: str) -> int:
    request = daemon.messages.ConnectRequest()
    if profile:
        request.profile = profile
    updates = daemon.watch()  # before the call, so that nothing is missed
    next(updates)
    daemon.call("Connect", request)
    for status in updates:
        print(describe(status), flush=True)
        state = status.client.WhichOneof("state")
        if state == "connected":
            return 0
        if state in ("disconnected", "failed"):
            return FAILED
    return FAILED


def run(daemon: Daemon, arguments: argparse.Namespace) -> int:
    if arguments.action == "connect":
        return connect(daemon, arguments.profile)
    if arguments.action == "disconnect":
        daemon.call("Disconnect", daemon.messages.DisconnectRequest())
        return 0
    if arguments.once:
        print(describe(daemon.call("GetStatus", daemon.messages.GetStatusRequest()).status))
        return 0
    for status in daemon.watch():
        print(describe(status), flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", nargs="?", choices=["watch", "connect", "disconnect"],
                        default="watch")
    parser.add_argument("profile", nargs="?", default="")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--socket", default="/run/slopn/slopnd.sock")
    parser.add_argument("--proto-dir", type=Path,
                        default=Path(__file__).resolve().parents[2] / "proto")
    arguments = parser.parse_args()
    daemon = Daemon(arguments.socket, arguments.proto_dir)
    try:
        return run(daemon, arguments)
    except KeyboardInterrupt:
        return 0
    except grpc.RpcError as error:
        print(error.details(), file=sys.stderr)
        if remedy := daemon.remedy(error):
            print(remedy, file=sys.stderr)
        return {
            grpc.StatusCode.UNAVAILABLE: UNREACHABLE,
            grpc.StatusCode.PERMISSION_DENIED: NOT_PERMITTED,
        }.get(error.code(), FAILED)


if __name__ == "__main__":
    sys.exit(main())
