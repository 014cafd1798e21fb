#!/usr/bin/python3
"""A client that misbehaves, against slopnd as the gateway.

After each of these the gateway must live, have said what was wrong to whoever did it, and still
serve another client."""

import asyncio
import ipaddress
import os

import interop
import harness
from harness import INNER_GATEWAY4, INNER_GATEWAY6
from slopn_side import OUTSIDE4, InteropTest

if interop.AVAILABLE:
    import capsules
    import ip_packets
    from capsules import AddressRange, AssignedAddress, encode_capsule, encode_varint, range_of
    from concealed import ClientKey
    from connect_ip_peer import TUNNEL_PATH, Http3, Refused, connect
    from aioquic.h3.connection import FrameType, Setting, encode_frame

H3_MESSAGE_ERROR, H3_DATAGRAM_ERROR, H3_SETTINGS_ERROR = 0x10E, 0x33, 0x109


class Misbehaving(InteropTest):
    GATEWAY: dict = {}

    def setUp(self):
        super().setUp()
        self.gateway = self.place.gateway(self.GATEWAY).start()

    async def asyncTearDown(self):
        """Another client is served as if nothing had happened."""
        self.assertStillServes(self.gateway)
        async with connect(OUTSIDE4, pin=self.gateway.pin) as client:
            tunnel = await client.open_tunnel(authorization=self.proof_of_the_next(client))
            await tunnel.wait_for(lambda: tunnel.local)
            await tunnel.ping(INNER_GATEWAY4)

    def proof_of_the_next(self, client) -> str:
        return ""

    def assertGrewLess(self, before_kb: int, kb: int) -> None:
        """The sanitizers keep what was freed, so of them memory says nothing."""
        if not harness.SANITIZED:
            self.assertLess(self.gateway.memory_kb() - before_kb, kb)

    async def open(self, client):
        tunnel = await client.open_tunnel()
        await tunnel.wait_for(lambda: len(tunnel.local) >= 2)
        return tunnel


