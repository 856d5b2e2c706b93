"""Clients that ask `airlock serve` without a pause, and remember of every answer when it was asked, when it came, and which release gave it."""

import http.client
import json
import threading
import time
from dataclasses import dataclass


@dataclass
class Answer:
    asked: float
    came: float
    status: int  # 0: the connection broke
    release: str
    text: str


class Client:
    def __init__(self, port, token, model="assistant"):
        self.port, self.token, self.model = port, token, model
        self.connection = None

    def ask(self, text="hello", timeout=60, **more):
        begun = time.monotonic()
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
            body = json.dumps({"model": self.model, "messages": [{"role": "user", "content": text}], **more})
            self.connection.request(
                "POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            )
            reply = self.connection.getresponse()
            content = reply.read().decode(errors="replace")
            return Answer(begun, time.monotonic(), reply.status, reply.getheader("Airlock-Release", ""), content)
        except (OSError, http.client.HTTPException) as broken:
            self.close()
            return Answer(begun, time.monotonic(), 0, "", repr(broken))

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Load:
    """with Load(port, token, clients=8) as load: … ; load.answers holds everything, load.failed what was no 200."""

    def __init__(self, port, token, clients=8, **request):
        self.clients = [Client(port, token) for _ in range(clients)]
        self.request = request
        self.answers = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(client,)) for client in self.clients]

    def run(self, client):
        while not self.over.is_set():
            self.answers.append(client.ask(**self.request))
        client.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    @property
    def failed(self):
        return [answer for answer in self.answers if answer.status != 200]

    def first_by(self, release, after):
        """When the first answer of this release came to a question that was asked after `after`; None: not yet."""
        came = [a.came for a in list(self.answers) if a.release == release and a.status == 200 and a.asked >= after]
        return min(came, default=None)
