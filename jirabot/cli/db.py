"""`jirabot db`: the database."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from jirabot.cli import asking, options, output, running, usage
from jirabot.cli.exits import Exit
from jirabot.cli.options import AsJson, Yes

app = usage.group("The database.")

NO_DATABASE = "there is no database yet: `jirabot db upgrade` makes it, as does the first command that writes"


@app.command(cls=usage.Command, epilog=usage.examples("jirabot db current", "jirabot db current --json"))
def current(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the database's schema, and the one of this version. Changes nothing."""
    from jirabot.database import current_schema

    settings = running.settings_of(context)
    found = current_schema(settings)
    told = {"database": str(settings.database), "schema": found.schema, "newest": found.newest}
    output.show({**told, "up_to_date": found.schema == found.newest}, as_json=as_json)
    if found.schema is None:
        output.note(NO_DATABASE)
    elif found.schema != found.newest:
        output.note("`jirabot db upgrade` brings it to this version's schema")


@app.command(
    cls=usage.Command, epilog=usage.examples("jirabot db upgrade", "jirabot --data-dir /srv/jirabot db upgrade --json")
)
def upgrade(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring the database to this version's schema.

    Its file is copied first, beside itself. Not while a daemon runs: stop it, upgrade, start it again.
    """
    from jirabot.database import upgrade_database

    done = upgrade_database(running.settings_of(context))
    output.show(
        {"before": done.before, "now": done.now, "copy": str(done.copy) if done.copy else None}, as_json=as_json
    )


@app.command(cls=usage.Command, epilog=usage.examples("jirabot db check", "jirabot db check --json"))
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Look whether all of the database fits together. Changes nothing.

    Pages, rows that refer to nothing, bodies and files, secrets, work that nobody does. Exit code 1 where something is
    wrong, with its cause and what to do. A daemon may run meanwhile.
    """
    from jirabot.core import objects
    from jirabot.core.people import SHELL
    from jirabot.database import current_schema
    from jirabot.diagnosis import check_database

    settings = running.settings_of(context)
    faults = running.finish(check_database(settings, by=SHELL))
    if as_json:
        for fault in faults:
            output.write_json(objects.fault(fault))
    else:
        output.lines(line for each in faults for line in (f"{each.kind}: {each.text}", f"  fix: {each.fix}"))
    if faults:
        raise typer.Exit(Exit.FAILED)
    output.note(NO_DATABASE if current_schema(settings).schema is None else "all is well")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot db backup", "jirabot db backup /srv/backups/jirabot.db --json"),
)
def backup(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The file to make; else one named by the time, here")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the database, with all bodies, to a new file. A daemon may run meanwhile.

    The master key of the stored secrets is not in it, nor are checkouts, which are made anew.
    """
    from jirabot.core.people import SHELL
    from jirabot.database import backup_database

    made = backup_database(running.settings_of(context), file, by=SHELL)
    shown = {"file": str(made.file), "schema": made.schema, "bytes": made.size_bytes}
    output.show({**shown, "key": made.key_id, "key_source": made.key_source}, as_json=as_json)
    if made.key_id:
        output.note(
            f"the master key `{made.key_id}` is not in it: it comes from {made.key_source}; keep a copy of it, and not "
            "beside the backup: its secrets open with nothing else"
        )
    if made.missing_bodies:
        output.note(f"the bodies of {made.missing_bodies} events are missing: `jirabot db check` names them")


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot db restore jirabot-20261125-030000.db", "jirabot db restore jirabot.db --yes --json"
    ),
)
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the database, which is kept beside. Not while a daemon runs.

    The file is checked first, and brought to this version's schema. Of what happened since it was made nothing is known
    afterwards: events without an outcome in it are handled again.
    """
    from jirabot.core.people import SHELL
    from jirabot.database import current_schema, restore_database

    settings = running.settings_of(context)
    asking.confirm(f"put `{file}` in the place of the database `{settings.database}`, which is kept beside", yes=yes)
    done = restore_database(settings, file, by=SHELL)
    kept = str(done.kept) if done.kept else None
    now = current_schema(settings).schema
    told = {"database": str(settings.database), "before": done.schema, "now": now, "kept": kept}
    output.show(told, as_json=as_json)
    output.note("`jirabot key check` says whether its secrets open with the master key that is found")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot db prune --dry-run", "jirabot db prune --older-than 30d --yes --json"),
)
def prune(
    context: typer.Context,
    older_than: Annotated[
        str, typer.Option(metavar="TIME", help="All that is older, as `30d`; else what `[retention]` says")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be forgotten")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget what is old; what is open is never touched.

    Bodies of finished events (what they led to stays), logs, checkouts of closed conversations, files of none.
    A daemon does this every day by itself.
    """
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    age = options.duration_of("--older-than", older_than, such_as="30d")

    async def work(jirabot: Any, *, dry: bool) -> Any:
        return await jirabot.retention.prune(older_than=age, dry_run=dry, by=SHELL)

    if not dry_run and not yes:
        found = running.run(context, partial(work, dry=True), writes=False)
        asking.confirm(f"forget what is old ({found})", yes=yes)
    done = running.run(context, partial(work, dry=dry_run), writes=not dry_run)
    output.show({**objects.pruned(done), "dry_run": dry_run}, as_json=as_json)
    for folder in done.left:
        output.note(f"`{folder}` can't be removed: give jirabot's user the right to")
