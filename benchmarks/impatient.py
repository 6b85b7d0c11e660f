"""`jirabot serve` with other time-outs towards Jira than a setting may give: `impatient.py CONFIG SECONDS`."""

import asyncio
import sys
from pathlib import Path

from jirabot.app import open_app
from jirabot.config import load
from jirabot.daemon.application import serve
from jirabot.daemon.logs import StructuredLog
from jirabot.jira.connections import Timeouts


async def main(config: Path, seconds: float) -> None:
    """Run the daemon until it is stopped."""
    settings = load(config)
    log = StructuredLog(sys.stderr, settings.log_level)
    async with open_app(settings, log=log, timeouts=Timeouts(connect=seconds, total=seconds)) as app:
        await serve(app, ready=lambda port: print(f"jirabot listens on port {port}", file=sys.stderr, flush=True))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
