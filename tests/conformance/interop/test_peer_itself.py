#!/usr/bin/python3
"""The aioquic client against the aioquic server: what the other interop tests rely on.

No slopn is involved, so a failure here is one of the tests, not of slopn."""

import ipaddress
import unittest

import interop

if interop.AVAILABLE:
    import capsules
    import ip_packets
    from capsules import AssignedAddress
    from concealed import ClientKey
    from certificates import make_identity
    from connect_ip_peer import Refused, ServerOptions, WrongPin, connect, serve


@unittest.skipUnless(interop.AVAILABLE, interop.WHY_NOT)
class PeerItself(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.identity = make_identity("127.0.0.1")

    async def test_handshake_addresses_routes_and_pings_of_both_families(self):
        async with serve(ServerOptions(self.identity)) as server:
            async with connect("127.0.0.1", server.port, pin=self.identity.pin) as client:
                tunnel = await client.open_tunnel()
                await tunnel.wait_for(lambda: tunnel.local and tunnel.routes)
                self.assertEqual(str(tunnel.address(4)), "10.99.0.2")
                self.assertEqual(str(tunnel.address(6)), "fd00:99::2")
                self.assertEqual(tunnel.routes[0].end, ipaddress.ip_address("255.255.255.255"))
                await tunnel.ping("192.0.2.1")
                await tunnel.ping("2001:db8::1", size=1232)  # a packet of 1280 bytes
                other_end = await server.wait_tunnel()
                other_end.local = [AssignedAddress(0, ipaddress.ip_interface("192.0.2.1/32"))]
                await other_end.ping("10.99.0.2")

    async def test_address_request_is_answered_with_its_number(self):
        async with serve(ServerOptions(self.identity, unsolicited=False)) as server:
            async with connect("127.0.0.1", server.port) as client:
                tunnel = await client.open_tunnel()
                tunnel.request_addresses("0.0.0.0/32", "::/128")
                await tunnel.wait_for(lambda: len(tunnel.local) == 2)
                self.assertEqual([entry.request_id for entry in tunnel.local], [1, 2])

    async def test_wrong_pin_is_noticed(self):
        async with serve(ServerOptions(self.identity)) as server:
            with self.assertRaises(WrongPin):
                async with connect("127.0.0.1", server.port, pin="sha256:" + "A" * 43):
                    self.fail("connected")

    async def test_concealed_authentication_proves_a_known_key(self):
        key = ClientKey.generate()
        options = ServerOptions(self.identity, known_keys={key.public_bytes})
        async with serve(options) as server:
            async with connect("127.0.0.1", server.port) as client:
                await client.open_tunnel(authorization=client.concealed_authorization(key))

    async def test_concealed_authentication_of_another_connection_is_refused(self):
        key = ClientKey.generate()
        options = ServerOptions(self.identity, known_keys={key.public_bytes})
        async with serve(options) as server:
            async with connect("127.0.0.1", server.port) as first:
                recorded = first.concealed_authorization(key)
            async with connect("127.0.0.1", server.port) as second:
                with self.assertRaises(Refused):
                    await second.open_tunnel(authorization=recorded)

    async def test_unknown_key_is_refused(self):
        options = ServerOptions(self.identity, known_keys={ClientKey.generate().public_bytes})
        async with serve(options) as server:
            async with connect("127.0.0.1", server.port) as client:
                with self.assertRaises(Refused):
                    proof = client.concealed_authorization(ClientKey.generate())
                    await client.open_tunnel(authorization=proof)

    async def test_client_certificate_is_recognised_by_its_pin(self):
        mine = make_identity("client")
        async with serve(ServerOptions(self.identity, known_pins={mine.pin})) as server:
            async with connect("127.0.0.1", server.port, certificate=mine) as client:
                await client.open_tunnel()
            async with connect("127.0.0.1", server.port) as client:
                with self.assertRaises(Refused):
                    await client.open_tunnel()

    async def test_bearer_token_is_recognised(self):
        async with serve(ServerOptions(self.identity, bearer_token="secret")) as server:
            async with connect("127.0.0.1", server.port) as client:
                await client.open_tunnel(authorization="Bearer secret")
                with self.assertRaises(Refused):
                    await client.open_tunnel(authorization="Bearer other")

    async def test_malformed_capsule_resets_the_stream(self):
        async with serve(ServerOptions(self.identity)) as server:
            async with connect("127.0.0.1", server.port) as client:
                tunnel = await client.open_tunnel()
                tunnel.send_stream_bytes(capsules.encode_capsule(capsules.ADDRESS_ASSIGN, b"\0\5"))
                ending = await tunnel.wait_ended()
                self.assertEqual((ending.kind, ending.code), ("reset", 0x10E))


@unittest.skipUnless(interop.AVAILABLE, interop.WHY_NOT)
class Codecs(unittest.TestCase):
    def test_varints_of_rfc_9000_appendix_a(self):
        for text, value in (
            ("c2197c5eff14e88c", 151288809941952652),
            ("9d7f3e7d", 494878333),
            ("7bbd", 15293),
            ("25", 37),
            ("4025", 37),
        ):
            data = bytes.fromhex(text)
            self.assertEqual(capsules.decode_varint(data), (value, len(data)))
        self.assertEqual(capsules.encode_varint(37, 2), bytes.fromhex("4025"))

    def test_routes_out_of_order_are_malformed(self):
        for wrong in (
            ["10.1.0.0/16", "10.0.0.0/16"],
            ["10.0.0.0/8", "10.1.0.0/16"],
            ["::/0", "0.0.0.0/0"],
        ):
            value = b"".join(capsules.range_of(text).encode() for text in wrong)
            with self.assertRaises(capsules.Malformed):
                capsules.decode_routes(value)

    def test_ping_packets_have_correct_checksums(self):
        for source, target in (("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")):
            pair = [ipaddress.ip_address(text) for text in (source, target)]
            reply = ip_packets.answer_echo(ip_packets.echo_request(*pair, 1, 2, b"abc"))
            parsed = ip_packets.parse(reply)
            self.assertEqual(parsed.echo, (1, 2, b"abc"))
            self.assertEqual(parsed.destination, pair[0])


if __name__ == "__main__":
    interop.main()
