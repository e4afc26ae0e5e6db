"""Where an address leads, told by its text alone."""

import socket

import pytest

from fusewatch.notify.addresses import plain_and_public

AT_HOME = [
    "http://localhost:8080/x",
    "http://127.0.0.1/x",
    "http://127.9.9.9/x",
    "http://[::1]:9000/x",
    "http://10.1.2.3/x",
    "http://172.16.0.1/x",
    "http://172.31.255.255/x",
    "http://192.168.178.20/x",
    "http://169.254.1.1/x",
    "http://[fd12:3456::1]/x",
    "http://[fe80::1%25eth0]/x",
    "http://[::ffff:10.0.0.1]/x",
    "http://alertmanager:9093/",
    "http://hooks.monitoring.svc/x",
    "http://hooks.monitoring.svc.cluster.local./x",
    "http://printer.local/x",
    "http://hooks.corp.internal/x",
    "https://hooks.example.com/x",
    "https://8.8.8.8/x",
]
ABROAD = [
    ("http://hooks.example.com/x", "hooks.example.com"),
    ("http://user:canary@hooks.example.com:8080/canary", "hooks.example.com"),
    ("HTTP://Hooks.Example.COM/x", "hooks.example.com"),
    ("http://8.8.8.8/x", "8.8.8.8"),
    ("http://172.32.0.1/x", "172.32.0.1"),
    ("http://[2606:4700::1111]/x", "2606:4700::1111"),
    ("http://[::ffff:8.8.8.8]/x", "::ffff:8.8.8.8"),
    ("http://localhost.example.com/x", "localhost.example.com"),
    ("http://notlocal/../x.evil-internal.com/", ""),
    ("http://xinternal.com/", "xinternal.com"),
]


@pytest.mark.parametrize("url", AT_HOME)
def test_https_and_our_own_network_need_no_warning(url: str) -> None:
    assert plain_and_public(url) == ""


@pytest.mark.parametrize(("url", "host"), ABROAD)
def test_plain_http_beyond_our_own_network_is_named_by_its_host_alone(url: str, host: str) -> None:
    assert plain_and_public(url) == host


def test_no_name_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert plain_and_public("http://hooks.example.com/") == "hooks.example.com"
