"""Every setting, declared once: name, type, default, and a sentence that `config.example.toml` is made from."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB)", re.IGNORECASE)
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}

LONGEST = timedelta(days=36_500)
"""A hundred years: that much before or after now is still a date, which more might not be."""


def duration(value: object) -> timedelta:
    """Read a duration such as `90s`, `10m`, `24h`, `14d`.

    Raises:
        ValueError: it is none, or longer than `LONGEST`.
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError("a duration is a number with its unit, such as `90s`, `10m`, `24h` or `14d`")
    seconds = float(match[1]) * _SECONDS[match[2].lower()]
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"a duration is at most {LONGEST.days} days")
    return timedelta(seconds=seconds)


def limiting_duration(value: object) -> timedelta:
    """Read a duration, or 0, which is no limit.

    Raises:
        ValueError: it is neither.
    """
    return timedelta(0) if str(value).strip() == "0" else duration(value)


def duration_text(value: timedelta) -> str:
    """Write a duration as `duration` reads it, in the largest unit that people use for it: `90s`, `24h`, `14d`."""
    seconds = value.total_seconds()
    units = (("d", 86400, 2 * 86400), ("h", 3600, 3600), ("m", 60, 120), ("s", 1, 1))
    for unit, factor, least in units:
        if seconds % factor == 0 and seconds >= least:
            return f"{int(seconds // factor)}{unit}"
    return f"{seconds:g}s"


def size(value: object) -> int:
    """Read a size in bytes such as `25MB`.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(str(value).strip())
    if match is None:
        raise ValueError("a size is a number with its unit, such as `256KB`, `25MB` or `20GB`")
    try:
        return int(float(match[1]) * _BYTES[match[2].lower()])
    except OverflowError:
        raise ValueError("a size is not that large") from None


def words(value: object) -> object:
    """Read a list of words from one text, as a variable has it: commas between them, or a JSON list.

    Raises:
        ValueError: it begins as such a list, and is none.
    """
    if not isinstance(value, str):
        return value
    if not value.startswith("["):
        return [word.strip() for word in value.split(",") if word.strip()]
    try:
        return arguments(value)
    except ValueError:
        raise ValueError('a list such as `["one", "two"]`, or words with commas between them') from None


def spoken_words(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the words that speak to the bot; without any, its account's name does.

    Raises:
        ValueError: one is blank, and would be found in whatever is said.
    """
    if not all(word.strip() for word in value):
        raise ValueError('a list of words such as `["@openhands"]`, none of them blank')
    return value


def arguments(value: object) -> object:
    """Read an argument list from one text: JSON only, since commas and blanks may stand in an argument.

    Raises:
        ValueError: the text is none.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError('a list such as `["my-agent", "--quiet"]`, never a shell string') from None


def web_address(value: str) -> str:
    """Check the address of a web server; empty where there is none.

    Raises:
        ValueError: it is none.
    """
    if value and not (re.match(r"https?://[^/\s]+", value) and _has_host(value)):
        raise ValueError("an address such as `https://jirabot.example.com`")
    return value


def _has_host(address: str) -> bool:
    """Say whether a host can be read from an address, and a port where it has one."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def safe_address(value: str) -> str:
    """Check the address of a server that secrets are sent to: only loopback may do without TLS.

    Raises:
        ValueError: it is none, or would have them sent in the clear.
    """
    web_address(value)
    parts = urlsplit(value)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("an `https://` address, as secrets are sent there")
    return value.rstrip("/")


def proxy_address(value: str) -> str:
    """Check the address of a proxy; empty where there is none.

    Raises:
        ValueError: it is none.
    """
    if value and not re.fullmatch(r"http://[^/@\s]+/?", value):
        raise ValueError(
            "the address of an HTTP proxy such as `http://proxy.example.com:3128`; a user and password for it "
            "belong in `HTTPS_PROXY` alone"
        )
    return value


