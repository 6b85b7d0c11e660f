"""`jirabot sandbox`: the small Jira alone."""

from pathlib import Path
from typing import Annotated

import typer

from jirabot.cli import output, running, usage
from jirabot.cli.options import AsJson, Kind
from jirabot.cli.secrets import Secrets

EXAMPLES = usage.examples(
    "jirabot sandbox",
    "jirabot sandbox --deployment dc --hook http://127.0.0.1:8642/integration/jira-dc/events --secret-file secret.txt",
)


def sandbox(
    deployment: Annotated[Kind, typer.Option(help="Which kind of Jira")] = "cloud",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="The port; 0 takes a free one")] = 0,
    hook: Annotated[str, typer.Option(metavar="URL", help="Where its webhooks go")] = "",
    secret_file: Annotated[Path | None, typer.Option(metavar="FILE", help="A file with the webhook's secret")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a small Jira, with a page to comment on its issue.

    It has one issue and two people, listens on this machine only, forgets everything when it ends, and ends on Ctrl-C.
    """
    from jirabot.errors import InvalidInput

    if hook and not hook.startswith(("http://", "https://")):
        raise InvalidInput(f"`{hook}` is no address of a webhook", hint="give `--hook` as `http://127.0.0.1:8642/…`")
    if secret_file and not hook:
        raise InvalidInput("`--secret-file` belongs to a webhook", hint="give `--hook URL` with it")
    secret = Secrets({}).read("webhook secret", None, secret_file)
    running.finish(_run(deployment, port, hook, secret, as_json=as_json))


async def _run(deployment: Kind, port: int, hook: str, secret: str, *, as_json: bool) -> None:
    import asyncio

    from jirabot.sandbox.server import Sandbox

    async with Sandbox(deployment=deployment, port=port, new_ids=True) as jira:
        if hook:
            jira.add_webhook(hook, secret=secret or None)
        issue = await jira.create_issue(
            summary="The greeting is misspelt", description="{{login.py}} greets with Hullo.", reporter=jira.ada
        )
        account = "account_id" if deployment == "cloud" else "name"
        shown = {
            "deployment": deployment,
            "base_url": jira.base_url,
            "issue": f"{jira.base_url}/browse/{issue.key}",
            "webhooks": f"{jira.base_url}/plugins/servlet/webhooks",
            "service_account_email": jira.bot.email,
            "service_account_token": jira.bot.token,
            "people": [getattr(jira.ada, account), getattr(jira.grace, account)],
        }
        output.show(shown, as_json=as_json)
        output.note("\nCtrl-C ends it.")
        await asyncio.Event().wait()
