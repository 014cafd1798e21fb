#!/usr/bin/python3
"""The aioquic client against slopnd as the gateway."""

import asyncio
import ipaddress

import interop
from slopn_side import OUTSIDE4, OUTSIDE6, InteropTest
from harness import INNER_GATEWAY4, INNER_GATEWAY6

if interop.AVAILABLE:
    from certificates import make_identity
    from concealed import ClientKey
    from connect_ip_peer import Refused, connect
    from capsules import AssignedAddress, ADDRESS_ASSIGN


class AioquicClient(InteropTest):
    async def check_tunnel(self, tunnel):
        """Addresses and routes of both families arrive, and pings are answered."""
        await tunnel.wait_for(lambda: len(tunnel.local) >= 2 and tunnel.routes)
        self.assertIn(tunnel.address(4), ipaddress.ip_network("10.77.0.0/24"))
        self.assertIn(tunnel.address(6), ipaddress.ip_network("fd77::/64"))
        for entry in tunnel.local:
            self.assertEqual(entry.request_id, 0, "nobody had asked yet")
            self.assertEqual(entry.interface.network.prefixlen, entry.interface.max_prefixlen)
        everywhere = [ipaddress.ip_address("203.0.113.9"), ipaddress.ip_address("2001:db8::9")]
        for address in everywhere:
            self.assertTrue(any(address in entry for entry in tunnel.routes), address)
        await tunnel.ping(INNER_GATEWAY4)
        await tunnel.ping(INNER_GATEWAY6)
        self.assertEqual(tunnel.unknown_capsules, [], "sent without being negotiated")

    async def test_anonymous_client_gets_addresses_routes_and_answers(self):
        gateway = self.place.gateway().start()
        async with connect(OUTSIDE4, pin=gateway.pin) as client:
            await self.check_tunnel(await client.open_tunnel())

    async def test_a_tunnel_over_outer_ipv6(self):
        gateway = self.place.gateway().start()
        async with connect(OUTSIDE6, pin=gateway.pin) as client:
            await self.check_tunnel(await client.open_tunnel())

    async def test_a_1280_byte_packet_passes(self):
        self.place.gateway().start()
        async with connect(OUTSIDE4) as client:
            tunnel = await client.open_tunnel()
            await tunnel.wait_for(lambda: len(tunnel.local) >= 2)
            await tunnel.ping(INNER_GATEWAY6, size=1232)

    async def test_concealed_authentication_of_another_implementation_is_accepted(self):
        key = ClientKey.generate()
        clients = [{"name": "python", "public_key": key.public_text}]
        gateway = self.place.gateway(
            {"gateway": {"auth": {"anonymous": False, "client": clients}}}
        ).start()
        async with connect(OUTSIDE4, pin=gateway.pin) as client:
            proof = client.concealed_authorization(key)
            await self.check_tunnel(await client.open_tunnel(authorization=proof))
            session = gateway.sessions()[0]
            self.assertEqual(session["client"], "python")
            self.assertEqual(session["identity"], key.public_text)

    async def test_client_certificate_is_accepted_by_its_pin(self):
        mine = make_identity("python")
        clients = [{"name": "python", "certificate_pin": mine.pin}]
        gateway = self.place.gateway(
            {"gateway": {"auth": {"anonymous": False, "client": clients}}}
        ).start()
        async with connect(OUTSIDE4, pin=gateway.pin, certificate=mine) as client:
            await self.check_tunnel(await client.open_tunnel())
            self.assertEqual(gateway.sessions()[0]["identity"], mine.pin)
        stranger = make_identity("python")
        async with connect(OUTSIDE4, pin=gateway.pin, certificate=stranger) as client:
            with self.assertRaises(Refused) as refused:
                await client.open_tunnel()
            self.assertEqual(refused.exception.response.status, 404)

    async def test_address_request_is_answered_with_its_number(self):
        self.place.gateway().start()
        async with connect(OUTSIDE4) as client:
            tunnel = await client.open_tunnel()
            await tunnel.wait_for(lambda: len(tunnel.local) >= 2)
            mine = {tunnel.address(4), tunnel.address(6)}
            tunnel.request_addresses("0.0.0.0/32", "::/128")
            await tunnel.wait_for(lambda: {e.request_id for e in tunnel.local} >= {1, 2})
            self.assertEqual({entry.interface.ip for entry in tunnel.local}, mine)

    async def test_an_assignment_of_the_client_does_not_hurt(self):
        """RFC 9484 lets both sides assign; a gateway has no use for it."""
        self.place.gateway().start()
        async with connect(OUTSIDE4) as client:
            tunnel = await client.open_tunnel()
            tunnel.send_addresses(
                ADDRESS_ASSIGN, [AssignedAddress(0, ipaddress.ip_interface("192.0.2.77/32"))]
            )
            await self.check_tunnel(tunnel)

    async def test_closing_the_stream_ends_the_session(self):
        gateway = self.place.gateway().start()
        async with connect(OUTSIDE4) as client:
            tunnel = await client.open_tunnel()
            await tunnel.wait_for(lambda: tunnel.local)
            self.assertEqual(len(gateway.sessions()), 1)
            tunnel.close()
            ending = await tunnel.wait_ended()
            self.assertIn((ending.kind, ending.code), (("fin", 0), ("connection", 0x100)))
            for _ in range(100):
                if not gateway.sessions():
                    break
                await asyncio.sleep(0.02)
            self.assertEqual(gateway.sessions(), [])

    async def test_key_update_and_new_connection_id_do_not_disturb(self):
        self.place.gateway().start()
        async with connect(OUTSIDE4) as client:
            tunnel = await client.open_tunnel()
            await tunnel.wait_for(lambda: tunnel.local)
            client.request_key_update()
            await tunnel.ping(INNER_GATEWAY4)
            client.change_connection_id()
            await tunnel.ping(INNER_GATEWAY4)

    async def test_retry_when_the_gateway_always_asks_for_it(self):
        self.place.gateway({"gateway": {"limits": {"retry_threshold": 0}}}).start()
        async with connect(OUTSIDE4) as client:
            await self.check_tunnel(await client.open_tunnel())

    async def test_sigterm_tells_the_client(self):
        gateway = self.place.gateway().start()
        async with connect(OUTSIDE4) as client:
            tunnel = await client.open_tunnel()
            await tunnel.wait_for(lambda: tunnel.local)
            await asyncio.get_running_loop().run_in_executor(None, gateway.stop)
            await tunnel.wait_ended()


if __name__ == "__main__":
    interop.main()