def file_path(value: str) -> str:
    """Check the path of a file; empty where there is none. Whether it is there is seen when it is needed.

    Raises:
        ValueError: it is relative, and so another file in another folder.
    """
    path = _at_home(value)
    if value and not path.is_absolute():
        raise ValueError("the whole path of a file, from `/` on")
    return str(path) if value else ""


def _at_home(value: str) -> Path:
    """Read a path; `~` is the user's home, and `~NAME` another's.

    Raises:
        ValueError: nobody knows where that is.
    """
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("a path that does not begin with the home of somebody unknown") from None


def places(value: object) -> object:
    """Read a list of paths, as `words` does; `~` is the user's home.

    Raises:
        ValueError: one is relative, and so another place in another folder.
    """
    listed = words(value)
    if not isinstance(listed, list | tuple):
        return listed
    if not all(str(each).startswith(("/", "~/")) for each in listed):
        raise ValueError("a list of whole paths, from `/` or `~/` on")
    return tuple(_at_home(str(each)) for each in listed)


def issuer_address(value: str) -> str:
    """Check an address that keys are read from: by TLS, or on this machine; empty where there is none.

    Raises:
        ValueError: it is none.
    """
    safe = re.match(r"https://[^/\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)", value)
    if value and not (safe and _has_host(value)):
        raise ValueError("an address such as `https://sso.example.com/realms/acme`")
    return value


def domains(value: object) -> object:
    """Read a list of mail domains, as `words` does; an `@` before one is left out.

    Raises:
        ValueError: one is none.
    """
    listed = words(value)
    if not isinstance(listed, list | tuple):
        return listed
    found = tuple(str(each).removeprefix("@").lower() for each in listed)
    if any("@" in each or "." not in each or each.startswith(("*", ".")) for each in found):
        raise ValueError("a list of whole domains such as `acme.example`")
    return found


KEPT_HEADERS = (
    "content-type",
    "user-agent",
    "x-hub-signature",
    "x-atlassian-webhook-identifier",
    "x-atlassian-webhook-retry",
    "x-atlassian-webhook-flow",
)
"""The headers that are stored with a delivery: what a replay and `event show` need. None may hold a secret."""


def header_name(value: str) -> str:
    """Check the name of a header that holds a secret.

    Raises:
        ValueError: it is none, or one that is stored with each delivery.
    """
    if not re.fullmatch(r"[A-Za-z0-9-]+", value):
        raise ValueError("the name of a header such as `X-Jirabot-Token`")
    if value.lower() in KEPT_HEADERS:
        raise ValueError("a header of its own: this one is stored with each event")
    return value


def secret_address(value: SecretStr | None) -> SecretStr | None:
    """Check the address of a web server that is a secret itself; None where there is none.

    Raises:
        ValueError: it is none.
    """
    if value is None or not value.get_secret_value():
        return None
    web_address(value.get_secret_value())
    return value


def rule_of_who_may(value: str) -> str:
    """Check who may trigger the bot.

    Raises:
        ValueError: it is none of the ways to say that; a role is told by its id, since its name may change.
    """
    kind, colon, id_ = value.partition(":")
    match kind:
        case "linked" | "anyone" | "can-edit" if not colon:
            return value
        case "group" if id_.strip():
            return value
        case "role" if id_.isascii() and id_.isdigit():
            return value
    raise ValueError(
        "one of `linked`, `anyone`, `can-edit`, `group:ID`, `role:ID` (a role's id is a number: `GET project/KEY/role` "
        "of Jira's REST API tells it)"
    )


