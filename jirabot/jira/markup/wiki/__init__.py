"""Jira's wiki markup: rich text in the REST API version 2 and in webhooks, the only one on Data Center."""

from jirabot.jira.markup.wiki.reader import parse
from jirabot.jira.markup.wiki.writer import CHARACTERS, fits, render

__all__ = ["CHARACTERS", "fits", "parse", "render"]
