#!/usr/bin/python3
"""A gateway with several workers: clients are shared out, and nobody notices."""

import contextlib
import select
import socket
import threading
from pathlib import Path
from unittest import mock

import harness
from harness import GATEWAY4, HOST4, HOST6, INNER_GATEWAY4, LabTest, wait_until

ROUTER4 = "203.0.113.1"
WORKERS = 4
CLIENTS = 8


def worker_of(session):
    """Session IDs of all workers are different: the remainder is the worker's number."""
    return session["id"] % WORKERS


class Relay:
    """A NAT that forgets: hands UDP from a client to the gateway, from a port that changes."""

    def __init__(self, namespace, listen, target):
        self._namespace = namespace
        self._target = target
        self._front = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(listen)
        self._back = self._make_back()
        self._client = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _make_back(self):
        made = self._namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("0.0.0.0", 0))
        return made

    @property
    def port(self):
        """Where the gateway sees the client."""
        return self._back.getsockname()[1]

    def rebind(self):
        """From now on the client comes from another port, and the old one is dead."""
        old, self._back = self._back, self._make_back()
        old.close()

    def _run(self):
        while not self._stopping:
            back = self._back
            with contextlib.suppress(OSError, ValueError):
                for ready in select.select([self._front, back], [], [], 0.05)[0]:
                    data, sender = ready.recvfrom(65536)
                    if ready is self._front:
                        self._client = sender
                        self._back.sendto(data, self._target)
                    elif self._client:
                        self._front.sendto(data, self._client)

    def stop(self):
        self._stopping = True
        self._thread.join(2)
        self._front.close()
        self._back.close()


