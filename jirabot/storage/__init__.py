"""Where everything is kept: SQLite behind the ports of `jirabot.core.ports`, and the same in memory for tests."""
