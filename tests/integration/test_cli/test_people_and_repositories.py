"""`user link|list` and `repo add|list`: who may trigger the bot, and which repository an issue belongs to."""

import base64
import contextlib
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from .conftest import Cli, Jira, make_repository

LINK_FIELDS = ["id", "workspace", "account", "name", "user", "role", "state", "origin", "created_at"]
REPOSITORY_FIELDS = [
    "id",
    "workspace",
    "name",
    "url",
    "base",
    "projects",
    "components",
    "labels",
    "default",
    "has_token",
    "created_at",
]


@pytest.fixture
def served(cli: Cli, jira: Jira) -> Cli:
    """The program with a workspace."""
    cli.done(*jira.creation(), typed=jira.token)
    return cli


@pytest.fixture
def on_cloud(cli: Cli, cloud: Jira) -> Cli:
    """The program with a workspace on Cloud."""
    cli.done(*cloud.creation(), typed=cloud.token)
    return cli


def test_a_link_is_shown_as_the_account_that_jira_knows(served: Cli, jira: Jira) -> None:
    ada = jira.sandbox.ada

    link = served.done("user", "link", "ACME", jira.account(ada), "--user", "ada-here", "--json").object

    id_ = {"cloud": ada.account_id, "dc": ada.key}[jira.sandbox.deployment]
    assert list(link) == LINK_FIELDS
    assert (link["workspace"], link["account"], link["name"]) == ("acme", id_, "Ada Lovelace")
    assert (link["user"], link["role"], link["state"]) == ("ada-here", "user", "active")
    assert served.done("user", "list", "acme", "--json").object == link


def test_an_account_that_jira_does_not_know_is_not_found(served: Cli) -> None:
    ran = served("user", "link", "acme", "nobody")

    assert (ran.code, ran.error) == (3, "Jira knows no account `nobody`")
    assert served.done("user", "list", "--json").objects == []


def test_an_email_finds_the_one_account_that_has_it(cli: Cli, data_center: Jira) -> None:
    cli.done(*data_center.creation(), typed=data_center.token)

    link = cli.done("user", "link", "acme", data_center.sandbox.grace.email, "--json").object

    assert link["name"] == "Grace Hopper"


def test_linking_again_changes_the_link(on_cloud: Cli, cloud: Jira) -> None:
    account = cloud.sandbox.ada.account_id
    first = on_cloud.done("user", "link", "acme", account, "--json").object

    again = on_cloud.done("user", "link", "acme", account, "--role", "admin", "--user", "ada", "--json").object

    assert (again["id"], again["role"], again["user"]) == (first["id"], "admin", "ada")
    assert len(on_cloud.done("user", "list", "--json").objects) == 1


def test_without_validation_the_account_is_taken_as_it_is_written(on_cloud: Cli) -> None:
    link = on_cloud.done("user", "link", "acme", "anybody", "--no-validate", "--json").object

    assert (link["account"], link["name"], link["user"]) == ("anybody", "anybody", "anybody")


def test_it_warns_of_linking_the_service_account_itself(on_cloud: Cli, cloud: Jira) -> None:
    ran = on_cloud.done("user", "link", "acme", cloud.sandbox.bot.account_id)

    assert ran.err == "warning: this is the service account itself: what it writes by hand is heard as this person's\n"


def test_a_list_is_linked_all_of_it(served: Cli, jira: Jira) -> None:
    people = [jira.account(each) for each in (jira.sandbox.ada, jira.sandbox.grace)]
    listed = f"# the team\n\n  {people[0]}  \n{people[1]}\r\n{people[0]}\n"

    ran = served.done("user", "link", "acme", "--from", "-", "--role", "admin", "--json", typed=listed)

    assert [(link["name"], link["role"], link["origin"]) for link in ran.objects] == [
        ("Ada Lovelace", "admin", "hand"),
        ("Grace Hopper", "admin", "hand"),
    ]
    assert len(served.done("user", "list", "--json").objects) == 2


def test_of_a_list_with_wrong_lines_nobody_is_linked_and_each_is_told(served: Cli, jira: Jira) -> None:
    people = served.file("people.txt", f"{jira.account(jira.sandbox.ada)}\n# nobody\nsomebody\nx@y.example\n")

    ran = served("user", "link", "acme", "--from", people)

    assert (ran.code, ran.error) == (
        2,
        "line 3: Jira knows no account `somebody`; line 4: Jira knows no account `x@y.example`",
    )
    assert "nobody was linked" in ran.err
    assert served.done("user", "list", "--json").objects == []


