"""The socket that the service listens on. It is bound before anything is loaded, to report a taken port at once."""

from __future__ import annotations

import socket

from service.errors import SettingsError


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind a TCP socket.

    Raises
    ------
    SettingsError
        If the address cannot be bound: it is taken, not ours, or cannot be resolved.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with ADVISOR_HOST and ADVISOR_PORT"
        ) from error
    return listening


def http_url(host: str, port: int) -> str:
    """The address as a URL, with an IPv6 host in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
