"""Serves the pages and takes their forms: whoever is at this machine may do everything, as whom he likes."""

from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files

from aiohttp import web

from jirabot.sandbox.faces import Face
from jirabot.sandbox.issues import STATUSES, Issue, Person
from jirabot.sandbox.jira import INTERNAL, Jira
from jirabot.sandbox.pages.rendering import Renderer
from jirabot.sandbox.pages.views import Views
from jirabot.sandbox.refusals import Refusal
from jirabot.sandbox.senders import SentDelivery

Handler = Callable[[web.Request], Awaitable[web.Response]]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""What a page may do: comments are written by agents, and nothing in them shall run or load."""


class Pages:
    """The pages of one Jira."""

    def __init__(
        self,
        *,
        jira: Jira,
        face: Face,
        people: Sequence[Person],
        deliveries: Sequence[SentDelivery],
        context_path: str,
    ) -> None:
        self._jira, self._face, self._deliveries = jira, face, deliveries
        self._context = context_path
        self._views = Views(
            context_path=context_path,
            title=f"Sandbox Jira {face.title}",
            people=people,
            everyone=jira.people,
            renderer=Renderer(self._name_of),
        )

    def routes(self) -> list[web.RouteDef]:
        """List the routes; the forms' lie under `/sandbox/`, where their origin is checked."""
        root = self._context
        return [
            *([web.get("/", self._to_start)] if root else []),
            web.get(f"{root}/", self._shown(self._issues)),
            web.get(f"{root}/browse/{{issue}}", self._shown(self._issue)),
            web.get(f"{root}/plugins/servlet/webhooks", self._shown(self._webhooks)),
            web.get("/sandbox/style.css", self._style),
            web.get("/sandbox/refresh.js", self._script),
            web.post("/sandbox/comment", self._shown(self._add_comment)),
            web.post("/sandbox/labels", self._shown(self._set_labels)),
            web.post("/sandbox/assign", self._shown(self._assign)),
            web.post("/sandbox/transition", self._shown(self._transition)),
            web.post("/sandbox/issue", self._shown(self._create_issue)),
            web.post("/sandbox/webhook", self._shown(self._create_webhook)),
            web.post("/sandbox/webhook/delete", self._shown(self._delete_webhook)),
        ]

    def _shown(self, handler: Callable[[web.Request], Awaitable[str]]) -> Handler:
        """Make a handler of one that gives a page, or the address to go on to."""

        async def handle(request: web.Request) -> web.Response:
            try:
                made = await handler(request)
            except Refusal as refusal:
                page = self._views.failure(refusal.status, refusal.message)
                return web.Response(status=refusal.status, text=page, content_type="text/html", headers=HEADERS)
            if request.method == "POST":
                return web.Response(status=303, headers={"Location": made})
            return web.Response(text=made, content_type="text/html", headers=HEADERS)

        return handle

    async def _to_start(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"{self._context}/"})

    async def _style(self, request: web.Request) -> web.Response:
        return _static("style.css", "text/css")

    async def _script(self, request: web.Request) -> web.Response:
        return _static("refresh.js", "text/javascript")

    async def _issues(self, request: web.Request) -> str:
        return self._views.issues(self._jira.issues.values(), self._jira.projects)

    async def _issue(self, request: web.Request) -> str:
        return self._views.issue(self._jira.get_issue(request.match_info["issue"]))

    async def _webhooks(self, request: web.Request) -> str:
        return self._views.webhooks(self._jira.webhooks.values(), self._deliveries)

    async def _add_comment(self, request: web.Request) -> str:
        form = await _form(request)
        issue = self._jira.get_issue(form.get("issue", ""))
        text = form.get("text", "").replace("\r\n", "\n").strip()
        if not text:
            raise Refusal(400, "A comment can't be empty.")
        self._face.read(text, "2", field="comment")
        audience = form.get("audience", "")
        comment = self._jira.add_comment(
            issue,
            text,
            author=self._person(form),
            visibility={"type": "role", "value": audience} if audience not in ("", "internal") else None,
            properties={INTERNAL: {"internal": True}} if audience == "internal" else None,
        )
        return f"{self._browse(issue)}#comment-{comment.id}"

    async def _set_labels(self, request: web.Request) -> str:
        form = await _form(request)
        issue = self._jira.get_issue(form.get("issue", ""))
        labels = [label for label in issue.labels if label != form.get("remove")]
        added = [form["add"].strip()] if form.get("add") else []
        self._jira.edit_issue(issue, labels=[*labels, *added], actor=self._person(form))
        return self._browse(issue)

    async def _assign(self, request: web.Request) -> str:
        form = await _form(request)
        issue = self._jira.get_issue(form.get("issue", ""))
        assignee = next((p for p in self._jira.people if p.account_id == form.get("assignee")), None)
        self._jira.assign(issue, assignee, actor=self._person(form))
        return self._browse(issue)

    async def _transition(self, request: web.Request) -> str:
        form = await _form(request)
        issue = self._jira.get_issue(form.get("issue", ""))
        status = next((status for status in STATUSES if status.id == form.get("status")), issue.status)
        self._jira.transition(issue, status, actor=self._person(form))
        return self._browse(issue)

    async def _create_issue(self, request: web.Request) -> str:
        form = await _form(request)
        issue = self._jira.create_issue(
            project=form.get("project", ""),
            summary=form.get("summary", ""),
            description=form.get("description", "").replace("\r\n", "\n").strip(),
            labels=form.get("labels", "").split(),
            reporter=self._person(form),
        )
        return self._browse(issue)

    async def _create_webhook(self, request: web.Request) -> str:
        form = await _form(request)
        url = form.get("url", "").strip()
        if not url.startswith(("http://", "https://")):
            raise Refusal(400, "A webhook needs an address that begins with http:// or https://.")
        self._jira.add_webhook(url, secret=form.get("secret") or None)
        return f"{self._context}/plugins/servlet/webhooks"

    async def _delete_webhook(self, request: web.Request) -> str:
        number = (await _form(request)).get("webhook", "")
        webhook = self._jira.webhooks.get(int(number)) if number.isdecimal() else None
        if webhook is not None:
            self._jira.delete_webhook(webhook)
        return f"{self._context}/plugins/servlet/webhooks"

    def _person(self, form: dict[str, str]) -> Person:
        chosen = [person for person in self._views.people if person.account_id == form.get("person")]
        return (chosen or list(self._views.people))[0]

    def _browse(self, issue: Issue) -> str:
        return f"{self._context}/browse/{issue.key}"

    def _name_of(self, account: str) -> str:
        known = (p.display_name for p in self._jira.people if account in (p.account_id, p.name, p.key))
        return next(known, account)


async def _form(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _static(name: str, content_type: str) -> web.Response:
    text = files("jirabot.sandbox.pages").joinpath(name).read_text("utf-8")
    return web.Response(text=text, content_type=content_type, headers={"Cache-Control": "no-cache"})
