"""The OAuth server over HTTP: Cloud's at the hosts of Atlassian, which here is the root, and Data Center's own.

Who consents is chosen on the page, or by `as=LOGIN` in its address; `deny=true` says no.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import parse_qsl, quote, urlencode

from aiohttp import web

from jirabot.sandbox.faces import Face
from jirabot.sandbox.issues import JsonObject, Person
from jirabot.sandbox.jira import Jira
from jirabot.sandbox.oauth import Access, App, OAuth, Refresh
from jirabot.sandbox.refusals import Refusal
from jirabot.sandbox.rest.requests import answer

DATA_CENTER_SCOPES = ("READ", "WRITE", "ADMIN", "SYSTEM_ADMIN")

_STRICT = re.compile(r"(?:[A-Za-z0-9._~=&-]|%[0-9A-F]{2})*")
"""A query in which everything that has to be is encoded; a browser may be kinder, a proxy may not."""

_OURS = ("as", "deny")
"""The parameters that are this page's, and no part of OAuth."""


class Consent:
    """The routes of the OAuth server."""

    def __init__(self, *, oauth: OAuth, jira: Jira, face: Face, people: Sequence[Person], context_path: str) -> None:
        self._oauth, self._jira, self._face = oauth, jira, face
        self._people, self._context = people, context_path

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        if self._face.cloud_id is None:
            root = f"{self._context}/rest/oauth2/latest"
            return [web.get(f"{root}/authorize", self._authorize), web.post(f"{root}/token", self._token)]
        return [
            web.get("/authorize", self._authorize),
            web.post("/oauth/token", self._token),
            web.get("/oauth/token/accessible-resources", self._sites),
            web.get("/me", self._me),
        ]

    async def _authorize(self, request: web.Request) -> web.Response:
        """Show the page, or go back where the address says who consents."""
        raw = request.raw_path.partition("?")[2]
        if not _STRICT.fullmatch(raw):
            raise Refusal(400, "The address is not encoded.")
        asked = dict(parse_qsl(raw, strict_parsing=True))
        app = self._checked(asked)
        if asked.get("deny"):
            return _back(asked, {"error": "access_denied"})
        person = next((each for each in self._jira.people if each.name == asked.get("as")), None)
        if person is None:
            return self._page(raw, app, asked)
        code = self._oauth.consent(app, person, tuple(asked["scope"].split()), asked.get("code_challenge", ""))
        return _back(asked, {"code": code})

    def _checked(self, asked: Mapping[str, str]) -> App:
        """Check what is asked for; an address that is not the app's is never gone back to."""
        app = self._oauth.apps.get(asked.get("client_id", ""))
        if app is None or asked.get("redirect_uri") != app.redirect_uri:
            raise Refusal(400, "The client id or redirect URL is not known.")
        is_cloud = self._face.cloud_id is not None
        wanted = (
            {"audience": "api.atlassian.com", "prompt": "consent"} if is_cloud else {"code_challenge_method": "S256"}
        )
        allowed = {"response_type", "scope", "state", "client_id", "redirect_uri", *wanted, *_OURS}
        allowed |= set() if is_cloud else {"code_challenge"}
        scopes = set(asked.get("scope", "").split())
        if (
            asked.get("response_type") != "code"
            or not asked.get("state")
            or not scopes
            or not scopes <= app.scopes
            or any(asked.get(name) != value for name, value in wanted.items())
            or not set(asked) <= allowed
            or (not is_cloud and (len(scopes) > 1 or len(asked.get("code_challenge", "")) != 43))
        ):
            raise Refusal(400, "Something in the address is missing, wrong or not known here.")
        return app

    def _page(self, raw: str, app: App, asked: Mapping[str, str]) -> web.Response:
        links = "".join(
            f'<li><a href="?{escape(raw)}&amp;as={quote(person.name)}">{escape(person.display_name)}</a></li>'
            for person in self._people
        )
        page = (
            '<!doctype html><html lang="en"><title>Consent</title><link rel="stylesheet" href="/sandbox/style.css">'
            f"<h1>Let an app act for you</h1><p>The app <code>{escape(app.client_id)}</code> asks for: "
            f"{escape(asked['scope'])}.</p><p>Consent as:</p><ul>{links}</ul>"
            f'<p><a href="?{escape(raw)}&amp;deny=true">Do not consent</a></p></html>'
        )
        return web.Response(text=page, content_type="text/html")

    async def _token(self, request: web.Request) -> web.Response:
        if self._oauth.fails:
            self._oauth.fails -= 1
            raise Refusal(503, "Service Unavailable")
        fields = await self._fields(request)
        app = self._oauth.apps.get(fields.get("client_id", ""))
        if app is None or fields.get("client_secret") != app.client_secret:
            raise Refusal(401, "invalid_client", body={"error": "invalid_client"})
        is_cloud = self._face.cloud_id is not None
        match fields.get("grant_type"):
            case "authorization_code":
                made = self._oauth.exchange(
                    app,
                    fields.get("code", ""),
                    redirect_uri=fields.get("redirect_uri", ""),
                    verifier=fields.get("code_verifier", ""),
                )
            case "refresh_token":
                if not is_cloud and fields.get("redirect_uri") != app.redirect_uri:
                    raise Refusal(400, "invalid_request", body={"error": "invalid_request"})
                made = self._oauth.refresh(app, fields.get("refresh_token", ""))
            case _:
                raise Refusal(400, "unsupported_grant_type", body={"error": "unsupported_grant_type"})
        return answer(self._shape(*made))

    async def _fields(self, request: web.Request) -> Mapping[str, str]:
        """Read JSON on Cloud, a form on Data Center; neither takes the other."""
        if self._face.cloud_id is None:
            if request.content_type != "application/x-www-form-urlencoded":
                raise Refusal(415, "Unsupported Media Type")
            return dict(parse_qsl((await request.read()).decode()))
        if request.content_type != "application/json":
            raise Refusal(415, "Unsupported Media Type")
        try:
            read = json.loads(await request.read())
        except ValueError:
            raise Refusal(400, "invalid_request", body={"error": "invalid_request"}) from None
        return read if isinstance(read, dict) else {}

    def _shape(self, access: Access, refresh: Refresh) -> JsonObject:
        scopes = access.scopes
        has_refresh = self._face.cloud_id is None or "offline_access" in scopes
        return {
            "access_token": access.token,
            "expires_in": int(self._oauth.rules.access.total_seconds()),
            "token_type": "Bearer",
            "scope": " ".join(scopes),
            **({"refresh_token": refresh.token} if has_refresh else {}),
        }

    async def _sites(self, request: web.Request) -> web.Response:
        access = self._bearer(request)
        site = {
            "id": self._face.cloud_id,
            "name": "sandbox",
            "url": self._face.shapes.base_url,
            "scopes": [scope for scope in access.scopes if scope != "offline_access"],
            "avatarUrl": f"{self._face.shapes.base_url}/avatar.png",
        }
        return answer([site])

    async def _me(self, request: web.Request) -> web.Response:
        access = self._bearer(request)
        if "read:me" not in access.scopes:
            raise scope_mismatch()
        person = access.person
        return answer(
            {
                "account_id": person.account_id,
                "account_type": person.account_type,
                "email": person.email,
                "name": person.display_name,
            }
        )

    def _bearer(self, request: web.Request) -> Access:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        access = self._oauth.find(token) if scheme == "Bearer" else None
        if access is None:
            raise Refusal(401, "Unauthorized", body={"code": 401, "message": "Unauthorized"})
        return access


def scope_mismatch() -> Refusal:
    """Make the answer of Atlassian's gateway to a token without the scope that a call needs."""
    message = "Unauthorized; scope does not match"
    return Refusal(401, message, body={"code": 401, "message": message})


def needed_scope(method: str, path: str) -> str:
    """Name the classic scope that a call through Atlassian's gateway needs; none for what is open to all."""
    name = path.partition("/rest/api/")[2].partition("/")[2]
    if name == "serverInfo":
        return ""
    if name == "webhook" or name.startswith(("webhook/", "webhook?")):
        return "manage:jira-webhook"
    if name == "myself" or name == "user" or name.startswith(("user/", "user?")):
        return "read:jira-user"
    return "read:jira-work" if method == "GET" or name.startswith("search") else "write:jira-work"


def _back(asked: Mapping[str, str], told: Mapping[str, str]) -> web.Response:
    query = urlencode({**told, "state": asked["state"]}, quote_via=quote)
    joint = "&" if "?" in asked["redirect_uri"] else "?"
    return web.Response(status=302, headers={"Location": f"{asked['redirect_uri']}{joint}{query}"})
