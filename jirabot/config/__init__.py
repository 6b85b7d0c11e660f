"""Settings: declared in `settings`, found in `loading`, shown in `shown` and `example`; all import them from here."""

from jirabot.config.example import example
from jirabot.config.loading import load, used_file, usual_files
from jirabot.config.reference import WEBHOOK_SWITCHES
from jirabot.config.settings import (
    CLOUD_API_URL,
    KEPT_HEADERS,
    AgentSettings,
    AlertsSettings,
    ApiSettings,
    CloudLimits,
    GitSettings,
    LimitsSettings,
    OAuthAppSettings,
    OAuthSettings,
    OidcSettings,
    OutboxSettings,
    RetentionSettings,
    RunsSettings,
    ServerSettings,
    Settings,
    WorkspaceDefaults,
    duration,
    duration_text,
    size,
)
from jirabot.config.shown import shown
from jirabot.config.workspace import read_changes, shown_settings

__all__ = [
    "CLOUD_API_URL",
    "KEPT_HEADERS",
    "WEBHOOK_SWITCHES",
    "AgentSettings",
    "AlertsSettings",
    "ApiSettings",
    "CloudLimits",
    "GitSettings",
    "LimitsSettings",
    "OAuthAppSettings",
    "OAuthSettings",
    "OidcSettings",
    "OutboxSettings",
    "RetentionSettings",
    "RunsSettings",
    "ServerSettings",
    "Settings",
    "WorkspaceDefaults",
    "duration",
    "duration_text",
    "example",
    "load",
    "read_changes",
    "shown",
    "shown_settings",
    "size",
    "used_file",
    "usual_files",
]
