#!/usr/bin/python3
"""slopnd as the client against the aioquic server."""

import asyncio
import ipaddress

import interop
from slopn_side import InteropTest

if interop.AVAILABLE:
    import capsules
    import ip_packets
    from capsules import AssignedAddress
    from certificates import make_identity
    from concealed import _decode
    from connect_ip_peer import ServerOptions, serve

FAR4, FAR6 = "203.0.113.9", "2001:db8:ff::9"


class AioquicServer(InteropTest):
    def setUp(self):
        super().setUp()
        self.identity = make_identity("127.0.0.1")

    def profile(self, server, **changes):
        return {
            "name": "python",
            "gateway": f"127.0.0.1:{server.port}",
            "pins": [self.identity.pin],
            "auth": {"method": "none"},
        } | changes

    async def in_thread(self, function, *arguments):
        """The server must go on while slopnctl waits for it."""
        return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)

    async def connected(self, server, **changes):
        client = self.place.client()
        await self.in_thread(client.start)
        await self.in_thread(client.import_profile, self.profile(server, **changes))
        await self.in_thread(client.connect, "python")
        return client

    async def ping(self, target, *more):
        done = await self.in_thread(
            lambda: self.place.here.run(
                "ping", "-n", "-c", 3, "-i", "0.05", "-W", 2, *more, target, check=False
            )
        )
        return done.returncode == 0

    async def test_handshake_addresses_routes_and_pings_of_both_families(self):
        async with serve(ServerOptions(self.identity)) as server:
            client = await self.connected(server)
            status = await self.in_thread(client.status)
            self.assertEqual(
                {text.split("/")[0] for text in status["addresses"]}, {"10.99.0.2", "fd00:99::2"}
            )
            self.assertTrue(await self.ping(FAR4))
            self.assertTrue(await self.ping(FAR6))
            self.assertTrue(await self.ping(FAR4, "-s", 1200))
            tunnel = await server.wait_tunnel()
            tunnel.local = [
                AssignedAddress(0, ipaddress.ip_interface(text)) for text in (FAR4, FAR6)
            ]
            await tunnel.ping("10.99.0.2")
            await tunnel.ping("fd00:99::2")
            request = server.requests[0]
            self.assertEqual(request[":path"], "/.well-known/masque/ip/*/*/")
            self.assertEqual(request["capsule-protocol"], "?1")
            self.assertEqual(request[":authority"], f"127.0.0.1:{server.port}")
            self.assertNotIn("authorization", request)
            await self.in_thread(client.ctl_ok, "disconnect", "--wait")
            await tunnel.wait_ended()

    async def test_addresses_are_asked_for_when_none_come(self):
        async with serve(ServerOptions(self.identity, unsolicited=False)) as server:
            await self.connected(server)
            self.assertTrue(await self.ping(FAR4))

    async def test_addresses_are_asked_for_at_once_when_the_profile_says_so(self):
        async with serve(ServerOptions(self.identity, unsolicited=False)) as server:
            await self.connected(server, tunnel={"address_request": "on"})
            self.assertTrue(await self.ping(FAR4))

    async def test_wrong_pin_is_refused(self):
        async with serve(ServerOptions(make_identity("127.0.0.1"))) as server:
            client = self.place.client()
            await self.in_thread(client.start)
            await self.in_thread(client.import_profile, self.profile(server))
            done = await self.in_thread(client.ctl, "connect", "python", "--timeout", 4)
            self.assertEqual(done.returncode, 6, done.stdout + done.stderr)
            self.assertEqual(server.requests, [], "a request went to an unknown gateway")

    async def test_concealed_authentication_satisfies_another_implementation(self):
        client = self.place.client()
        await self.in_thread(client.start)
        secret, public = await self.in_thread(client.make_key)
        known = {_decode(public.removeprefix("ed25519:"))}
        async with serve(ServerOptions(self.identity, known_keys=known)) as server:
            await self.in_thread(
                client.import_profile, self.profile(server, auth={"key": secret})
            )
            await self.in_thread(client.connect, "python")
            self.assertTrue(await self.ping(FAR4))

    async def test_client_certificate_satisfies_another_implementation(self):
        mine = make_identity("client")
        async with serve(ServerOptions(self.identity, known_pins={mine.pin})) as server:
            await self.connected(
                server,
                auth={
                    "method": "certificate",
                    "certificate": mine.certificate_pem.decode(),
                    "private_key": mine.private_key_pem.decode(),
                },
            )
            self.assertTrue(await self.ping(FAR4))

    async def test_bearer_token_is_read_from_its_file(self):
        token = self.place.folder / "token"
        token.write_text("s3cret\n")
        token.chmod(0o600)
        async with serve(ServerOptions(self.identity, bearer_token="s3cret")) as server:
            client = self.place.client()
            await self.in_thread(client.start)
            profiles = client.state_dir / "profiles"
            profiles.mkdir(mode=0o700, exist_ok=True)
            text = self.profile(server, auth={"method": "bearer", "token_file": str(token)})
            stored = profiles / "python.toml"
            stored.write_text(interop.to_toml(text))
            stored.chmod(0o600)
            await self.in_thread(client.connect, "python")
            self.assertTrue(await self.ping(FAR4))

    async def test_refusal_with_401_is_an_authentication_failure(self):
        async with serve(ServerOptions(self.identity, bearer_token="other")) as server:
            client = self.place.client()
            await self.in_thread(client.start)
            await self.in_thread(client.import_profile, self.profile(server))
            done = await self.in_thread(client.ctl, "connect", "python", "--timeout", 4)
            self.assertEqual(done.returncode, 6, done.stdout + done.stderr)

    async def test_refusal_with_503_is_tried_again(self):
        options = ServerOptions(self.identity, status=503)
        async with serve(options) as server:
            client = self.place.client()
            await self.in_thread(client.start)
            await self.in_thread(client.import_profile, self.profile(server))
            await self.in_thread(client.ctl, "connect", "python", "--no-wait")
            await asyncio.sleep(0.5)
            options.status = 0
            await self.in_thread(client.wait_state, "connected")

    async def test_a_server_without_connect_ip_is_given_up_with_a_reason(self):
        async with serve(ServerOptions(self.identity, settings={})) as server:
            client = self.place.client()
            await self.in_thread(client.start)
            await self.in_thread(client.import_profile, self.profile(server))
            done = await self.in_thread(client.ctl, "connect", "python", "--timeout", 4)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stdout + done.stderr, "(?i)connect-ip|CONNECT|datagram")
            self.assertEqual(server.requests, [])

    async def test_a_server_that_never_answers_is_given_up_and_tried_again(self):
        options = ServerOptions(self.identity, silent_handshake=True)
        async with serve(options) as server:
            client = self.place.client()
            await self.in_thread(client.start)
            await self.in_thread(client.import_profile, self.profile(server))
            await self.in_thread(client.ctl, "connect", "python", "--no-wait")
            for _ in range(300):
                if server.requests:
                    break
                await asyncio.sleep(0.02)
            options.silent_handshake = False
            await self.in_thread(lambda: client.wait_state("connected", timeout=20))

    async def test_packets_for_somebody_else_are_dropped_and_counted(self):
        async with serve(ServerOptions(self.identity)) as server:
            client = await self.connected(server)
            tunnel = await server.wait_tunnel()
            source = ipaddress.ip_address(FAR4)
            for target in ("10.99.0.77", "127.0.0.1", "224.0.0.1", "255.255.255.255"):
                packet = ip_packets.echo_request(source, ipaddress.ip_address(target), 1, 1)
                tunnel.send_packet(packet)
            for junk in (b"", b"\x45", b"\x4f" * 20, b"\x60" * 39, bytes(100)):
                tunnel.send_packet(junk)
            tunnel.send_http_datagram(b"")
            self.assertTrue(await self.ping(FAR4))
            drops = (await self.in_thread(client.status))["traffic"]["drops"]
            self.assertGreaterEqual(drops.get("foreign_destination", 0), 1, drops)
            self.assertGreaterEqual(drops.get("malformed", 0), 4, drops)
            self.assertGreaterEqual(sum(drops.values()), 9, drops)

    async def test_a_new_assignment_replaces_the_old_one(self):
        async with serve(ServerOptions(self.identity)) as server:
            client = await self.connected(server)
            tunnel = await server.wait_tunnel()
            tunnel.send_addresses(
                capsules.ADDRESS_ASSIGN,
                [AssignedAddress(0, ipaddress.ip_interface("10.99.0.33/32"))],
            )
            for _ in range(100):
                status = await self.in_thread(client.status)
                if any(a.startswith("10.99.0.33") for a in status.get("addresses", [])):
                    break
                await asyncio.sleep(0.05)
            addresses = self.place.here.ip("-br", "address", "show", "dev", "slopn0")
            self.assertIn("10.99.0.33", addresses)
            self.assertNotIn("10.99.0.2/", addresses)

    async def test_unknown_capsules_and_contexts_are_skipped(self):
        async with serve(ServerOptions(self.identity)) as server:
            client = await self.connected(server)
            tunnel = await server.wait_tunnel()
            tunnel.send_stream_bytes(capsules.encode_capsule(0x2A2A2A, bytes(5000)))
            tunnel.send_http_datagram(capsules.encode_varint(2) + b"unknown context")
            self.assertTrue(await self.ping(FAR4))
            self.assertEqual((await self.in_thread(client.status))["state"], "connected")

    async def test_malformed_capsule_ends_the_try_and_the_client_reconnects(self):
        async with serve(ServerOptions(self.identity)) as server:
            client = await self.connected(server)
            first = await server.wait_tunnel()
            first.send_stream_bytes(capsules.encode_capsule(capsules.ROUTE_ADVERTISEMENT, b"\4\1"))
            await first.wait_ended()
            await server.wait_tunnel(2)
            await self.in_thread(client.wait_state, "connected")
            self.assertTrue(await self.ping(FAR4))

    async def test_a_server_that_ends_the_stream_is_reconnected_to(self):
        async with serve(ServerOptions(self.identity)) as server:
            client = await self.connected(server)
            (await server.wait_tunnel()).close()
            await server.wait_tunnel(2)
            await self.in_thread(client.wait_state, "connected")

    async def test_a_server_that_demands_retry_is_answered(self):
        async with serve(ServerOptions(self.identity, retry=True)) as server:
            await self.connected(server)
            self.assertTrue(await self.ping(FAR4))


if __name__ == "__main__":
    interop.main()
