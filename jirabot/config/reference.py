"""The variables of the reference integration: read, checked, and shown like settings of our own."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, SecretStr

from jirabot.config.settings import OAuthAppSettings, Section, web_address, without_credentials

ON, OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

_PAIRS = (("JIRA_CLIENT_ID", "JIRA_CLIENT_SECRET"), ("JIRA_DC_CLIENT_ID", "JIRA_DC_CLIENT_SECRET"))
WEBHOOK_SWITCHES: Mapping[str, str] = {"cloud": "JIRA_WEBHOOKS_ENABLED", "dc": "JIRA_DC_WEBHOOKS_ENABLED"}
"""The variable that switches the webhooks of a deployment off."""

_SWITCHES = ("JIRA_DC_ENABLE_OAUTH", *WEBHOOK_SWITCHES.values())
_BASE_URL = "JIRA_DC_BASE_URL"

APP_NOTE = "the OAuth app of every workspace that has none of its own"
DC_APP_NOTE = "the OAuth app of the workspace at JIRA_DC_BASE_URL; every other Data Center has one of its own"
OAUTH_NOTE = "off: people are linked on Data Center without proving by OAuth whose the account is"


class ReferenceSettings(Section):
    """The eight variables, each under its own name in lower case."""

    jira_client_id: str = Field("", description=APP_NOTE)
    jira_client_secret: SecretStr | None = Field(None, description=APP_NOTE)
    jira_dc_client_id: str = Field("", description=DC_APP_NOTE)
    jira_dc_client_secret: SecretStr | None = Field(None, description=DC_APP_NOTE)
    jira_dc_base_url: str = ""
    jira_dc_enable_oauth: bool = Field(True, description=OAUTH_NOTE)
    jira_webhooks_enabled: bool = True
    jira_dc_webhooks_enabled: bool = True

    def switched_off(self) -> frozenset[str]:
        """Name the deployments whose webhooks are kept, and not processed."""
        return frozenset(name for name, variable in WEBHOOK_SWITCHES.items() if not getattr(self, variable.lower()))

    def without_oauth(self) -> frozenset[str]:
        """Name the deployments whose people prove nothing by OAuth."""
        return frozenset() if self.jira_dc_enable_oauth else frozenset({"dc"})

    def oauth_apps(self) -> Mapping[str, OAuthAppSettings]:
        """Give the OAuth app of each deployment that has one."""
        given = {
            "cloud": (self.jira_client_id, self.jira_client_secret),
            "dc": (self.jira_dc_client_id, self.jira_dc_client_secret),
        }
        return {
            deployment: OAuthAppSettings(client_id=client_id, client_secret=secret)
            for deployment, (client_id, secret) in given.items()
            if client_id and secret is not None
        }


VARIABLES = tuple(name.upper() for name in ReferenceSettings.model_fields)


def read_reference(environment: Mapping[str, str]) -> tuple[ReferenceSettings, list[str]]:
    """Read the variables; gives what can be used, and all that is wrong. Empty ones say nothing."""
    given: dict[str, Any] = {name: text for name in VARIABLES if (text := environment.get(name, "").strip())}
    problems = [
        f"`{one}` is set, and `{other}` is not: set both, or neither"
        for pair in _PAIRS
        for one, other in (pair, pair[::-1])
        if one in given and other not in given
    ]
    for name in _SWITCHES:
        word = given.get(name, "on").lower()
        if word not in (*ON, *OFF):
            problems.append(f"`{name}` is `{given[name]}`: {_listed(ON)} switch it on, {_listed(OFF)} off")
        given[name] = word not in OFF
    if "JIRA_DC_CLIENT_ID" in given and _BASE_URL not in given:
        problems.append(f"`JIRA_DC_CLIENT_ID` is set, and `{_BASE_URL}` is not: whose app it is can't be told")
    try:
        web_address(given.get(_BASE_URL, ""))
    except ValueError as error:
        problems.append(f"`{_BASE_URL}` is `{without_credentials(given.pop(_BASE_URL))}`: {error}")
    return ReferenceSettings(**{name.lower(): value for name, value in given.items()}), problems


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