def without_credentials(text: str) -> str:
    """Mask user and password of an address, to show it."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", text)


def folder(value: object) -> object:
    """Read the path of a folder; `~` is the user's home.

    Raises:
        ValueError: it is empty, which would be the current folder, or in a home that nobody knows.
    """
    if value == "":
        raise ValueError("the path of a folder")
    return _at_home(value) if isinstance(value, str) else value


def networks(value: object) -> object:
    """Read a list of networks, or one text as `words` does; an address alone is the network of it.

    Raises:
        ValueError: one is none.
    """
    listed = words(value)
    if not isinstance(listed, list | tuple):
        return listed
    try:
        return tuple(ip_network(each) for each in listed)
    except ValueError:
        raise ValueError('a list of networks such as `["10.0.0.0/8"]`, with no address within them') from None


Duration = Annotated[timedelta, BeforeValidator(duration)]
LimitingDuration = Annotated[timedelta, BeforeValidator(limiting_duration)]
OwnLimitingDuration = Annotated[
    timedelta | None, BeforeValidator(lambda value: None if value in (None, "") else limiting_duration(value))
]
Size = Annotated[int, BeforeValidator(size)]
Words = Annotated[tuple[str, ...], BeforeValidator(words)]
Arguments = Annotated[tuple[str, ...], BeforeValidator(arguments)]
Places = Annotated[tuple[Path, ...], BeforeValidator(places)]
Domains = Annotated[tuple[str, ...], BeforeValidator(domains)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(networks)]
OptionalFile = Annotated[Path | None, BeforeValidator(lambda value: value or None)]


class Section(BaseModel):
    """A table of the configuration file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(Section):
    """The table `[server]`."""

    host: str = Field("127.0.0.1", description="The address to listen on")
    port: int = Field(8642, ge=0, le=65535, description="The port to listen on; 0 takes a free one")
    public_url: Annotated[str, AfterValidator(web_address)] = Field(
        "", description="How Jira and people reach this daemon; made from host and port if empty"
    )
    max_body: Size = Field(
        25_000_000, gt=0, description="The largest webhook that is accepted; Jira's own limit is 25 MB"
    )
    trusted_proxies: Networks = Field(
        (),
        description="The networks of the proxies before the daemon: who asks is read from their `X-Forwarded-For`",
        examples=[("10.0.0.0/8", "fd00::/8")],
    )

    def reached_at(self, port: int | None = None) -> str:
        """Give the address under which Jira and people reach the daemon, without a final slash."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104 - compared, not bound
        host = f"[{host}]" if ":" in host else host
        return self.public_url.rstrip("/") or f"http://{host}:{port or self.port}"


_API_CALLS = (
    "How often a workspace's Jira may be called in an hour; a fifth of it is kept for answers, questions and results. "
    "0 is no limit"
)
_REQUESTS = (
    "How often one client address may ask the management API at this deployment's addresses in an hour; more is "
    "answered 429. 0 is no limit"
)
_SESSION = "How long an open conversation may rest, without a comment or news of its agent, before it ends; 0: for ever"
_FIRST_ANSWER = "A first answer that takes longer, from a webhook's receipt to Jira's answer, is counted as late"


class CloudLimits(Section):
    """The table `[limits.cloud]`; a workspace may set its own."""

    webhooks_per_minute: int = Field(
        1000,
        ge=0,
        description="How many webhooks a workspace may send a minute; over it, and with a backlog, they are answered "
        "429, which Jira Cloud sends again. 0 is no limit",
    )
    api_calls_per_hour: int = Field(1000, ge=0, description=_API_CALLS)
    requests_per_hour: int = Field(1000, ge=0, description=_REQUESTS)
    session: LimitingDuration = Field(timedelta(hours=24), description=_SESSION)
    first_answer: Duration = Field(timedelta(seconds=5), description=_FIRST_ANSWER)


class DataCenterLimits(CloudLimits):
    """The table `[limits.dc]`: the same with other defaults."""

    webhooks_per_minute: int = Field(
        500,
        ge=0,
        description="How many webhooks of a workspace are handled a minute; what comes faster is accepted, and waits. "
        "0 is no limit",
    )
    api_calls_per_hour: int = Field(500, ge=0, description=_API_CALLS)
    requests_per_hour: int = Field(500, ge=0, description=_REQUESTS)
    session: LimitingDuration = Field(timedelta(hours=48), description=_SESSION)
    first_answer: Duration = Field(timedelta(seconds=10), description=_FIRST_ANSWER)


class LimitsSettings(Section):
    """The tables within `[limits]`, each under the name of its deployment."""

    cloud: CloudLimits = CloudLimits()
    dc: DataCenterLimits = DataCenterLimits()

    def of(self, deployment: str) -> CloudLimits:
        """Give the limits of a deployment."""
        return {"cloud": self.cloud, "dc": self.dc}[deployment]


class RunsSettings(Section):
    """The table `[runs]`."""

    parallel: int = Field(4, ge=1, description="How many agents may work at the same time")
    parallel_per_workspace: int = Field(4, ge=1, description="How many of them for one workspace")
    parallel_per_user: int = Field(4, ge=1, description="How many of them for one person")
    parallel_per_repository: int = Field(4, ge=1, description="How many of them in one repository")
    attempts: int = Field(3, ge=1, description="How often a run is begun before it counts as failed")
    retry_delay: Duration = Field(timedelta(seconds=10), description="How long to wait before a run is begun again")
    on_restart: Literal["restart", "report"] = Field(
        "restart", description="What becomes of a run that a restart interrupted: begun again once, or reported"
    )
    stop_grace: Duration = Field(timedelta(seconds=5), description="How long a stopped agent may take to end itself")
    drain: Duration = Field(timedelta(seconds=30), description="How long a stopping daemon waits for turns to end")


class OutboxSettings(Section):
    """The table `[outbox]`."""

    grace: Duration = Field(
        timedelta(seconds=90), description="How long to look for a comment of unknown fate before it is sent again"
    )


class RetentionSettings(Section):
    """The table `[retention]`."""

    deliveries: Duration = Field(
        timedelta(days=30), description="How long the body of a finished event is kept; its outcome stays"
    )
    dead: Duration = Field(timedelta(days=90), description="How long the body of an event that was given up is kept")
    logs: Duration = Field(
        timedelta(days=30),
        description="How long is kept what agents reported, what was refused at the door, what failed",
    )
    checkouts: Duration = Field(
        timedelta(days=14), description="How long a closed conversation keeps its checkout, and can be taken up again"
    )


class AlertsSettings(Section):
    """The table `[alerts]`."""

    webhook: Annotated[SecretStr | None, AfterValidator(secret_address)] = Field(
        None,
        description="Where administrators are told of troubles: JSON is posted there, which Slack and Mattermost show; "
        "whoever knows the address may post there too, so it is a secret",
        examples=["https://chat.example.com/hooks/abc123"],
    )


class GitSettings(Section):
    """The table `[git]`."""

    name: str = Field("jirabot", description="The author of the commits")
    email: str = Field("jirabot@localhost", description="The author's e-mail address")


CLOUD_API_URL = "https://api.atlassian.com"
"""Where Atlassian's own gateway to Jira Cloud is."""


