"""The least that a receiver of webhooks can do: check the HMAC, answer. `floor.py SECRET` prints its port.

With `BASE_URL EMAIL TOKEN` it answers each comment that mentions the bot too, with the requests that jirabot makes for
it (the issue, the comment read back, the answer posted on a connection of its own), and keeps nothing.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys

import aiohttp
from aiohttp import web


class Answers:
    """Makes Jira's part of a first answer."""

    def __init__(self, base_url: str, email: str, token: str) -> None:
        self._base_url = base_url
        credentials = base64.b64encode(f"{email}:{token}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        self._reading = aiohttp.ClientSession(headers=headers)
        self._writing = aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(force_close=True))

    async def answer(self, body: bytes) -> None:
        """Answer one comment."""
        event = json.loads(body)
        if "@openhands" not in event.get("comment", {}).get("body", ""):
            return
        issue = f"{self._base_url}/rest/api/2/issue/{event['issue']['id']}"
        for address in (issue, f"{issue}/comment/{event['comment']['id']}"):
            async with self._reading.get(address) as read:
                await read.json()
        async with self._writing.post(f"{issue}/comment", json={"body": "I am on it."}) as posted:
            await posted.read()


async def main(secret: bytes, *jira: str) -> None:
    """Serve until killed."""
    answers = Answers(*jira) if jira else None
    async with asyncio.TaskGroup() as tasks:

        async def take(request: web.Request) -> web.Response:
            body = await request.read()
            right = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
            fits = hmac.compare_digest(request.headers.get("X-Hub-Signature", ""), right)
            if fits and answers is not None:
                tasks.create_task(answers.answer(body))
            return web.Response(
                status=200 if fits else 403,
                body=b'{"success":true,"status":"accepted","delivery":"01a2140801517f60b6563af2c5a29254"}',
                content_type="application/json",
            )

        application = web.Application(client_max_size=2**25)
        application.add_routes([web.post("/{path:.*}", take)])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1].encode(), *sys.argv[2:]))