class Workers(LabTest):
    def gateway_of_workers(self, **changes):
        return self.lab.gateway({"gateway": {"workers": WORKERS, **changes}}).start()

    def fleet(self, gateway, count=CLIENTS):
        """Connected clients, each in a namespace of its own."""
        clients = []
        for number in range(count):
            namespace = self.lab.extra_client_net(number + 2) if number else self.lab.client_net
            client = self.lab.client(name=f"client{number}", namespace=namespace).start()
            client.connect(gateway.invite(f"c{number}"))
            clients.append(client)
        return clients

    def inner_addresses(self, client):
        return [address.split("/")[0] for address in client.status()["addresses"]]

    def test_clients_are_shared_out_and_all_reach_everything(self):
        gateway = self.gateway_of_workers()
        clients = self.fleet(gateway)
        sessions = gateway.sessions()
        self.assertEqual(len(sessions), CLIENTS)
        self.assertEqual(len({session["id"] for session in sessions}), CLIENTS)
        self.assertGreater(len({worker_of(session) for session in sessions}), 1, sessions)
        for client in clients:
            for target in (INNER_GATEWAY4, HOST4, HOST6):
                self.assertTrue(client.namespace.ping(target, count=2), (client.name, target))
            for address in self.inner_addresses(client):
                self.assertTrue(self.lab.gateway_net.ping(address, count=2), client.name)
        self.assertEqual(gateway.drops("no_route"), 0)

    def test_without_steering_workers_hand_packets_to_each_other(self):
        self.check_handing_over(
            self.gateway_of_workers(tun_steering="off", client_to_client=True)
        )

    def test_a_gateway_that_may_not_use_bpf_says_so_and_works(self):
        if Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text().strip() == "0":
            self.skipTest("here everybody may use bpf(2)")
        less = ["setpriv", "--bounding-set", "-bpf,-sys_admin", *harness.LAUNCHER]
        with mock.patch.object(harness, "LAUNCHER", less):
            gateway = self.gateway_of_workers(client_to_client=True)
        self.assertIn("workers hand packets to each other instead", gateway.log)
        self.check_handing_over(gateway)

    def check_handing_over(self, gateway):
        clients = self.fleet(gateway)
        self.assertGreater(len({worker_of(session) for session in gateway.sessions()}), 1)
        first = clients[0]
        for client in clients:
            self.assertTrue(client.namespace.ping(HOST4, count=2), client.name)
            for address in self.inner_addresses(client):
                self.assertTrue(self.lab.gateway_net.ping(address, count=2), client.name)
            for address in self.inner_addresses(first):
                self.assertTrue(client.namespace.ping(address, count=2), client.name)
        data = bytes(range(256)) * 4000
        for client in clients[1:4]:
            harness.tcp_transfer(client.namespace, self.lab.host_net, HOST4, data, data)
            # The kernel sends these where the other client's packets came from: always wrong,
            # unless both are with one worker.
            for address in self.inner_addresses(first):
                harness.tcp_transfer(client.namespace, first.namespace, address, data, data)
        self.assertEqual(gateway.drops("no_route"), 0)

    def test_sessions_of_all_workers_are_listed_and_ended(self):
        gateway = self.gateway_of_workers()
        clients = self.fleet(gateway, 5)
        self.assertEqual(gateway.status()["sessions"], 5)
        sent = sum(session["traffic"]["sent_packets"] for session in gateway.sessions())
        self.assertEqual(gateway.status()["traffic"]["sent_packets"], sent)
        for number, client in enumerate(clients):
            self.assertEqual(gateway.ctl_json("gateway", "kick", f"c{number}")["ended"], 1)
        wait_until(lambda: len(gateway.sessions()) == 5, 10, "the kicked ones to come back")
        for client in clients:
            client.namespace.wait_ping(HOST4)

    def test_a_client_that_comes_back_takes_its_addresses_to_another_worker(self):
        self.check_coming_back(self.gateway_of_workers())

    def test_a_client_comes_back_to_another_worker_without_steering_too(self):
        self.check_coming_back(self.gateway_of_workers(tun_steering="off"))

    def check_coming_back(self, gateway):
        client = self.lab.client().start()
        client.connect(gateway.invite())
        addresses = self.inner_addresses(client)
        seen = [gateway.sessions()[0]]
        for _ in range(8):
            client.process.kill()  # without a word to the gateway
            client.process.wait()
            client.start()
            client.connect(client.profile)
            self.assertEqual(self.inner_addresses(client), addresses)
            self.assertTrue(self.lab.client_net.ping(HOST4))
            for address in addresses:
                self.assertTrue(self.lab.gateway_net.ping(address))
            wait_until(lambda: len(gateway.sessions()) == 1, 3, "the old session to end")
            seen.append(gateway.sessions()[0])
        self.assertEqual(len({session["id"] for session in seen}), 9)
        self.assertGreater(len({worker_of(session) for session in seen}), 1)

    def test_the_limit_of_sessions_is_for_all_workers_together(self):
        gateway = self.gateway_of_workers(limits={"max_sessions": 3})
        clients = self.fleet(gateway, 3)
        late = self.lab.client(name="late", namespace=self.lab.extra_client_net(9)).start()
        uri = gateway.invite("late")
        self.assertNotEqual(late.ctl("connect", uri, "--wait", "--timeout", 3).returncode, 0)
        self.assertEqual(len(gateway.sessions()), 3)
        clients[0].ctl_ok("disconnect", "--wait")
        late.wait_state("connected")

    def test_a_new_tun_serves_all_workers_when_somebody_deletes_the_old_one(self):
        gateway = self.gateway_of_workers()
        clients = self.fleet(gateway, 4)
        for _ in range(2):
            self.lab.gateway_net.ip("link", "del", "slopn0")
            for client in clients:
                client.namespace.wait_ping(HOST4)
                for address in self.inner_addresses(client):
                    self.lab.gateway_net.wait_ping(address)
        self.assertEqual(gateway.log.count("making a new one"), 2)

    def test_a_second_gateway_on_the_port_is_refused(self):
        self.gateway_of_workers()
        other = self.lab.gateway(
            {"gateway": {"workers": WORKERS, "interface_name": "other0"}}, name="second"
        )
        other.start(wait=False)
        self.assertNotEqual(other.process.wait(10), 0)
        self.assertIn("bind UDP", other.log)


class WorkersBehindNat(LabTest):
    PATH_MTU = 1500  # with a router between client and gateway

    def test_a_client_behind_a_forgetful_nat_keeps_its_session(self):
        gateway = self.lab.gateway({"gateway": {"workers": WORKERS}}).start()
        relay = Relay(self.lab.router_net, (ROUTER4, 7000), (GATEWAY4, 443))
        self.addCleanup(relay.stop)
        client = self.lab.client().start()
        client.connect(gateway.invite("laptop", "--endpoint", f"{ROUTER4}:7000"))
        before = gateway.sessions()[0]["id"]
        ports = {relay.port}
        for _ in range(10):
            self.assertTrue(self.lab.client_net.ping(HOST4))
            relay.rebind()
            ports.add(relay.port)
            self.lab.client_net.wait_ping(HOST4)
        self.assertGreater(len(ports), 5)
        self.assertEqual([session["id"] for session in gateway.sessions()], [before])
        self.assertEqual(client.status()["state"], "connected")


if __name__ == "__main__":
    harness.main()
