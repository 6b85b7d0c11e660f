"""`jirabot config`: the settings, where each comes from, and what is wrong with them."""

import typer

from jirabot.cli import output, running, usage
from jirabot.cli.options import AsJson

app = usage.group("The configuration, and where it comes from.")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot config show", "jirabot --config jirabot.toml config show --json"),
)
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every setting with its value and origin.

    The origin is `flag`, the name of a variable, file and line, or `default`. Secrets are masked.
    """
    from jirabot.config import shown

    settings = running.settings_of(context)
    found = shown(settings)
    if as_json:
        output.write_json({"file": str(settings.file) if settings.file else None, "settings": found})
        return
    rows = [{"setting": name, **told} for name, told in found.items()]
    output.show_list(rows, as_json=False, columns=("setting", "value", "origin"), empty="")
    noted = [(name, told["note"]) for name, told in found.items() if "note" in told and told["origin"] != "default"]
    for name, note in noted:
        output.note(f"note: `{name}` is {note}")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot config check", "jirabot --config new.toml config check --json"),
)
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Say all that is wrong with the configuration: exit code 6.

    Each problem with file and line or the variable, what stands there, and what may.
    """
    from jirabot.app import check_settings

    settings = running.settings_of(context)
    check_settings(settings)
    file = str(settings.file) if settings.file else None
    if as_json:
        output.write_json({"file": file, "problems": []})
    else:
        output.lines([f"nothing is wrong with {f'`{file}`' if file else 'the defaults'} and the environment"])


@app.command(
    cls=usage.Command, epilog=usage.examples("jirabot config path", "jirabot --config new.toml config path --json")
)
def path(context: typer.Context, as_json: AsJson = False) -> None:
    """Show which configuration file is used, if any."""
    from jirabot.config import used_file, usual_files

    found = used_file(context.find_root().params.get("config"))
    looked_at = [str(place) for place in usual_files()]
    if as_json:
        output.write_json({"file": str(found) if found else None, "looked_at": [] if found else looked_at})
    elif found:
        output.lines([str(found)])
    else:
        output.note(f"no configuration file is used: there is none at {' or '.join(f'`{each}`' for each in looked_at)}")