class Capsules(Misbehaving):
    async def expect_abort(self, data: bytes, end: bool = False, code: int = H3_MESSAGE_ERROR):
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            tunnel.send_stream_bytes(data, end)
            ending = await tunnel.wait_ended()
            self.assertEqual(hex(ending.code), hex(code))
            # RFC 9114 section 8 allows to end the connection, which carries nothing else.
            self.assertIn(ending.kind, ("reset", "connection"))

    async def test_malformed_address_is_a_malformed_message(self):
        await self.expect_abort(encode_capsule(capsules.ADDRESS_ASSIGN, b"\0\5abcd\x20"))

    async def test_address_with_bits_behind_its_prefix_is_malformed(self):
        await self.expect_abort(
            encode_capsule(capsules.ADDRESS_ASSIGN, b"\0\4" + bytes([10, 0, 0, 1]) + b"\x18")
        )

    async def test_prefix_longer_than_the_address_is_malformed(self):
        await self.expect_abort(
            encode_capsule(capsules.ADDRESS_ASSIGN, b"\0\4" + bytes(4) + b"\x21")
        )

    async def test_trailing_bytes_in_a_capsule_are_malformed(self):
        entry = AssignedAddress(0, ipaddress.ip_interface("10.0.0.1/32")).encode()
        await self.expect_abort(encode_capsule(capsules.ADDRESS_ASSIGN, entry + b"\0"))

    async def test_routes_in_wrong_order_abort_the_stream(self):
        await self.expect_abort(
            capsules.encode_routes([range_of("10.1.0.0/16"), range_of("10.0.0.0/16")])
        )

    async def test_overlapping_routes_abort_the_stream(self):
        await self.expect_abort(
            capsules.encode_routes([range_of("10.0.0.0/8"), range_of("10.1.0.0/16")])
        )

    async def test_a_range_that_ends_before_it_starts_aborts_the_stream(self):
        first, last = (ipaddress.ip_address(text) for text in ("10.0.0.9", "10.0.0.1"))
        await self.expect_abort(capsules.encode_routes([AddressRange(first, last)]))

    async def test_a_request_for_no_address_aborts_the_stream(self):
        await self.expect_abort(encode_capsule(capsules.ADDRESS_REQUEST))

    async def test_a_request_with_number_zero_aborts_the_stream(self):
        entry = AssignedAddress(0, ipaddress.ip_interface("0.0.0.0/32")).encode()
        await self.expect_abort(encode_capsule(capsules.ADDRESS_REQUEST, entry))

    async def test_a_stream_that_ends_inside_a_capsule_is_malformed(self):
        await self.expect_abort(encode_varint(0x2A) + encode_varint(100) + b"short", end=True)

    async def test_a_known_capsule_of_absurd_length_is_refused_without_waiting_for_it(self):
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            length = encode_varint(capsules.VARINT_MAX)
            tunnel.send_stream_bytes(encode_varint(capsules.ADDRESS_ASSIGN) + length + bytes(100))
            ending = await tunnel.wait_ended()
            self.assertIn(ending.kind, ("reset", "connection"))

    async def test_an_unknown_capsule_of_absurd_length_is_skipped_and_not_kept(self):
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            before = self.gateway.memory_kb()
            head = encode_varint(0x1F00000000000000, 8) + encode_varint(capsules.VARINT_MAX)
            tunnel.send_stream_bytes(head)
            for _ in range(64):
                tunnel.send_stream_bytes(bytes(65536))
                await asyncio.sleep(0.005)
            await tunnel.ping(INNER_GATEWAY4)
            self.assertGrewLess(before, 3 * 1024)
            self.assertIsNone(tunnel.ended)

    async def test_unknown_capsule_types_are_skipped(self):
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            for kind in (0x04, 0x17, 0x29, 0x1ACE79EC, capsules.VARINT_MAX):
                tunnel.send_stream_bytes(encode_capsule(kind, os.urandom(50)))
            tunnel.send_stream_bytes(encode_capsule(0x2A))
            await tunnel.ping(INNER_GATEWAY4)
            self.assertIsNone(tunnel.ended)

    async def test_long_forms_of_small_numbers_are_understood(self):
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            entry = encode_varint(7, 8) + b"\4" + bytes(4) + b"\x20"
            capsule = encode_varint(capsules.ADDRESS_REQUEST, 8) + encode_varint(len(entry), 4)
            for byte in capsule + entry:  # and in single bytes
                tunnel.send_stream_bytes(bytes([byte]))
            await tunnel.wait_for(lambda: any(e.request_id == 7 for e in tunnel.local))

    async def test_a_flood_of_address_requests_is_bounded(self):
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            before = self.gateway.memory_kb()
            for number in range(1, 3000):
                entry = AssignedAddress(number, ipaddress.ip_interface("0.0.0.0/32"))
                tunnel.send_addresses(capsules.ADDRESS_REQUEST, [entry])
                if number % 100 == 0:
                    await asyncio.sleep(0.01)
                if tunnel.ended:
                    break
            await asyncio.sleep(0.3)
            self.assertGrewLess(before, 8 * 1024)


class Datagrams(Misbehaving):
    async def expect_ignored(self, *datagrams: bytes):
        """Raw QUIC datagrams that must change nothing."""
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            for datagram in datagrams:
                client.send_raw_datagram(datagram)
            await tunnel.ping(INNER_GATEWAY4)
            self.assertIsNone(tunnel.ended)

    async def expect_connection_error(self, datagram: bytes):
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            client.send_raw_datagram(datagram)
            ending = await tunnel.wait_ended()
            self.assertEqual(ending.kind, "connection")
            self.assertEqual(hex(ending.code), hex(H3_DATAGRAM_ERROR))

    async def test_datagram_for_an_unknown_stream_is_dropped(self):
        await self.expect_ignored(encode_varint(1000) + b"\0" + bytes(40))

    async def test_datagram_for_an_unknown_context_is_dropped(self):
        await self.expect_ignored(
            b"\0" + encode_varint(2) + bytes(40), b"\0" + encode_varint(capsules.VARINT_MAX)
        )

    async def test_datagram_without_a_context_is_dropped(self):
        await self.expect_ignored(b"\0", b"\0\x40")

    async def test_quarter_stream_id_beyond_its_range_ends_the_connection(self):
        await self.expect_connection_error(encode_varint(1 << 60) + b"\0" + bytes(40))

    async def test_datagram_without_a_quarter_stream_id_ends_the_connection(self):
        await self.expect_connection_error(b"")

    async def test_datagram_with_half_a_quarter_stream_id_ends_the_connection(self):
        await self.expect_connection_error(b"\xc0\0")


