"""A model of a cluster, to measure clients against: over TLS, so many requests at once, each of a set time.

Run as a process of its own. Its first line of output is its port; it ends when its input does.
"""

import argparse
import asyncio
import re
import ssl
import sys

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Cluster:
    """Works on `slots` requests together, the others queue; each takes `seconds`, and more a document."""

    def __init__(self, slots: int, seconds: float, seconds_per_document: float) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._seconds = seconds
        self._each = seconds_per_document

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length.group(1)) if length else 0)
                bulk = b"/_bulk" in head.partition(b"\r\n")[0]
                documents = body.count(b"\n") // 2 if bulk else 1
                async with self._slots:
                    await asyncio.sleep(self._seconds + self._each * documents)
                one = b'{"create":{"status":201}}'
                answer = (
                    b'{"errors":false,"items":[' + b",".join([one] * documents) + b"]}"
                    if bulk
                    else b'{"result":"created"}'
                )
                writer.write(
                    b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    % (200 if bulk else 201, len(answer))
                    + answer
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slots", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seconds-per-document", type=float, default=0.0)
    parser.add_argument("--certificate", required=True)
    options = parser.parse_args()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.certificate)
    cluster = Cluster(options.slots, options.seconds, options.seconds_per_document)
    server = await asyncio.start_server(cluster.serve, "127.0.0.1", 0, ssl=tls, limit=2**24, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
