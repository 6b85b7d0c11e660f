"""Markdown: what agents write, and what their prompts are written in."""

from jirabot.jira.markup.markdown.reader import parse
from jirabot.jira.markup.markdown.writer import render

__all__ = ["parse", "render"]