class Packets(Misbehaving):
    async def expect_dropped(self, make, reason: str):
        """`make(tunnel)` gives a packet that must go nowhere and be counted under `reason`."""
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            before = self.gateway.drops(reason)
            tunnel.send_packet(make(tunnel))
            await tunnel.ping(INNER_GATEWAY4)
            self.assertGreater(self.gateway.drops(reason), before, self.gateway.status()["traffic"])
            self.assertIsNone(tunnel.ended)

    def ping_from(self, source: str, target: str) -> bytes:
        ends = [ipaddress.ip_address(text) for text in (source, target)]
        return ip_packets.echo_request(*ends, 1, 1, b"spoofed")

    async def test_foreign_ipv4_source_is_dropped_and_counted(self):
        await self.expect_dropped(
            lambda tunnel: self.ping_from("10.77.0.200", INNER_GATEWAY4), "foreign_source"
        )

    async def test_foreign_ipv6_source_is_dropped_and_counted(self):
        await self.expect_dropped(
            lambda tunnel: self.ping_from("fd77::dead", INNER_GATEWAY6), "foreign_source"
        )

    async def test_source_of_the_gateway_itself_is_dropped(self):
        await self.expect_dropped(
            lambda tunnel: self.ping_from(INNER_GATEWAY4, str(tunnel.address(4))), "foreign_source"
        )

    async def test_bytes_that_are_no_ip_packet_are_dropped(self):
        for junk in (b"", b"\x45", b"\x05" * 40, b"\x60" + bytes(20), b"\x45" + bytes(19)):
            await self.expect_dropped(lambda tunnel, junk=junk: junk, "malformed")

    async def test_a_header_that_lies_about_its_length_is_dropped(self):
        def lying(tunnel):
            packet = bytearray(self.ping_from(str(tunnel.address(4)), INNER_GATEWAY4))
            packet[2:4] = (1400).to_bytes(2, "big")
            return bytes(packet)

        await self.expect_dropped(lying, "malformed")

    async def test_link_local_and_multicast_do_not_pass(self):
        for target in ("224.0.0.1", "169.254.1.1"):
            async with connect(OUTSIDE4) as client:
                tunnel = await self.open(client)
                before = self.gateway.status()["traffic"]["drops"]
                tunnel.send_packet(self.ping_from(str(tunnel.address(4)), target))
                await tunnel.ping(INNER_GATEWAY4)
                self.assertNotEqual(self.gateway.status()["traffic"]["drops"], before, target)

    async def test_fragments_hurt_nobody(self):
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            mine, gateway = tunnel.address(4), ipaddress.ip_address(INNER_GATEWAY4)
            for offset, more in ((0, 1), (1, 1), (8191, 0), (0, 0), (8191, 1)):
                field = more << 13 | offset
                tunnel.send_packet(
                    ip_packets.packet(
                        mine, gateway, ip_packets.UDP, bytes(8), fragment=field or 0x8000
                    )
                )
            mine6, gateway6 = tunnel.address(6), ipaddress.ip_address(INNER_GATEWAY6)
            tunnel.send_packet(
                ip_packets.ipv6_fragment(mine6, gateway6, ip_packets.UDP, bytes(16))
            )
            await tunnel.ping(INNER_GATEWAY4)
            await tunnel.ping(INNER_GATEWAY6)

    async def test_a_foreign_source_inside_a_fragment_is_dropped(self):
        def fragment(tunnel):
            ends = [ipaddress.ip_address(text) for text in ("10.77.0.200", INNER_GATEWAY4)]
            return ip_packets.packet(*ends, ip_packets.UDP, bytes(8), fragment=0x0001)

        await self.expect_dropped(fragment, "foreign_source")

    async def test_packets_in_datagram_capsules_are_carried_too(self):
        """RFC 9297 section 3.5: the reliable form means the same."""
        async with connect(OUTSIDE4) as client:
            tunnel = await self.open(client)
            request = self.ping_from(str(tunnel.address(4)), INNER_GATEWAY4)
            tunnel.send_stream_bytes(encode_capsule(capsules.DATAGRAM, b"\0" + request))
            answer = await tunnel.next_packet()
            self.assertEqual(str(answer.source), INNER_GATEWAY4)


