"""Makes pages of templates. Everything that is put into one is escaped; nothing is fetched from elsewhere."""

from functools import cache

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""A page's address may hold what counts once, and the page itself what is shown once."""


@cache
def _templates() -> Environment:
    found = Environment(loader=PackageLoader("jirabot.daemon.pages"), autoescape=True, undefined=StrictUndefined)
    found.filters["with_code"] = with_code
    return found


def with_code(text: str) -> Markup:
    """Write what stands in backticks as code; a backtick too many stays one."""
    parts = text.split("`")
    odd = len(parts) % 2 == 0
    last = "`" + parts.pop() if odd else ""
    pieces = [Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)]
    return Markup("").join([*pieces, escape(last)])


def page(template: str, *, status: int = 200, **told: object) -> web.Response:
    """Answer with a page."""
    text = _templates().get_template(template).render(**told)
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def is_wanted(request: web.Request) -> bool:
    """Say whether who asks would rather have a page than JSON."""
    return "text/html" in request.headers.get("Accept", "").lower()
