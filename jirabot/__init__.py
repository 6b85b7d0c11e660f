"""jirabot: a coding agent at work from Jira."""

__version__ = "0.1.0"
