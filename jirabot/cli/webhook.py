"""`jirabot webhook`: what tells jirabot of comments and changes, set up in Jira and looked after."""

from typing import Annotated, Any

import typer

from jirabot.cli import asking, output, running, usage
from jirabot.cli.options import AsJson, TheWorkspace, Yes

app = usage.group("The webhooks by which Jira tells of comments and changes.")


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot webhook register acme", "jirabot webhook register acme --jql 'project in (PAY, SHOP)' --json"
    ),
)
def register(
    context: typer.Context,
    workspace: TheWorkspace,
    jql: Annotated[
        str | None, typer.Option("--jql", metavar="JQL", help="Of which issues; what stands is left if not given")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a workspace's Jira send its events here.

    Needs an account that administers Jira; for another it says what to click. Run again, it changes the webhook that
    stands, so that there is one: after a rotated secret or a new public address, too.
    """
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.webhooks.register(workspace, jql=jql, by=SHELL)

    made = running.run(context, work)
    shown = objects.held_webhook(made.held, made.registration, workspace=made.workspace, newest_at=None)
    del shown["kind"], shown["last_delivery_at"]
    output.show({**shown, "created": made.created, "warnings": list(made.warnings)}, as_json=as_json)
    for warning in made.warnings:
        output.warn(warning)
    done = "stands now" if made.created else "stood already, and is as it should be"
    output.note(f"\nThe webhook {done}: `jirabot webhook test {made.workspace.name} --issue KEY` proves it.")


@app.command(
    "list", cls=usage.Command, epilog=usage.examples("jirabot webhook list acme", "jirabot webhook list acme --json")
)
def list_(context: typer.Context, workspace: TheWorkspace, as_json: AsJson = False) -> None:
    """List webhooks, and what came without proof.

    What Jira has, what jirabot made there, when the last delivery came, and the last requests that did not prove
    themselves, with their cause.
    """
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.webhooks.list(workspace, by=SHELL)

    listed = running.run(context, work, writes=False)
    webhooks, rejected = _shown(listed)
    if as_json:
        output.show_list([*webhooks, *rejected], as_json=True, columns=(), empty="")
    else:
        columns = ("id", "url", "enabled", "signed", "made_by_jirabot", "jql", "expires_at")
        output.show_list(webhooks, as_json=False, columns=columns, empty="no webhook in Jira sends to this workspace")
        if rejected:
            output.note("\nThese requests did not prove themselves:")
            output.show_list(rejected, as_json=False, columns=("at", "remote", "cause"), empty="")
    if listed.unlisted:
        output.warn(f"Jira does not show its webhooks: {listed.unlisted}")
    newest = f"came {listed.newest_at:%Y-%m-%d %H:%M:%S} UTC" if listed.newest_at else "never came"
    output.note(f"\nThe last delivery {newest}.")


def _shown(listed: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from jirabot.core import objects

    name, newest_at = listed.workspace.name, listed.newest_at
    made = {each.webhook_id: each for each in listed.registrations}
    held = listed.held or ()
    webhooks = [
        objects.held_webhook(each, made.pop(each.id, None), workspace=listed.workspace, newest_at=newest_at)
        for each in held
    ]
    webhooks += [objects.registration(each, workspace_name=name, newest_at=newest_at) for each in made.values()]
    numbered = enumerate(listed.rejections, start=1)
    return webhooks, [objects.rejection(each, workspace_name=name, number=number) for number, each in numbered]


@app.command(
    cls=usage.Command, epilog=usage.examples("jirabot webhook refresh acme", "jirabot webhook refresh acme --json")
)
def refresh(context: typer.Context, workspace: TheWorkspace, as_json: AsJson = False) -> None:
    """Put off when webhooks expire.

    Only those of an OAuth app do, after 30 days; a running daemon refreshes them every week by itself.
    """
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.webhooks.refresh(workspace, by=SHELL)

    fresh = running.run(context, work)
    shown = [objects.registration(each, workspace_name=workspace, newest_at=None) for each in fresh]
    empty = "the webhook is permanent: there is nothing to refresh"
    output.show_list(shown, as_json=as_json, columns=("id", "url", "expires_at"), empty=empty)
    if as_json and not shown:
        output.note(empty)


@app.command(
    "test",
    cls=usage.Command,
    epilog=usage.examples("jirabot webhook test acme --issue PAY-7", "jirabot webhook test acme --issue PAY-7 --json"),
)
def prove(
    context: typer.Context,
    workspace: TheWorkspace,
    issue: Annotated[str, typer.Option("--issue", metavar="KEY", help="Where a comment is written, and removed")],
    as_json: AsJson = False,
) -> None:
    """Prove that Jira tells the running daemon of a comment.

    Writes a comment on the issue, waits 30 s for its webhook, and removes it. Exit code 1 with the likely cause where
    nothing came. It also proves a workspace that was claimed over HTTP, which is active then.
    """
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.webhook_tests.test(workspace, issue, by=SHELL)

    tested = running.run(context, work)
    shown = objects.webhook_test(
        tested.workspace, delivery_id=tested.delivery_id, took=tested.took, activated=tested.activated
    )
    output.show(shown, as_json=as_json)
    for warning in tested.warnings:
        output.warn(warning)
    if tested.activated:
        output.note(f"\nThe workspace `{tested.workspace.name}` is proved, and active now.")


@app.command(
    cls=usage.Command, epilog=usage.examples("jirabot webhook delete acme", "jirabot webhook delete acme --yes --json")
)
def delete(context: typer.Context, workspace: TheWorkspace, yes: Yes = False, as_json: AsJson = False) -> None:
    """Remove from Jira the webhooks that jirabot made, and no others."""
    from jirabot.core.people import SHELL

    asking.confirm(f"remove the webhook that jirabot made in the Jira of `{workspace}`", yes=yes)

    async def work(jirabot: Any) -> Any:
        return await jirabot.webhooks.delete(workspace, by=SHELL)

    removed = running.run(context, work)
    output.show({"workspace": removed.workspace.name, "removed": list(removed.webhook_ids)}, as_json=as_json)
    output.note("\nJira tells jirabot of nothing there any more, unless another webhook does.")