class Requests(Misbehaving):
    async def refused(self, client, headers) -> int:
        with self.assertRaises(Refused) as refused:
            await client.open_tunnel(headers=headers)
        return refused.exception.response.status

    async def test_get_shows_an_ordinary_page(self):
        async with connect(OUTSIDE4) as client:
            page = await client.fetch("/")
            self.assertEqual(page.status, 200)
            self.assertIn("text/html", page.headers["content-type"])
            self.assertTrue(page.body)
            self.assertNotIn(b"slopn", page.body.lower())
            self.assertFalse([key for key in page.headers if "slopn" in page.headers[key].lower()])

    async def test_other_protocols_and_paths_are_not_found(self):
        async with connect(OUTSIDE4) as client:
            for headers in (
                client.connect_headers(protocol="connect-udp"),
                client.connect_headers(protocol="websocket"),
                client.connect_headers(path="/elsewhere"),
            ):
                self.assertGreaterEqual(await self.refused(client, headers), 400)

    async def test_flow_forwarding_is_refused(self):
        """We carry everything or nothing; RFC 9484 section 4.6 allows to refuse."""
        async with connect(OUTSIDE4) as client:
            path = "/.well-known/masque/ip/192.0.2.0%2F24/17/"
            status = await self.refused(client, client.connect_headers(path=path))
            self.assertGreaterEqual(status, 400)

    async def test_get_of_the_tunnel_path_is_not_found(self):
        async with connect(OUTSIDE4) as client:
            self.assertEqual((await client.fetch(TUNNEL_PATH)).status, 404)

    async def test_huge_headers_are_refused(self):
        """aioquic's own encoder gives up at 4 KiB, so the field section is made here, without any
        compression (RFC 9204 section 4.5)."""

        def literal(name: bytes, value: bytes) -> bytes:
            return prefixed(0x20, 3, len(name)) + name + prefixed(0, 7, len(value)) + value

        def prefixed(flags: int, bits: int, value: int) -> bytes:
            limit = (1 << bits) - 1
            if value < limit:
                return bytes([flags | value])
            rest, value = [flags | limit], value - limit
            while value >= 128:
                rest.append(128 | value & 127)
                value >>= 7
            return bytes(rest + [value])

        async with connect(OUTSIDE4) as client:
            before = self.gateway.memory_kb()
            block = b"\0\0" + b"".join(literal(*field) for field in client.connect_headers())
            block += b"".join(literal(b"x-%d" % n, b"y" * 4000) for n in range(200))
            stream_id = client._quic.get_next_available_stream_id()
            client._quic.send_stream_data(stream_id, encode_frame(FrameType.HEADERS, block))
            client.transmit()
            await asyncio.sleep(1)
            self.assertNotIn(stream_id, client.tunnels)
            self.assertEqual(self.gateway.sessions(), [])
            self.assertGrewLess(before, 4 * 1024)

    async def test_hundreds_of_requests_at_once_are_bounded(self):
        async with connect(OUTSIDE4) as client:
            before = self.gateway.memory_kb()
            pages = [client.fetch(f"/{number}") for number in range(90)]
            for page in await asyncio.gather(*pages):
                self.assertEqual(page.status, 404)
            self.assertGrewLess(before, 8 * 1024)

    async def test_a_client_without_datagrams_gets_no_tunnel(self):
        original = Http3._get_local_settings

        def without(http):
            settings = original(http)
            settings.pop(Setting.H3_DATAGRAM)
            return settings

        Http3._get_local_settings = without
        try:
            async with connect(OUTSIDE4) as client:
                with self.assertRaises(ConnectionError):
                    await client.open_tunnel()
        finally:
            Http3._get_local_settings = original

    async def test_a_wrong_datagram_setting_is_a_settings_error(self):
        original = Http3._get_local_settings
        Http3._get_local_settings = lambda http: original(http) | {Setting.H3_DATAGRAM: 2}
        try:
            async with connect(OUTSIDE4) as client:
                with self.assertRaises((ConnectionError, asyncio.TimeoutError)):
                    await client.open_tunnel(timeout=2)
                self.assertTrue(client.terminated)
                self.assertEqual(hex(client.terminated.error_code), hex(H3_SETTINGS_ERROR))
        finally:
            Http3._get_local_settings = original