class OAuthSettings(Section):
    """The table `[oauth]`."""

    cloud_auth_url: Annotated[str, AfterValidator(safe_address)] = Field(
        "https://auth.atlassian.com", description="Where people consent to what is done in Jira Cloud"
    )
    cloud_api_url: Annotated[str, AfterValidator(safe_address)] = Field(
        CLOUD_API_URL,
        description="Where Jira Cloud is called with tokens that have scopes, and with those of OAuth",
    )
    cloud_sites: Words = Field(
        (),
        description="Host names of Jira Cloud sites that are not under atlassian.net; no other host is asked for its "
        "cloud id",
        examples=[("jira.acme.example",)],
    )


class AgentSettings(Section):
    """The table `[agents.NAME]`."""

    type: str = Field(description="`command` or `scripted`", examples=["command"])
    command: Arguments = Field(
        (), description="The program and its arguments; never a shell string", examples=[("my-agent", "--quiet")]
    )
    timeout: Duration = Field(timedelta(hours=1), description="How long a turn may take")
    stall: Duration = Field(timedelta(minutes=10), description="How long the agent may say nothing")
    pass_env: Words = Field((), description="Variables of the daemon that the agent gets")
    env: Mapping[str, SecretStr] = Field({}, description="Variables that are set for the agent")
    env_file: OptionalFile = Field(
        None, description="A file of NAME=VALUE lines for the agent, mode 0600", examples=["/etc/jirabot/agent.env"]
    )
    script: OptionalFile = Field(
        None, description="For `scripted`: a file of events to play, JSON lines", examples=["events.jsonl"]
    )
    readable: Places = Field(
        (),
        description="Files and folders that the agent needs, below the home of the user that runs jirabot, `/root`, "
        "`/run` or `/tmp`: behind bubblewrap these are empty but for the agent's own program and what its command line "
        "names",
        examples=[("/home/jirabot/.nvm",)],
    )