def test_a_groups_members_are_linked_but_apps_and_the_service_account(served: Cli, jira: Jira) -> None:
    sandbox = jira.sandbox
    robot = sandbox.jira.add_person("Robot", account_type="app")
    group = sandbox.jira.members.add_group("web team", sandbox.ada, sandbox.bot, sandbox.grace, robot)
    id_, name = {"cloud": (group.id, "app"), "dc": (group.name, "user")}[sandbox.deployment]

    ran = served.done("user", "link", "acme", "--group", id_, "--json")

    linked = {link["name"] for link in ran.objects}
    assert linked == {"Ada Lovelace", "Grace Hopper"} | ({"Robot"} if name == "user" else set())
    assert "warning: OpenHands was left out" in ran.err


def test_a_group_that_jira_does_not_know_is_not_found(served: Cli) -> None:
    ran = served("user", "link", "acme", "--group", "nothing")

    assert (ran.code, ran.error) == (3, "Jira knows no group `nothing`")


def test_a_user_may_be_linked_in_many_workspaces(cli: Cli, cloud: Jira, data_center: Jira) -> None:
    """F31. Each workspace has its own link of the same user; one ended leaves the other."""
    for name, jira in (("here", cloud), ("there", data_center)):
        cli.done(*jira.creation(name), typed=jira.token)
        cli.done("user", "link", name, jira.account(jira.sandbox.ada), "--user", "ada")

    cli.done("user", "unlink", "here", "ada")

    listed = cli.done("user", "list", "--json").objects
    assert {(link["workspace"], link["user"], link["state"]) for link in listed} == {
        ("here", "ada", "ended"),
        ("there", "ada", "active"),
    }


def test_an_account_that_jira_has_told_takes_the_place_of_one_that_was_only_typed(cli: Cli, data_center: Jira) -> None:
    """F75. A link made unseen by a login does not stand for ever beside the one by the account's key."""
    cli.done(*data_center.creation(), typed=data_center.token)
    cli.done("user", "link", "acme", "ada", "--user", "ada-here", "--no-validate")

    link = cli.done("user", "link", "acme", "ada", "--user", "ada-here", "--json").object

    assert (link["account"], link["name"]) == (data_center.sandbox.ada.key, "Ada Lovelace")
    states = [(each["account"], each["state"]) for each in cli.done("user", "list", "--json").objects]
    assert sorted(states) == [(data_center.sandbox.ada.key, "active"), ("ada", "ended")]


def test_what_jira_tells_anew_of_an_account_is_taken_over(on_cloud: Cli, cloud: Jira) -> None:
    """F75. Proved once more, the row says what is true now, and who of jirabot it is."""
    ada = cloud.sandbox.ada.account_id
    first = on_cloud.done("user", "link", "acme", ada, "--no-validate", "--json").object
    assert (first["name"], first["user"]) == (ada, ada)

    again = on_cloud.done("user", "link", "acme", ada, "--user", "ada", "--json").object

    assert (again["id"], again["name"], again["user"]) == (first["id"], "Ada Lovelace", "ada")


def test_it_warns_of_linking_a_customer(on_cloud: Cli, cloud: Jira) -> None:
    customer = cloud.sandbox.jira.add_person("Carl Customer", account_type="customer")

    ran = on_cloud.done("user", "link", "acme", customer.account_id)

    assert "Carl Customer is a customer of a service desk" in ran.err


def test_links_are_listed_newest_first_as_a_table(on_cloud: Cli) -> None:
    for account in ("first", "second"):
        on_cloud.done("user", "link", "acme", account, "--no-validate")

    assert on_cloud.done("user", "list").out == (
        "workspace  account  name    user    role  state\n"
        "acme       second   second  second  user  active\n"
        "acme       first    first   first   user  active\n"
    )


def test_a_repository_is_shown_with_what_is_tied_to_it(on_cloud: Cli) -> None:
    ties = ["--project", "PAY", "--project", "SHOP", "--component", "till", "--label", "code", "--default"]
    address = "git@git.acme.example:acme/shop.git"

    made = on_cloud.done("repo", "add", "acme", "acme/shop", "--url", address, "--base", "main", *ties, "--json").object

    assert list(made) == REPOSITORY_FIELDS
    assert (made["workspace"], made["name"], made["url"], made["base"]) == ("acme", "acme/shop", address, "main")
    assert (made["projects"], made["components"], made["labels"]) == (["PAY", "SHOP"], ["till"], ["code"])
    assert (made["default"], made["has_token"]) == (True, False)
    assert on_cloud.done("repo", "list", "acme", "--json").object == made


