"""The daemon: webhooks in, workers behind. Reaches technology only through `jirabot.app`."""