class WorkspaceDefaults(Section):
    """The table `[workspace]`."""

    mention: Annotated[Words, AfterValidator(spoken_words)] = Field(
        ("@openhands",), description="The words that speak to the bot"
    )
    label: str = Field("openhands", description="The label that starts the bot")
    triggers: Annotated[tuple[Literal["mention", "label"], ...], BeforeValidator(words)] = Field(
        ("mention", "label"), description="What starts the bot"
    )
    who_may: Annotated[str, AfterValidator(rule_of_who_may)] = Field(
        "linked",
        description="Who may trigger the bot: `linked` (by hand or by OAuth), `anyone`, `group:ID` (the group's id; on "
        "Data Center its name), `role:ID` (a project role's id), `can-edit` (whoever may edit the issue). All but the "
        "first link people by themselves",
    )
    customers: bool = Field(
        False, description="Whether customers of a service desk may trigger the bot, where `who_may` lets them"
    )
    context: Literal["all", "linked"] = Field(
        "all",
        description="Whose comments on an issue the agent is shown as material: `all`, or those of people who are "
        "`linked`, and how many were left out",
    )
    projects: Words = Field(
        (), description="The keys of the projects that the bot is for; all if none is given", examples=[("PAY", "WEB")]
    )
    verify_trigger: bool = Field(
        True,
        description="Read each trigger back from Jira before anything is done; without `hmac` that is done in any case",
    )
    events_networks: Networks = Field(
        (),
        description="The networks that webhooks may come from, which prove themselves besides; all if empty",
        examples=[("10.0.0.0/8",)],
    )
    events_header: Annotated[str, AfterValidator(header_name)] = Field(
        "X-Jirabot-Token", description="The header that holds the secret where that proves deliveries (`header`)"
    )
    silent_after: LimitingDuration = Field(
        timedelta(hours=6),
        description="How long no webhook may come before Jira is asked whether issues changed, and administrators are "
        "told if they did. 0: it is never asked",
    )
    no_repository: Literal["ask", "empty", "refuse"] = Field(
        "ask", description="What to do where no repository, or more than one, fits an issue"
    )
    service_desk: Literal["internal", "public"] = Field("internal", description="Who reads answers on a service desk")
    email_domains: Domains = Field(
        (),
        description="The mail domains whose people are linked without more: to the one Jira account that has the "
        "address which their OIDC issuer has verified. Only where nobody can give a Jira account another's address",
        examples=[("acme.example",)],
    )
    mode: Literal["act", "observe"] = Field("act", description="`observe` records decisions and does nothing")
    events: Literal["webhook", "poll", "both"] = Field(
        "webhook",
        description="How events come in: Jira tells of them, or is asked for them, which needs no address that Jira "
        "reaches and no administrator of it",
    )
    poll_every: Duration = Field(
        timedelta(seconds=30),
        ge=timedelta(seconds=1),
        description="How often Jira is asked for events, with `poll` and `both`; every second at most",
    )
    catch_up_every: LimitingDuration = Field(
        timedelta(minutes=5),
        description="How often Jira is asked, with `webhook`, for what no webhook has told, so that one that is lost "
        "is not missed. 0: never",
    )
    looks_back: LimitingDuration = Field(
        timedelta(hours=2),
        le=timedelta(hours=24),
        description="How far back Jira is looked through by the first look of each hour, for what its search showed "
        "late; the others go five minutes behind the one before. At most `24h`; 0: no further than they do",
    )
    progress_every: Duration = Field(timedelta(seconds=60), description="How often the first answer shows progress")
    session: OwnLimitingDuration = Field(
        None,
        description="How long an open conversation may rest; that of `[limits.cloud]` or `[limits.dc]` if not given",
        examples=["24h"],
    )
    ca_file: Annotated[str, AfterValidator(file_path)] = Field(
        "",
        description="A file of authorities' certificates (PEM), trusted besides the system's by jirabot, git and "
        "agents",
        examples=["/etc/jirabot/ca.pem"],
    )
    proxy: Annotated[str, AfterValidator(proxy_address)] = Field(
        "",
        description="The HTTP proxy of jirabot, git and agents; that of `HTTPS_PROXY` and `NO_PROXY` if not given",
        examples=["http://proxy.example.com:3128"],
    )
    client_cert_file: Annotated[str, AfterValidator(file_path)] = Field(
        "",
        description="A certificate with its key (PEM), shown to a Jira or git host that asks for one; agents get none",
        examples=["/etc/jirabot/client.pem"],
    )
    webhooks_per_minute: Annotated[int, Field(ge=0)] | None = Field(
        None, description="In place of that of `[limits.…]`", examples=[1000]
    )
    api_calls_per_hour: Annotated[int, Field(ge=0)] | None = Field(
        None, description="In place of that of `[limits.…]`", examples=[1000]
    )

    @property
    def looks_every(self) -> timedelta:
        """Say how often Jira is asked for what happened; 0 is never."""
        return self.catch_up_every if self.events == "webhook" else self.poll_every


