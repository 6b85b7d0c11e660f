"""The sandbox Jira's own behaviour, over real HTTP."""
