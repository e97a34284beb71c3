"""Listening: which texts are addresses, where they really lead, and how a failure is told."""

import socket

import pytest

from ampp.api.listen import ListenError, bind, shown


def test_port_zero_is_shown_as_what_it_became() -> None:
    first, second = bind(["127.0.0.1:0", "127.0.0.1:"])
    with first, second:
        assert shown(first).startswith("127.0.0.1:")
        assert not shown(first).endswith(":0")
        assert shown(first) != shown(second)


@pytest.mark.parametrize("address", [":0", "0.0.0.0:0", "[::]:0"])
def test_no_host_means_both_families_on_one_port(address: str) -> None:
    [sock] = bind([address])
    with sock:
        port = sock.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        if sock.family == socket.AF_INET6 and socket.has_dualstack_ipv6():
            socket.create_connection(("::1", port)).close()
            assert shown(sock) == f"[::]:{port}"


def test_names_lead_to_ipv4_first() -> None:
    [sock] = bind(["localhost:0"])
    with sock:
        assert shown(sock).startswith("127.0.0.1:")


def test_a_taken_port_is_named_and_nothing_stays_bound() -> None:
    [taken] = bind(["127.0.0.1:0"])
    with taken:
        address = shown(taken)
        with pytest.raises(ListenError) as caught:
            bind(["127.0.0.1:0", address])
        assert str(caught.value) == f"listen tcp {address}: bind: address already in use"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("9093", "listen tcp: address 9093: missing port in address"),
        ("::1:9093", "listen tcp: address ::1:9093: too many colons in address"),
        ("[::1:9093", "listen tcp: address [::1:9093: missing ']' in address"),
        ("127.0.0.1:99999", "listen tcp: address 99999: invalid port"),
        ("127.0.0.1:nope", "listen tcp: lookup tcp/nope: unknown port"),
        ("vsock://:1", "listen vsock vsock://:1: this kind of address is not supported; use host:port"),
    ],
)
def test_texts_that_are_no_addresses(address: str, message: str) -> None:
    with pytest.raises(ListenError) as caught:
        bind([address])
    assert str(caught.value) == message
