"""Posts a delivery to an events address, as Jira would: for `replay --to`."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from jirabot import __version__
from jirabot.errors import InvalidInput, Unreachable
from jirabot.jira import bases

POST_SECONDS = 30.0
CONNECT_SECONDS = 10.0


async def post(address: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
    """Post *body*, and give the status and text of what is answered.

    Raises:
        InvalidInput: *address* is none of http or https.
        Unreachable: nobody answers there.
    """
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise InvalidInput(f"`{address}` is no address of a daemon", hint="give it as `http://HOST:PORT`")
    timeout = aiohttp.ClientTimeout(total=POST_SECONDS, sock_connect=CONNECT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(
                trust_env=not bases.is_loopback(address),
                timeout=timeout,
                headers={"User-Agent": f"jirabot/{__version__}"},
            ) as session,
            session.post(address, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.text(errors="replace")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        # No more of the address than its host: the last segment may be a secret.
        raise Unreachable(
            f"nobody answers at `{_host(address)}`", hint="see that `jirabot serve` runs there, and says that address"
        ) from error


def _host(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
