"""What the sandbox lets programs see and order over HTTP: deliveries, requests, faults. No part of Jira."""

from collections.abc import Sequence

from aiohttp import web

from jirabot.errors import InvalidInput
from jirabot.sandbox.faults import Faults
from jirabot.sandbox.http import ReceivedRequest
from jirabot.sandbox.refusals import Refusal
from jirabot.sandbox.rest.requests import answer, done, read_object
from jirabot.sandbox.senders import SentDelivery


class Control:
    """The routes under `/sandbox/` that speak JSON."""

    def __init__(
        self, *, faults: Faults, deliveries: Sequence[SentDelivery], requests: Sequence[ReceivedRequest]
    ) -> None:
        self._faults, self._deliveries, self._requests = faults, deliveries, requests

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/sandbox/deliveries", self._list_deliveries),
            web.get(r"/sandbox/deliveries/{number:\d+}", self._get_delivery),
            web.get("/sandbox/requests", self._list_requests),
            web.get("/sandbox/faults", self._list_faults),
            web.post("/sandbox/faults", self._add_fault),
            web.post("/sandbox/faults/release", self._release_faults),
            web.delete("/sandbox/faults", self._clear_faults),
        ]

    async def _list_deliveries(self, request: web.Request) -> web.Response:
        return answer([delivery.to_json() for delivery in self._deliveries])

    async def _get_delivery(self, request: web.Request) -> web.Response:
        """Give a delivery as a file that can be replayed."""
        number = int(request.match_info["number"])
        if not 1 <= number <= len(self._deliveries):
            raise Refusal(404, f"There is no delivery {number}.")
        return answer(self._deliveries[number - 1].to_saved())

    async def _list_requests(self, request: web.Request) -> web.Response:
        return answer(
            [
                {"method": r.method, "path": r.path, "status": r.status, "actor": r.actor.name if r.actor else None}
                for r in self._requests
            ]
        )

    async def _list_faults(self, request: web.Request) -> web.Response:
        return answer(self._faults.to_json())

    async def _add_fault(self, request: web.Request) -> web.Response:
        options = await read_object(request)
        try:
            fault = self._faults.add(options.pop("does", ""), **options)
        except InvalidInput as error:
            raise Refusal(400, f"{error.message}; {error.hint}") from error
        return answer(fault.to_json(), 201)

    async def _release_faults(self, request: web.Request) -> web.Response:
        self._faults.release(reverse=request.query.get("reverse") == "true")
        return done()

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return done()