class OAuthAppSettings(Section):
    """The OAuth app of a deployment, as the reference's variables name it."""

    client_id: str
    client_secret: SecretStr


class ApiSettings(Section):
    """The table `[api]`: the management API."""

    requests_per_hour: int = Field(
        1000,
        ge=0,
        description="How often one client address may ask at `/api/…` in an hour; more is answered 429. 0 is no limit",
    )
    claim_hosts: Words = Field(
        (),
        description="The hosts of Jiras that people may claim although they are not public, `*.` before a domain for "
        "all within it",
        examples=[("jira.acme.example", "*.corp.example")],
    )
    claims_last: Duration = Field(
        timedelta(days=3), description="How long a workspace that was claimed over HTTP may stay unproved"
    )
    claims_per_user: int = Field(3, ge=0, description="How many unproved workspaces one person may have claimed")


class OidcSettings(Section):
    """The table `[oidc]`: the issuer whose tokens the management API takes."""

    issuer: Annotated[str, AfterValidator(issuer_address)] = Field(
        "",
        description="The issuer as its tokens name it; empty: none is trusted",
        examples=["https://sso.example.com/realms/acme"],
    )
    audience: Words = Field(
        (),
        description="What a token's `aud` must hold one of; not given, `client_id` has to be its `azp` or in its `aud`",
        examples=[("jirabot",)],
    )
    client_id: str = Field("", description="The client that people get their tokens by", examples=["jirabot-web"])
    admin_role: str = Field(
        "", description="Whose token has this role administers everything; empty: nobody", examples=["jirabot-admin"]
    )
    role_claim: str = Field(
        "realm_access.roles",
        description="The claim that lists a token's roles, a dot between the names on the way to it; of Keycloak's "
        "client roles `resource_access.CLIENT.roles`",
    )
    jwks_url: Annotated[str, AfterValidator(issuer_address)] = Field(
        "",
        description="Where the issuer's keys are; by its discovery document if empty",
        examples=["https://sso.example.com/realms/acme/protocol/openid-connect/certs"],
    )
    leeway: Duration = Field(timedelta(seconds=60), description="How far the issuer's clock may be from this one's")

    @model_validator(mode="after")
    def _is_for_us(self) -> "OidcSettings":
        if self.issuer and not (self.audience or self.client_id):
            raise ValueError("`audience` or `client_id` is needed: else a token for anything else would count here")
        return self