class Strangers(Misbehaving):
    """A gateway that knows one client. Everybody else sees a web server without a tunnel."""

    GATEWAY: dict = {}

    def setUp(self):
        self.key = ClientKey.generate()
        clients = [{"name": "python", "public_key": self.key.public_text}]
        self.GATEWAY = {"gateway": {"auth": {"anonymous": False, "client": clients}}}
        super().setUp()

    def proof_of_the_next(self, client) -> str:
        return client.concealed_authorization(self.key)

    async def answer_to(self, client, **request):
        with self.assertRaises(Refused) as refused:
            await client.open_tunnel(**request)
        return refused.exception.response

    async def test_the_tunnel_without_credentials_looks_like_any_unknown_path(self):
        async with connect(OUTSIDE4) as client:
            unknown = await self.answer_to(client, path="/no/such/thing")
            tunnel = await self.answer_to(client)
            wrong = await self.answer_to(client, authorization="Bearer guess")
            page = await client.fetch("/nothing")
            for answer in (tunnel, wrong, page):
                self.assertEqual(answer.status, 404)
                self.assertEqual(answer.body, unknown.body)
                for header in set(answer.headers) | set(unknown.headers) - {"date"}:
                    if header != "date":
                        self.assertEqual(
                            answer.headers.get(header), unknown.headers.get(header), header
                        )
            self.assertNotIn("www-authenticate", tunnel.headers)
            self.assertNotIn("proxy-status", tunnel.headers)

    async def test_an_unknown_key_gives_404(self):
        async with connect(OUTSIDE4) as client:
            proof = client.concealed_authorization(ClientKey.generate())
            self.assertEqual((await self.answer_to(client, authorization=proof)).status, 404)

    async def test_a_proof_replayed_on_another_connection_gives_404(self):
        async with connect(OUTSIDE4) as first:
            recorded = first.concealed_authorization(self.key)
            await first.open_tunnel(authorization=recorded)
        async with connect(OUTSIDE4) as second:
            answer = await self.answer_to(second, authorization=recorded)
            self.assertEqual(answer.status, 404)

    async def test_a_proof_for_another_authority_gives_404(self):
        async with connect(OUTSIDE4) as client:
            proof = self.key.authorization(client.exporter, "elsewhere.example", 443)
            self.assertEqual((await self.answer_to(client, authorization=proof)).status, 404)

    async def test_a_bent_proof_gives_404(self):
        async with connect(OUTSIDE4) as client:
            proof = client.concealed_authorization(self.key)
            start = proof.index("p=") + 2
            other = "A" if proof[start] != "A" else "B"
            for bent in (
                proof[:start] + other + proof[start + 1 :],
                proof[: start + 20],
                proof.replace("s=2055", "s=2052"),
                proof.replace("s=2055", "s=99999999999999999999"),
                proof + ", p=AAAA",
                "Concealed",
                "Concealed k=, a=, s=, v=, p=",
                "Concealed " + "k=AAAA, " * 500,
            ):
                answer = await self.answer_to(client, authorization=bent)
                self.assertEqual(answer.status, 404, bent[:60])

    async def test_many_wrong_proofs_on_one_connection_are_bounded(self):
        async with connect(OUTSIDE4) as client:
            for _ in range(60):
                proof = client.concealed_authorization(ClientKey.generate())
                try:
                    await client.open_tunnel(authorization=proof)
                    self.fail("let in")
                except ConnectionError:
                    if client.terminated:
                        break


if __name__ == "__main__":
    interop.main()
