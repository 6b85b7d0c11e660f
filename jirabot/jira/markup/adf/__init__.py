"""ADF, the Atlassian Document Format: rich text in Jira Cloud's REST API version 3."""

from jirabot.jira.markup.adf.reader import parse
from jirabot.jira.markup.adf.writer import CHARACTERS, fits, render

__all__ = ["CHARACTERS", "fits", "parse", "render"]