def test_a_new_default_takes_the_place_of_the_old(on_cloud: Cli) -> None:
    for name in ("first", "second"):
        on_cloud.done("repo", "add", "acme", name, "--url", f"file:///srv/git/{name}.git", "--default")

    listed = on_cloud.done("repo", "list", "acme", "--json").objects
    assert [(each["name"], each["default"]) for each in listed] == [("second", True), ("first", False)]


def test_a_table_says_yes_and_no(on_cloud: Cli) -> None:
    on_cloud.done("repo", "add", "acme", "shop", "--url", "file:///srv/git/shop.git", "--project", "PAY")

    assert on_cloud.done("repo", "list", "acme").out == (
        "name  url                       base  projects  components  labels  default\n"
        "shop  file:///srv/git/shop.git  -     PAY                           no\n"
    )


@pytest.mark.parametrize(
    ("name", "address", "sentence"),
    [
        ("a shop", "file:///srv/shop.git", "`a shop` is no name for a repository"),
        ("shop", "/srv/shop.git", "`/srv/shop.git` is no git address that can be used"),
        ("shop", "--upload-pack=touch", "`--upload-pack=touch` is no git address that can be used"),
        ("shop", "ext::sh -c touch", "`ext::sh -c touch` is no git address that can be used"),
        ("shop", "ssh://git:hunter2@h/shop", "the git address holds a user or token, which would be shown with it"),
    ],
)
def test_a_name_or_address_that_can_not_be_used_is_told(cli: Cli, name: str, address: str, sentence: str) -> None:
    ran = cli("repo", "add", "acme", name, f"--url={address}")

    assert (ran.code, ran.error) == (2, sentence)


@pytest.mark.parametrize("key", ["PAY-7", "my project", "my shop", "-PAY", "7UP", "PAY,WEB", "ÄRA", ""])
def test_what_can_be_no_projects_key_is_refused(cli: Cli, key: str) -> None:
    ran = cli("repo", "add", "acme", "shop", "--url", "file:///srv/shop.git", f"--project={key}")

    assert (ran.code, ran.error) == (2, f"`{key}` is no key of a project")
    assert "hint: a letter, then letters, digits and `_`: of the issue `PAY-7` it is `PAY`" in ran.err


def test_a_projects_key_is_taken_as_any_jira_has_it(on_cloud: Cli) -> None:
    keys = ["PAY", "R2D2", "MY_EXAMPLE_PROJECT", "D_", "pay"]
    ties = [part for key in keys for part in ("--project", key)]

    made = on_cloud.done("repo", "add", "acme", "shop", "--url", "file:///srv/shop.git", *ties, "--json").object

    assert made["projects"] == keys


def test_an_ended_link_stays_as_the_record_of_it(on_cloud: Cli, cloud: Jira) -> None:
    ada = cloud.sandbox.ada.account_id
    linked = on_cloud.done("user", "link", "acme", ada, "--user", "ada-here", "--json").object

    ended = on_cloud.done("user", "unlink", "ACME", "Ada-Here", "--json")

    assert ended.object == {**linked, "state": "ended"}
    assert f"Ada Lovelace may trigger the bot no more; `jirabot user link acme {ada}` undoes it." in ended.err
    assert on_cloud.done("user", "show", "acme", ada, "--json").object == ended.object


def test_an_ended_link_can_not_be_ended_again(on_cloud: Cli) -> None:
    on_cloud.done("user", "link", "acme", "ada", "--no-validate")
    on_cloud.done("user", "unlink", "acme", "ada")

    ran = on_cloud("user", "unlink", "acme", "ada")

    assert (ran.code, ran.error) == (3, "nobody called `ada` is linked in `acme`")


def test_who_is_linked_again_is_shown_as_linked(on_cloud: Cli) -> None:
    for command in ("link", "unlink", "link"):
        on_cloud.done("user", command, "acme", "ada", *(["--no-validate"] if command == "link" else []))

    assert on_cloud.done("user", "show", "acme", "ada", "--json").object["state"] == "active"
    assert [each["state"] for each in on_cloud.done("user", "list", "--json").objects] == ["active", "ended"]


@pytest.mark.parametrize("command", ["show", "unlink"])
def test_somebody_unknown_names_the_nearest(on_cloud: Cli, command: str) -> None:
    on_cloud.done("user", "link", "acme", "somebody", "--no-validate")

    ran = on_cloud("user", command, "acme", "sombody")

    assert (ran.code, ran.error) == (3, "nobody called `sombody` is linked in `acme`")
    assert "hint: did you mean `somebody`?" in ran.err


