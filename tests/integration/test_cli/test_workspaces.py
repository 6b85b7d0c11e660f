"""`workspace create`, `list` and `show`: what is asked, checked, stored and shown."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .conftest import SCRIPTED, Cli, Jira

FIELDS = [
    "id",
    "name",
    "deployment",
    "base_url",
    "also_known_as",
    "state",
    "degraded",
    "auth",
    "authenticity",
    "service_account",
    "key_expires_at",
    "cloud_id",
    "agent",
    "events_url",
    "settings",
    "created_at",
]


def test_a_new_workspace_is_shown_whole_with_its_secret_and_what_is_missing(cli: Cli, jira: Jira) -> None:
    ran = cli(*jira.creation(), "--json", typed=jira.token)

    made = ran.object
    route = {"cloud": "jira", "dc": "jira-dc"}[jira.sandbox.deployment]
    assert ran.code == 0
    assert list(made) == [*FIELDS, "webhook_secret", "missing"]
    assert made["name"] == "acme"
    assert made["deployment"] == jira.sandbox.deployment
    assert made["base_url"] == jira.base_url
    assert (made["state"], made["degraded"], made["authenticity"]) == ("active", [], "hmac")
    assert made["auth"] == {"cloud": "api-token", "dc": "pat"}[jira.sandbox.deployment]
    assert made["service_account"] == "OpenHands"
    assert made["agent"] is None
    assert made["events_url"] == f"http://127.0.0.1:8642/integration/{route}/events/{made['id']}"
    assert len(made["webhook_secret"]) == 43
    assert made["missing"] == [
        {"what": "person", "text": "nobody may trigger the bot yet", "command": "jirabot user link acme ACCOUNT"},
        {
            "what": "repository",
            "text": "no repository is set up",
            "command": "jirabot repo add acme NAME --url GIT_URL",
        },
        {
            "what": "agent",
            "text": "no agent is configured",
            "command": "add a section `[agents.NAME]` to the configuration",
        },
        {
            "what": "webhook",
            "text": "no webhook has arrived yet",
            "command": "jirabot webhook register acme",
        },
    ]


def test_list_and_show_give_the_same_object_without_the_secret(cli: Cli, cloud: Jira) -> None:
    made = cli.done(*cloud.creation(), "--json", typed=cloud.token).object
    del made["webhook_secret"]

    shown = cli.done("workspace", "show", "acme", "--json").object
    assert [shown.pop(name) for name in ("pauses", "looked_at", "look_calls")] == [[], None, 0]
    assert shown == made
    del made["missing"]
    assert cli.done("workspace", "list", "--json").object == made


def test_where_no_webhook_is_to_come_none_is_missing_and_no_secret_is_made(cli: Cli, cloud: Jira) -> None:
    """Neither an address that Jira reaches nor an administrator of it is needed."""
    ran = cli.done(*cloud.creation(), "--events", "poll", "--json", typed=cloud.token)

    assert ran.object["settings"]["events"] == {"value": "poll", "origin": "workspace"}
    assert "webhook_secret" not in ran.object
    assert "webhook" not in [each["what"] for each in ran.object["missing"]]

    both = cli.done("workspace", "update", "acme", "--events", "both", "--json").object
    assert (both["settings"]["events"]["value"], len(both["webhook_secret"])) == ("both", 43)
    again = cli.done("workspace", "update", "acme", "--set", "events=webhook", "--json").object
    assert "webhook_secret" not in again
    shown = cli.done("workspace", "show", "acme", "--json").object
    assert "webhook" in [each["what"] for each in shown["missing"]]


def test_where_none_is_needed_no_repository_is_missing(cli: Cli, cloud: Jira) -> None:
    made = cli.done(*cloud.creation(), "--set", "no_repository=empty", "--json", typed=cloud.token).object

    assert [each["what"] for each in made["missing"]] == ["person", "agent", "webhook"]


def test_events_come_in_no_other_way(cli: Cli, cloud: Jira) -> None:
    assert cli(*cloud.creation(), "--events", "carrier", typed=cloud.token).code == 2
    assert cli(*cloud.creation(), "--set", "events=carrier", typed=cloud.token).code == 2


def test_lists_are_newest_first(cli: Cli) -> None:
    for number in (1, 2, 3):
        create = ["workspace", "create", f"w{number}", "--deployment", "dc", "--base-url", f"http://127.0.0.1:{number}"]
        cli.done(*create, "--svc-acc-api-key", "-", "--no-validate", typed="token")

    assert [each["name"] for each in cli.done("workspace", "list", "--json").objects] == ["w3", "w2", "w1"]


def test_for_people_the_secret_is_shown_once_and_what_is_missing_comes_last(cli: Cli, cloud: Jira) -> None:
    ran = cli.done(*cloud.creation(), typed=cloud.token)

    assert "webhook secret" in ran.out
    assert "The webhook secret is shown only now" in ran.err
    assert ran.err.splitlines()[-5:-1] == [
        "Still missing for a first answer:",
        "  - nobody may trigger the bot yet: jirabot user link acme ACCOUNT",
        "  - no repository is set up: jirabot repo add acme NAME --url GIT_URL",
        "  - no agent is configured: add a section `[agents.NAME]` to the configuration",
    ]
    assert "secret" not in cli.done("workspace", "show", "acme").out


def test_a_given_secret_is_never_shown(cli: Cli, cloud: Jira) -> None:
    ran = cli.done(
        *cloud.creation(), "--webhook-secret", "-", "--json", typed=f"{cloud.token}\na-secret-of-mine-1234\n"
    )

    assert "webhook_secret" not in ran.object
    assert "a-secret-of-mine-1234" not in ran.out + ran.err
    assert cloud.token not in ran.out + ran.err


def test_each_setting_says_where_it_comes_from(cli: Cli, cloud: Jira, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.config.write_text('[workspace]\nlabel = "bot"\n')
    monkeypatch.setenv("JIRABOT_WORKSPACE__MODE", "observe")
    changes = ["--set", "mention=@bot, @helper", "--set", "progress_every=90s"]

    settings = cli.done(*cloud.creation(), *changes, "--json", typed=cloud.token).object["settings"]

    assert settings == {
        "mention": {"value": ["@bot", "@helper"], "origin": "workspace"},
        "label": {"value": "bot", "origin": "jirabot.toml:2"},
        "triggers": {"value": ["mention", "label"], "origin": "default"},
        "who_may": {"value": "linked", "origin": "default"},
        "customers": {"value": False, "origin": "default"},
        "context": {"value": "all", "origin": "default"},
        "projects": {"value": [], "origin": "default"},
        "verify_trigger": {"value": True, "origin": "default"},
        "events_networks": {"value": [], "origin": "default"},
        "events_header": {"value": "X-Jirabot-Token", "origin": "default"},
        "silent_after": {"value": "6h", "origin": "default"},
        "no_repository": {"value": "ask", "origin": "default"},
        "service_desk": {"value": "internal", "origin": "default"},
        "email_domains": {"value": [], "origin": "default"},
        "mode": {"value": "observe", "origin": "JIRABOT_WORKSPACE__MODE"},
        "events": {"value": "webhook", "origin": "default"},
        "poll_every": {"value": "30s", "origin": "default"},
        "catch_up_every": {"value": "5m", "origin": "default"},
        "looks_back": {"value": "2h", "origin": "default"},
        "progress_every": {"value": "90s", "origin": "workspace"},
        "session": {"value": None, "origin": "default"},
        "ca_file": {"value": "", "origin": "default"},
        "proxy": {"value": "", "origin": "default"},
        "client_cert_file": {"value": "", "origin": "default"},
        "api_calls_per_hour": {"value": None, "origin": "default"},
        "webhooks_per_minute": {"value": None, "origin": "default"},
    }


def test_all_that_is_wrong_with_settings_is_told_at_once(cli: Cli, cloud: Jira) -> None:
    wrong = ["--set", "mod=act", "--set", "mode=on", "--set", "label"]

    ran = cli(*cloud.creation(), *wrong, typed=cloud.token)

    assert ran.code == 2
    assert ran.error == (
        "there is no setting `mod`; did you mean `mode`?; `--set mode=on`: one of `act`, `observe`; "
        "`--set label` has no value: it is `KEY=VALUE`"
    )


def test_all_that_is_missing_is_named_at_once(cli: Cli) -> None:
    assert cli("workspace", "create").error == (
        "`NAME` is missing; `--deployment` is missing: `cloud` or `dc`; `--base-url` is missing; "
        "`--svc-acc-api-key` is missing: give `-` to read it from standard input"
    )
    assert cli("workspace", "create", "acme.atlassian.net").error == (
        "`--svc-acc-email` is missing; `--svc-acc-api-key` is missing: give `-` to read it from standard input"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(
            ["a b", "--base-url", "https://x.example", "--deployment", "dc", "--auth", "password"],
            "`a b` is no workspace's name: at most 100 letters, digits, `.`, `_` and `-`; "
            "`password` is no way to sign in to this deployment: pat, dc-oauth",
            id="several at once",
        ),
        pytest.param(
            ["acme", "--base-url", "ftp://x.example", "--deployment", "dc"],
            "`ftp://x.example` is no base URL",
            id="no web address",
        ),
        pytest.param(
            ["acme", "--base-url", "http://jira.example", "--deployment", "dc"],
            "`http://jira.example` would carry the service account's credentials in the clear",
            id="credentials in the clear",
        ),
        pytest.param(
            ["acme", "--base-url", "https://ada:pass@jira.example", "--deployment", "dc"],
            "the base URL `jira.example` holds a user, a query or a fragment",
            id="a password in the address is not repeated",
        ),
    ],
)
def test_what_is_malformed_is_told(cli: Cli, arguments: list[str], sentence: str) -> None:
    ran = cli("workspace", "create", *arguments, "--svc-acc-api-key", "-", typed="token")

    assert (ran.code, ran.error) == (2, sentence)


def test_cloud_is_told_by_its_host(cli: Cli) -> None:
    create = ["workspace", "create", "Acme.atlassian.net", "--svc-acc-email", "bot@acme.example"]

    made = cli.done(*create, "--svc-acc-api-key", "-", "--no-validate", "--json", typed="token").object

    assert (made["name"], made["deployment"]) == ("acme.atlassian.net", "cloud")
    assert made["base_url"] == "https://acme.atlassian.net"


def test_the_base_url_of_data_center_may_come_from_the_references_variable(
    cli: Cli, data_center: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIRA_DC_BASE_URL", data_center.base_url)
    create = ["workspace", "create", "acme", "--deployment", "dc", "--svc-acc-api-key", "-", "--json"]

    assert cli.done(*create, typed=data_center.token).object["base_url"] == data_center.base_url


@pytest.mark.parametrize("also", [[], ["--link", "nobody"]], ids=["wrong key", "wrong key, and nobody to link"])
def test_a_wrong_key_is_refused_and_nothing_is_stored(cli: Cli, jira: Jira, also: list[str]) -> None:
    ran = cli(*jira.creation(), *also, typed="a-wrong-token")

    assert ran.code == 4
    assert ran.error.startswith("Jira refuses the service account (401)")
    assert "a-wrong-token" not in ran.err
    assert cli.done("workspace", "list", "--json").objects == []


def test_an_account_to_link_that_jira_does_not_know_leaves_nothing_half_done(cli: Cli, cloud: Jira) -> None:
    ran = cli(*cloud.creation(), "--link", "nobody", typed=cloud.token)

    assert (ran.code, ran.error) == (3, "Jira knows no account `nobody`")
    assert cli.done("workspace", "list", "--json").objects == []


def test_the_other_kind_of_jira_is_told(cli: Cli, cloud: Jira) -> None:
    arguments = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", cloud.base_url]

    ran = cli(*arguments, "--svc-acc-api-key", "-", typed=cloud.token)

    assert ran.code == 2
    assert ran.err == (
        f"error: the Jira at `{cloud.base_url}` is `cloud`, not `dc`\n\nhint: give `--deployment cloud`\n"
    )


def test_a_base_url_without_the_context_path_is_no_jira(cli: Cli, data_center: Jira) -> None:
    base_url = data_center.base_url.removesuffix("/jira")
    arguments = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", base_url]

    ran = cli(*arguments, "--svc-acc-api-key", "-", typed=data_center.token)

    assert ran.code == 5
    assert "check the base URL" in ran.err


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (404, "Jira does not say of which version it is"),
        (200, "what answered 200 is not Jira: the body is no JSON"),
        (503, "Jira fails (503)"),
        (302, "Jira answers with a redirect (302), which is not followed"),
    ],
)
def test_what_answers_and_is_no_jira_is_told(cli: Cli, status: int, sentence: str) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever).start()
        base_url = f"http://127.0.0.1:{server.server_port}"
        create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", base_url]

        ran = cli(*create, "--svc-acc-api-key", "-", typed="token")
        server.shutdown()

    assert (ran.code, ran.error) == (5, sentence)
    assert cli.done("workspace", "list", "--json").objects == []


def test_an_agent_that_is_not_configured_is_a_matter_of_the_configuration(cli: Cli, cloud: Jira) -> None:
    cli.config.write_text(SCRIPTED)

    ran = cli(*cloud.creation(), "--agent", "script", typed=cloud.token)

    assert (ran.code, ran.error) == (6, "no agent `script` is configured (configured: `scripted`)")
    assert cli.done(*cloud.creation(), "--json", typed=cloud.token).object["agent"] == "scripted"


def test_an_inactive_workspace_is_paused(cli: Cli, cloud: Jira) -> None:
    assert cli.done(*cloud.creation(), "--inactive", "--json", typed=cloud.token).object["state"] == "paused"


def test_it_links_at_once_who_is_named(cli: Cli, jira: Jira) -> None:
    account = jira.account(jira.sandbox.ada)

    made = cli.done(*jira.creation(), "--link", account, "--json", typed=jira.token).object

    link = cli.done("user", "list", "--json").object
    assert (link["name"], link["role"], link["workspace"]) == ("Ada Lovelace", "admin", "acme")
    assert "person" not in [item["what"] for item in made["missing"]]


def test_it_says_as_whom_the_bot_speaks_in_case_that_is_a_person(cli: Cli, cloud: Jira) -> None:
    bot = cloud.sandbox.bot

    ran = cli.done(*cloud.creation(), typed=cloud.token)

    assert (
        "The bot speaks as OpenHands. If that is a person's own account, what they write is heard only once it is "
        f"linked: jirabot user link acme {bot.account_id}\n"
    ) in ran.err


def test_it_warns_where_the_service_account_is_the_person_that_is_linked(cli: Cli, cloud: Jira) -> None:
    ran = cli.done(*cloud.creation(), "--link", cloud.sandbox.bot.account_id, typed=cloud.token)

    assert (
        "warning: OpenHands is the service account and a linked person: what they write by hand is heard\n" in ran.err
    )


@pytest.mark.parametrize(
    ("options", "way", "told"),
    [
        pytest.param([], "url-token", "they prove themselves by a secret at the end of the events URL", id="by itself"),
        pytest.param(
            ["--authenticity", "hmac"],
            "hmac",
            "`jirabot workspace update acme --authenticity url-token` lets them in",
            id="asked for",
        ),
        pytest.param(["--authenticity", "header"], "header", "", id="another"),
    ],
)
def test_a_data_center_that_signs_nothing_proves_itself_by_its_address(
    cli: Cli, options: list[str], way: str, told: str
) -> None:
    jira = Jira("dc", version="9.12.4")
    try:
        ran = cli.done(*jira.creation(), *options, "--json", typed=jira.token)
    finally:
        jira.close()

    assert ran.object["authenticity"] == way
    assert told in ran.err
    assert ("this Jira (9.12.4) can't sign its webhooks" in ran.err) is bool(told)


def test_the_secret_in_an_address_is_shown_only_to_who_asks(cli: Cli, data_center: Jira) -> None:
    made = cli.done(*data_center.creation(), "--authenticity", "url-token", "--json", typed=data_center.token).object
    whole = cli.done("workspace", "show", "acme", "--show-secrets", "--json").object["events_url"]

    assert made["events_url"].endswith(f"/{made['id']}/***")
    assert whole == made["events_url"].replace("***", made["webhook_secret"])
    assert cli.done("workspace", "show", "acme", "--json").object["events_url"] == made["events_url"]
    assert made["webhook_secret"] not in cli.done("workspace", "show", "acme").out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ["--authenticity", "jwt"],
            "`--webhook-secret` is missing: with `jwt` it is the client secret of the OAuth app",
        ),
        (["--authenticity", "header", "--set", "verify_trigger=false"], "`verify_trigger` may be off only with `hmac`"),
        (["--set", "events_networks=10.0.0.1/8"], "with no address within them"),
        (["--set", "events_header=X-Hub-Signature"], "this one is stored with each event"),
        (["--set", "events_header=X Token"], "the name of a header"),
    ],
)
def test_a_proof_that_proves_too_little_is_refused(cli: Cli, cloud: Jira, options: list[str], told: str) -> None:
    ran = cli(*cloud.creation(), *options, typed=cloud.token)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.error


def test_data_center_has_no_dynamic_webhooks(cli: Cli, data_center: Jira) -> None:
    ran = cli(*data_center.creation(), "--authenticity", "jwt", typed=data_center.token)
    assert (ran.code, ran.error) == (
        2,
        "`jwt` is no way in which webhooks of this deployment prove themselves: hmac, header, url-token",
    )


def test_the_address_that_a_jira_has_for_itself_counts_too(cli: Cli, cloud: Jira) -> None:
    port = cloud.base_url.rpartition(":")[2]
    other = f"http://localhost:{port}"
    arguments = [other if part == cloud.base_url else part for part in cloud.creation()]

    ran = cli.done(*arguments, "--json", typed=cloud.token)

    assert ran.object["base_url"] == other
    assert ran.object["also_known_as"] == [cloud.base_url]
    assert ran.err.startswith(f"warning: this Jira calls itself `{cloud.base_url}`: that counts as its address, too\n")
