"""What many tests have a copy of, made once in each process."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from jirabot.storage import migrations


@functools.cache
def made_once() -> Path:
    """Give this process's folder for them."""
    folder = tempfile.mkdtemp(prefix="templates-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@functools.cache
def _migrated() -> Path:
    path = made_once() / "jirabot.db"
    migrations.upgrade(path)
    return path


def copy_database(path: Path) -> None:
    """Put an empty database there: the steps of its migration take longer than many a test."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(_migrated(), path)
