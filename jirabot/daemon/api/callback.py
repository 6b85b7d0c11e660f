"""Where people come back to from a consent page: shows what that has led to, or what went wrong."""

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from jirabot.app import App
from jirabot.core.managers.consent_flow import CameBack
from jirabot.core.oauth_states import STATE_LASTS
from jirabot.core.people import STRANGER, LinkState
from jirabot.daemon import access, problems
from jirabot.daemon.management import Answers
from jirabot.daemon.pages.rendering import is_wanted, page
from jirabot.errors import Forbidden, JirabotError

COOKIE = "jirabot_oauth"

LONGEST = 4096
"""Characters of a code: what is longer is none."""


def callbacks(app: App) -> list[tuple[str, str, Answers]]:
    """List method and address of each deployment's callback with what answers there."""
    return [("GET", path_of(each.route), _coming_back(app, each.name)) for each in app.deployments.values()]


def path_of(route: str) -> str:
    """Give the address that people come back to."""
    return f"/integration/{route}/callback"


def remember(response: web.Response, app: App, deployment: str, cookie: str) -> None:
    """Give the browser what it is known by when it comes back, and to nowhere else."""
    response.set_cookie(
        COOKIE,
        cookie,
        path=path_of(app.deployments[deployment].route),
        max_age=int(STATE_LASTS.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=app.settings.server.reached_at().startswith("https://"),
    )


def _coming_back(app: App, deployment: str) -> Answers:
    path = path_of(app.deployments[deployment].route)

    async def answer_to(request: web.Request, _: Mapping[str, str]) -> web.StreamResponse:
        asked = request.query
        address = str(access.client_address(request, app.settings.server.trusted_proxies) or "")
        try:
            came = await app.consent_flow.come_back(
                deployment,
                state=asked.get("state", ""),
                code=asked.get("code", "") if len(asked.get("code", "")) <= LONGEST else "",
                denied="error" in asked,
                cookie=request.cookies.get(COOKIE, ""),
                address=address,
            )
        except JirabotError as error:
            response = _refused(app, request, error, address)
        else:
            response = _shown(came)
        response.del_cookie(COOKIE, path=path)
        return response

    return answer_to


def _refused(app: App, request: web.Request, error: JirabotError, address: str) -> web.Response:
    if isinstance(error, Forbidden):
        app.intake.refuse_call(replace(STRANGER, address=address))
    if not is_wanted(request):
        raise error
    status = problems.status_of(error)
    app.log.tell("request.refused", status=status, code=error.code, route=request.path)
    return page("problem.html", status=status, message=error.message, hint=error.hint, code=error.code)


def _shown(came: CameBack) -> web.Response:
    return page(
        "came_back.html",
        heading="One step is left" if came.code else "That worked",
        workspace=came.workspace.name,
        account=came.account.label,
        purpose=came.purpose.value,
        pending=came.link is not None and came.link.state is LinkState.PENDING,
        code=came.code,
    )
