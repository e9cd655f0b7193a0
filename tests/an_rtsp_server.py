"""A server of one RTSP stream on loopback: JPEG over RTP (RFC 2435).

It comes in the RTSP connection itself (RFC 2326, 10.12), or by UDP; who asks for the other is refused.
"""

import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

Send = Callable[[bytes], object]
PACKET_BYTES = 1400
CLOCK_HZ = 90_000
_SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=made\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track\r\n"


def _segments(jpeg: bytes) -> tuple[bytes, bytes, int, int]:
    """Return quantisation tables, entropy-coded data, width and height of a baseline JPEG of 4:2:0."""
    place, tables, size = 2, b"", (0, 0)
    while True:
        marker, length = struct.unpack(">HH", jpeg[place : place + 4])
        body = jpeg[place + 4 : place + 2 + length]
        if marker == 0xFFDB:
            while body:
                tables, body = tables + body[1:65], body[65:]
        elif marker == 0xFFC0:
            size = struct.unpack(">HH", body[1:5])
        elif marker == 0xFFDA:
            return tables, jpeg[place + 2 + length : -2], size[1], size[0]
        place += 2 + length


def packets(jpeg: bytes, number: int, time: int) -> Iterator[bytes]:
    """Yield the RTP packets of one picture; ``number`` is that of the first."""
    tables, data, width, height = _segments(jpeg)
    for offset in range(0, len(data), PACKET_BYTES):
        last = offset + PACKET_BYTES >= len(data)
        rtp = struct.pack(">BBHII", 0x80, 26 | (0x80 if last else 0), number & 0xFFFF, time & 0xFFFFFFFF, 7)
        head = struct.pack(">B", 0) + offset.to_bytes(3, "big") + bytes([1, 255, width // 8, height // 8])
        quantisation = struct.pack(">BBH", 0, 0, len(tables)) + tables if offset == 0 else b""
        number += 1
        yield rtp + head + quantisation + data[offset : offset + PACKET_BYTES]


def _serve(connection: socket.socket, pictures: Sequence[bytes], udp: bool, lost: int, stop: threading.Event) -> None:
    with ExitStack() as stack:
        requests = stack.enter_context(stack.enter_context(connection).makefile("rb"))
        stack.enter_context(suppress(OSError))
        send = _in_frames(connection)
        while line := requests.readline().decode():
            headers = {}
            while field := requests.readline().decode().strip():
                name, _, value = field.partition(":")
                headers[name.lower()] = value.strip()
            method, address = line.split()[:2]
            transport, status = "RTP/AVP/TCP;unicast;interleaved=0-1", "200 OK"
            if method == "SETUP" and udp == ("TCP" in headers["transport"]):
                status = "461 Unsupported Transport"
            elif method == "SETUP" and udp:
                transport, send = _by_udp(stack, connection, headers["transport"], lost)
            more, body = {
                "OPTIONS": ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
                "DESCRIBE": (f"Content-Base: {address}/\r\nContent-Type: application/sdp\r\n", _SDP),
                "SETUP": (f"Transport: {transport}\r\nSession: 1\r\n", ""),
            }.get(method, ("Session: 1\r\n", ""))
            length = f"Content-Length: {len(body)}\r\n" if body else ""
            connection.sendall(f"RTSP/1.0 {status}\r\nCSeq: {headers['cseq']}\r\n{more}{length}\r\n{body}".encode())
            if method == "PLAY":
                _play(send, pictures, stop)
                return


def _in_frames(connection: socket.socket) -> Send:
    return lambda packet: connection.sendall(struct.pack(">BBH", 0x24, 0, len(packet)) + packet)


def _by_udp(stack: ExitStack, connection: socket.socket, asked: str, lost: int) -> tuple[str, Send]:
    """Open a pair of ports for RTP and RTCP; what SETUP is answered, and what sends a packet."""
    port = int(asked.partition("client_port=")[2].partition("-")[0])
    rtp, rtcp = (stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(2))
    for one in (rtp, rtcp):
        one.bind(("127.0.0.1", 0))
    ports = f"client_port={port}-{port + 1};server_port={rtp.getsockname()[1]}-{rtcp.getsockname()[1]}"
    place, number = (connection.getpeername()[0], port), itertools.count(1)

    def send(packet: bytes) -> None:
        if not lost or next(number) % lost:
            rtp.sendto(packet, place)

    return f"RTP/AVP;unicast;{ports}", send


def _play(send: Send, pictures: Sequence[bytes], stop: threading.Event) -> None:
    number = 0
    for k, picture in enumerate(pictures):
        for packet in packets(picture, number, k * CLOCK_HZ // 25):
            send(packet)
            number += 1
        if stop.wait(0.04):
            return


@contextmanager
def rtsp_server(pictures: Sequence[bytes], udp: bool = False, lost: int = 0) -> Iterator[str]:
    """Serve JPEG pictures, 25 a second; yields the host and port. By UDP one packet in ``lost`` is lost."""
    stop, threads = threading.Event(), list[threading.Thread]()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threads.append(threading.Thread(target=_serve, args=(connection, pictures, udp, lost, stop)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            stop.set()
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()