@pytest.mark.parametrize("command", ["show", "unlink"])
def test_a_user_with_two_accounts_is_not_enough_to_name_one(on_cloud: Cli, command: str) -> None:
    for account in ("first", "second"):
        on_cloud.done("user", "link", "acme", account, "--user", "ada", "--no-validate")

    ran = on_cloud("user", command, "acme", "ada")

    assert (ran.code, ran.error) == (2, "more than one account fits `ada`: `second` (second), `first` (first)")
    assert [each["state"] for each in on_cloud.done("user", "list", "--json").objects] == ["active", "active"]


def test_a_removed_repository_is_gone_with_its_token(on_cloud: Cli) -> None:
    add = ["repo", "add", "acme", "shop", "--url", "file:///srv/git/shop.git"]
    made = on_cloud.done(*add, "--token", "-", "--json", typed="a-token").object

    assert on_cloud.done("repo", "remove", "acme", "shop", "--json").object == made
    assert on_cloud.done("repo", "list", "acme", "--json").objects == []
    assert on_cloud.done(*add, "--json").object["has_token"] is False


def test_a_repository_that_answers_tells_where_work_starts_from(on_cloud: Cli) -> None:
    on_cloud.done("repo", "add", "acme", "shop", "--url", make_repository(on_cloud.folder))

    tried = on_cloud.done("repo", "test", "acme", "shop", "--json").object

    assert list(tried) == [*REPOSITORY_FIELDS, "starts_from"]
    assert (tried["name"], tried["starts_from"]) == ("shop", "main")


def test_a_repositorys_host_is_told_its_user_and_token(on_cloud: Cli) -> None:
    """A host that asks who we are hears the user that `repo add` was given, and refuses us here."""
    with git_host() as (address, told):
        for name, user in (("shop", ["--user", "svc-jirabot"]), ("tools", [])):
            add = ["repo", "add", "acme", name, "--url", f"{address}/{name}.git", *user, "--token", "-"]
            on_cloud.done(*add, typed="a-token")
            assert on_cloud("repo", "test", "acme", name).error == f"the host of `{name}` refuses our credentials"

    assert told == ["svc-jirabot:a-token", "x-access-token:a-token"]


@contextlib.contextmanager
def git_host() -> Iterator[tuple[str, list[str]]]:
    """Serve a host that lets nobody in; gives its address, and the user and password that it is told."""
    told: list[str] = []

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if given := self.headers.get("Authorization", "").removeprefix("Basic "):
                told.append(base64.b64decode(given).decode())
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Host) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", told
        finally:
            server.shutdown()
            thread.join()


def test_a_repository_without_the_branch_that_is_set_fails(on_cloud: Cli) -> None:
    on_cloud.done("repo", "add", "acme", "shop", "--url", make_repository(on_cloud.folder), "--base", "develop")

    ran = on_cloud("repo", "test", "acme", "shop")

    assert (ran.code, ran.out, ran.error) == (1, "", "`shop` has no branch `develop`")


def test_an_empty_repository_fails(on_cloud: Cli) -> None:
    empty = on_cloud.folder / "empty.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(empty)], check=True, timeout=20)
    on_cloud.done("repo", "add", "acme", "shop", "--url", empty.as_uri())

    ran = on_cloud("repo", "test", "acme", "shop")

    assert (ran.code, ran.error) == (1, "`shop` has no branch to start from: its HEAD names none")


def test_a_repository_that_is_not_there_fails_with_gits_cause(on_cloud: Cli) -> None:
    on_cloud.done("repo", "add", "acme", "shop", "--url", "file:///nowhere/shop.git")

    ran = on_cloud("repo", "test", "acme", "shop", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.problem["code"] == "git-failed"
    assert "shop" in ran.problem["detail"]


def test_a_git_host_that_is_out_of_reach_is_told_as_such(on_cloud: Cli) -> None:
    on_cloud.done("repo", "add", "acme", "shop", "--url", "http://127.0.0.1:9/shop.git")

    ran = on_cloud("repo", "test", "acme", "shop", "--json")

    assert (ran.code, ran.out) == (5, "")
    assert (ran.problem["title"], ran.problem["code"]) == ("unreachable", "git-unreachable")
    assert ran.problem["detail"].startswith("the host of `shop` can't be reached: ")


@pytest.mark.parametrize("command", ["remove", "test"])
def test_an_unknown_repository_names_the_nearest(on_cloud: Cli, command: str) -> None:
    on_cloud.done("repo", "add", "acme", "shop", "--url", "file:///srv/git/shop.git")

    ran = on_cloud("repo", command, "acme", "shpo")

    assert (ran.code, ran.error) == (3, "there is no repository `shpo`")
    assert "hint: did you mean `shop`?" in ran.err
