"""A mail server as operators run one: speaks enough SMTP (RFC 5321) to take a message, and refuses when a test wants it."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer:
    """``with MailServer() as server: server.url; server.inbox``."""

    def __init__(self) -> None:
        self.inbox: list[EmailMessage] = []
        self.refuses = False
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    verb = line.strip().upper()[:4]
                    if verb == b"EHLO":
                        self.wfile.write(b"250-here\r\n250 8BITMIME\r\n")
                    elif verb == b"RCPT" and outer.refuses:
                        self.wfile.write(b"451 try later\r\n")
                    elif verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        outer.inbox.append(self._message())
                        self.wfile.write(b"250 taken\r\n")
                    elif verb == b"QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    else:
                        self.wfile.write(b"250 fine\r\n")

            def _message(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line[1:] if line.startswith(b"..") else line)
                return message_from_bytes(b"".join(lines), policy=policy.default)  # type: ignore[return-value]

        socketserver.ThreadingTCPServer.daemon_threads = True
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> MailServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
