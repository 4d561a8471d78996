"""Many clients that send without pause, in one thread of their own, and every failure of theirs."""

import asyncio
import re
import threading
from collections import Counter

REQUEST = b"GET / HTTP/1.1\r\nHost: client.example\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GENERATION = re.compile(rb"\r\nX-Generation: (\d+)\r\n")
KEPT_REQUESTS = 25
SECONDS = 20.0


class Load:
    """Half of the clients keep their connections for some requests, the others make one for each.

    Responses say by X-Generation which configuration they were made by. The test sets `asked` to what it has the
    bridge load, and `loaded` to what the bridge says it has loaded.
    """

    def __init__(self, clients):
        self.clients = clients
        self.counts = Counter()
        self.failures = []
        self.asked = self.loaded = 0
        self.over = False
        self.address = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.target = self._call(asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=1000))
        self.tasks = []

    @property
    def target_url(self):
        return "http://127.0.0.1:%d" % self.target.sockets[0].getsockname()[1]

    def start(self, address):
        self.address = address
        self._call(self._begin())

    def finish(self):
        """Ends the clients after their request at hand; says what failed."""
        self.over = True
        self._call(asyncio.wait(self.tasks, timeout=SECONDS))
        self.failures += [f"client {at} does not end" for at, task in enumerate(self.tasks) if not task.done()]
        return self.failures

    def close(self):
        self.over = True
        self._call(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(SECONDS)
        self.loop.close()

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(2 * SECONDS)

    async def _begin(self):
        self.tasks = [asyncio.ensure_future(self._client(at)) for at in range(self.clients)]

    async def _end(self):
        self.target.close()
        own = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not own]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _answer(self, reader, writer):
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _client(self, number):
        while not self.over:
            try:
                await asyncio.wait_for(self._connection(KEPT_REQUESTS if number % 2 else 1), SECONDS)
            except Exception as failure:
                self.failures.append(f"{type(failure).__name__}: {failure}")
                await asyncio.sleep(0.1)

    async def _connection(self, requests):
        first = self.loaded
        reader, writer = await asyncio.open_connection(*self.address)
        self.counts["connections"] += 1
        made_by = set()
        try:
            for at in range(requests):
                head = await self._exchange(reader, writer, is_first=at == 0)
                if head is None:
                    return
                made_by.add(int(GENERATION.search(head)[1]))
                if at == 0:
                    last = self.asked
                if b"\r\nConnection: close\r\n" in head or self.over:
                    break
        finally:
            writer.close()
        assert len(made_by) == 1 and first <= min(made_by) <= last, f"{made_by} not of {first} to {last}"

    async def _exchange(self, reader, writer, is_first):
        """The response's head. None when the connection had been closed before the request: another is made then."""
        try:
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as end:
            if is_first or getattr(end, "partial", b""):
                raise
            self.counts["closed between requests"] += 1
            return None
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        assert await reader.readexactly(2) == b"ok"
        self.counts["requests"] += 1
        return head
