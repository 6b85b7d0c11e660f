"""What a person would check, looked at from outside: the machine, the database, then what the database knows of."""

import errno
import os
import shutil
import socket
from collections.abc import Sequence

from jirabot.agents.git import Git
from jirabot.app import open_app
from jirabot.config import Settings
from jirabot.core import checks
from jirabot.core.checks import Check, Level
from jirabot.core.managers.soundness import unusable
from jirabot.core.people import Principal
from jirabot.core.soundness import Fault
from jirabot.errors import Forbidden, GitFailed, JirabotError, StorageUnavailable
from jirabot.machine import why_not_bound
from jirabot.storage import migrations
from jirabot.storage.lock import DataFolderLock


async def check_database(settings: Settings, *, by: Principal) -> Sequence[Fault]:
    """List what is wrong with the database and what lies beside it. Changes nothing; a daemon may run.

    Raises:
        Forbidden: *by* is no administrator of everything.
    """
    try:
        async with open_app(settings, writes=False) as app:
            return await app.soundness.check(by=by)
    except Forbidden:
        raise
    except JirabotError as error:
        return [unusable(error)]


async def diagnose(settings: Settings, *, by: Principal) -> Sequence[Check]:
    """Look at the machine first, then at what the database knows of. Creates and changes nothing."""
    found = [_disk(settings), await _git(settings), *_listening(settings)]
    try:
        async with open_app(settings, writes=False) as app:
            # What it finds is well only where all of it could be read.
            examined = await app.doctor.examine(by=by)
        return [*found, _database(settings), *examined]
    except JirabotError as error:
        return [*found, checks.failed("database", error)]


def _database(settings: Settings) -> Check:
    """Say of a database that could be opened what it is, or that there is none yet."""
    if migrations.is_there(settings.database):
        text = f"`{settings.database}`, schema {migrations.HEAD}"
        return Check(name="database", level=Level.OK, text=text)
    text = f"there is none yet at `{settings.database}`"
    fix = "run `jirabot workspace create NAME`, which makes it"
    return Check(name="database", level=Level.WARNING, text=text, fix=fix)


def _disk(settings: Settings) -> Check:
    # What lies in a folder that may not be looked into counts as not there: that folder is told.
    folder = next(
        path for path in (settings.data_dir, *settings.data_dir.absolute().parents) if os.access(path, os.F_OK)
    )
    if not os.access(folder, os.W_OK):
        fix = f"give the user that runs jirabot the right to write `{folder}`, or choose another `data_dir`"
        return Check(name="disk", level=Level.FAILED, text=f"`{folder}` can't be written", fix=fix)
    return checks.disk(str(folder), shutil.disk_usage(folder).free)


async def _git(settings: Settings) -> Check:
    try:
        version = await Git(folder=settings.data_dir, environment=settings.environment).version()
        return Check(name="git", level=Level.OK, text=f"git {version}")
    except GitFailed as error:
        return checks.failed("git", error)


def _listening(settings: Settings) -> Sequence[Check]:
    """Say whether a daemon runs, and where none does, whether it could listen."""
    server = settings.server
    try:
        if DataFolderLock(settings.data_dir).is_held():
            return [Check(name="daemon", level=Level.OK, text="it runs")]
    except StorageUnavailable as error:
        return [checks.failed("daemon", error)]
    found = [Check(name="daemon", level=Level.WARNING, text="none runs", fix="run `jirabot serve`")]
    with socket.socket(socket.AF_INET6 if ":" in server.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((server.host, server.port))
        except (OSError, UnicodeError) as error:
            text = f"`{server.host}:{server.port}` can't be listened on: {why_not_bound(error)}"
            fix = "give `[server] host` an address of this machine"
            if getattr(error, "errno", None) in (errno.EADDRINUSE, errno.EACCES):
                fix = "another program may have the port: give `[server] port` another value"
            return [*found, Check(name="port", level=Level.FAILED, text=text, fix=fix)]
    return [*found, Check(name="port", level=Level.OK, text=f"`{server.host}:{server.port}` is free")]