class Settings(BaseModel):
    """All settings, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Annotated[Path, BeforeValidator(folder)] = Field(
        default_factory=lambda: user_data_path("jirabot"),
        description="Where everything is kept: database, master key, mirrors, checkouts; the user's data folder if not "
        "given. Not on a network file system",
        examples=["/var/lib/jirabot"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged")
    server: ServerSettings = ServerSettings()
    limits: LimitsSettings = LimitsSettings()
    runs: RunsSettings = RunsSettings()
    outbox: OutboxSettings = OutboxSettings()
    retention: RetentionSettings = RetentionSettings()
    alerts: AlertsSettings = AlertsSettings()
    git: GitSettings = GitSettings()
    oauth: OAuthSettings = OAuthSettings()
    api: ApiSettings = ApiSettings()
    oidc: OidcSettings = OidcSettings()
    workspace: WorkspaceDefaults = WorkspaceDefaults()
    default_agent: str = Field("", exclude=True)
    agents: Mapping[str, AgentSettings] = Field({}, description="The agents by name")
    environment: Mapping[str, str] = Field({}, exclude=True, repr=False)
    origins: Mapping[str, str] = Field({}, exclude=True, repr=False)
    file: Path | None = Field(None, exclude=True)
    base_urls: Mapping[str, str] = Field({}, exclude=True)
    oauth_apps: Mapping[str, OAuthAppSettings] = Field({}, exclude=True, repr=False)
    switched_off: frozenset[str] = Field(frozenset(), exclude=True)
    without_oauth: frozenset[str] = Field(frozenset(), exclude=True)
    master_key: SecretStr | None = Field(None, exclude=True)
    master_key_file: Path | None = Field(None, exclude=True)
    use_keyring: bool = Field(True, exclude=True)

    @property
    def database(self) -> Path:
        """Give the database's file."""
        return self.data_dir / "jirabot.db"

    @property
    def spool(self) -> Path:
        """Give the folder of bodies that are too large for a row."""
        return self.data_dir / "spool"

    def agent_name(self) -> str | None:
        """Name the agent that is used where nothing names another: `[agents] default`, or the only one."""
        if self.default_agent:
            return self.default_agent
        return next(iter(self.agents)) if len(self.agents) == 1 else None

    def origin(self, name: str) -> str:
        """Say where a setting, `section.key`, comes from: `flag`, its variable, `file:line` or `default`."""
        return self.origins.get(name, "default")


PLAIN_VARIABLES = frozenset({"data_dir", "log_level", "master_key", "master_key_file"})
"""The settings that belong to no section, as variables."""

DATABASE_VARIABLE = "JIRABOT_DATABASE_URL"
"""May name the database, and no other than the one that is used in any case."""

GIVEN_VARIABLES = frozenset({"JIRABOT_CONFIG", DATABASE_VARIABLE, "JIRABOT_SVC_ACC_API_KEY", "JIRABOT_WEBHOOK_SECRET"})
"""What a person may set besides the settings, for a command."""

MADE_VARIABLES = frozenset(
    {
        "JIRABOT_RUN",
        "JIRABOT_CONVERSATION_ID",
        "JIRABOT_ISSUE_KEY",
        "JIRABOT_BASE",
        "JIRABOT_PROMPT_FILE",
        "JIRABOT_SESSION_DIR",
        "JIRABOT_GIT",
        "JIRABOT_GIT_USER",
        "JIRABOT_GIT_TOKEN",
    }
)
"""What jirabot itself sets for an agent or git, which may start a `jirabot` in turn."""

OUTSIDE_THE_FILE = frozenset(name for name, field in Settings.model_fields.items() if field.exclude)
"""What is no setting of the file: secrets, which come by the environment, and what is made here."""
