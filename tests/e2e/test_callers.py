"""Who asks the management API too often is told so, and Jira's events are not held up by it."""

import aiohttp
import pytest

from .stage import Stage

TWO_AN_HOUR = {"requests_per_hour": 2}


@pytest.mark.stage(settings={"limits": {"cloud": TWO_AN_HOUR, "dc": TWO_AN_HOUR}})
async def test_an_address_that_asks_too_often_is_told_when_to_ask_again(stage: Stage) -> None:
    address = f"{stage.events_url.partition('/events')[0]}/workspaces/validate/acme"
    async with aiohttp.ClientSession() as client:

        async def ask() -> tuple[int, str | None]:
            async with client.get(address) as answer:
                return answer.status, answer.headers.get("Retry-After")

        assert [await ask() for _ in range(2)] == [(401, None)] * 2
        status, again = await ask()
        async with client.get(address) as refused:
            told = await refused.json()
        assert status == 429
        assert again is not None
        assert 1700 <= int(again) <= 1800
        assert (told["code"], told["success"]) == ("rate-limited", False)
        assert "2 requests an hour" in told["detail"]

        comment = await stage.comment("@openhands help")
        assert (await stage.outcome(comment)).reason == "helped"
        await stage.says()

        stage.clock.advance(seconds=int(again))
        assert (await ask())[0] == 401
