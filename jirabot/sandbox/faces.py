"""What one kind of Jira is like: all in which Cloud and Data Center differ, a member each."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from jirabot.sandbox.bodies import Body
from jirabot.sandbox.issues import Happening, JsonObject, Person, Webhook
from jirabot.sandbox.refusals import Refusal
from jirabot.sandbox.shapes import Shapes

TEXT_LIMIT = 32_767
"""Characters of a comment or description. Source: "Configuring advanced settings"; on Cloud it can't be changed."""

Payload = tuple[str, JsonObject]
"""A webhook event's name and its body."""


class Face(Protocol):
    """What one kind of Jira is like."""

    name: Literal["cloud", "dc"]
    title: str
    """What people call it."""
    cloud_id: str | None
    """The id under which the site is known beyond its address; None where there is no such thing."""
    names_permissions: bool
    """Whether who asks for his permissions must name them."""
    versions: Sequence[str]
    """API versions under `/rest/api/`."""
    shapes: Shapes
    webhook_path: str
    retries: bool
    """Whether a failed webhook is sent again."""
    pages_webhooks: bool
    """Whether webhooks are listed in pages, by `start` and `limit`."""
    has_dynamic_webhooks: bool
    """Whether OAuth apps may have webhooks of their own."""
    signs: bool
    """Whether webhooks are signed."""
    url_variable: str
    """How variables stand in a webhook's address; `%s` is the name."""
    search_path: str
    """Where issues are searched, after `/rest/api/{version}/`."""
    comments_a_page: int
    """How many comments a page holds at most."""
    has_group_ids: bool
    """Whether groups have ids, and somebody's groups a resource of their own."""
    pages_changelog: bool
    """Whether the changelog is a resource of its own, in place of an expansion of the issue."""

    def delivery_headers(self, identifier: str, retry: int) -> Mapping[str, str]:
        """Give the headers that a webhook has beside its signature; *retry* is 0 for the first attempt."""

    def server_info(self, now: datetime) -> JsonObject:
        """Say what this Jira is."""

    def authenticate(self, authorization: str, people: Sequence[Person]) -> Person | None:
        """Find who asks; None: nobody known.

        Raises:
            Refusal: the way to authenticate itself is refused.
        """

    def about(self, person: Person | None) -> Mapping[str, str]:
        """Give the headers that tell an answer's reader who he is."""

    def unauthorized(self) -> Refusal:
        """Make the answer to credentials that are missing or wrong."""

    def opens_to_anonymous(self) -> bool:
        """Say whether bad credentials count as none, and those without see an empty Jira in place of a 401."""

    def user(self, person: Person) -> JsonObject:
        """Write a person as everyone sees him."""

    def myself(self, person: Person) -> JsonObject:
        """Write a person with the e-mail address and what else he sees of himself."""

    def find_user(self, query: Mapping[str, str], people: Sequence[Person]) -> Person | None:
        """Find the person that the parameters of `GET user` name."""

    def named_for_permission(self, query: Mapping[str, str], people: Sequence[Person]) -> list[Person]:
        """Find the people that the parameters of `GET user/permission/search` name.

        Raises:
            Refusal: 400, they name nobody.
        """

    def person_actor(self, person: Person) -> JsonObject:
        """Write a person as an actor of a role."""

    def details(self, person: Person, groups: Sequence[str]) -> JsonObject:
        """Write what `GET user` tells more of where it is expanded: *groups* by name, and applications."""

    def search_users(self, query: Mapping[str, str], people: Sequence[Person]) -> list[Person]:
        """Find people as `GET user/search` does."""

    def read(self, value: Any, version: str, *, field: str) -> Body:
        """Take a text from a request.

        Raises:
            Refusal: 400, it is of the wrong kind, invalid or too long.
        """

    def assignee(self, request: JsonObject, people: Sequence[Person]) -> Person | None:
        """Read who is to be assigned.

        Raises:
            Refusal: 400, no such person.
        """

    def payloads(self, happening: Happening) -> list[Payload]:
        """Write the webhooks' bodies for something that happened, in the order in which they are sent."""

    def webhook(self, webhook: Webhook) -> JsonObject:
        """Write a webhook as its administration shows it."""

    def webhook_settings(self, request: JsonObject) -> JsonObject:
        """Read a webhook from a request: the arguments of `Jira.add_webhook` that it gives."""


def read_wiki(value: Any, *, field: str) -> str:
    """Take wiki markup from a request.

    Raises:
        Refusal: 400, it is no string or too long.
    """
    if not isinstance(value, str):
        raise Refusal(400, errors={field: "Operation value must be a string"})
    if len(value) > TEXT_LIMIT:
        limit = f"{TEXT_LIMIT:,}"
        raise Refusal(
            400, errors={field: f"The entered text is too long. It exceeds the allowed limit of {limit} characters."}
        )
    return value


def find_assignee(
    request: JsonObject, key: str, id_of: Callable[[Person], str], people: Sequence[Person]
) -> Person | None:
    """Read who is to be assigned: by *key*, null and `-1` for nobody.

    Raises:
        Refusal: 400, no such person.
    """
    wanted = request.get(key)
    if wanted is None or wanted == "-1":
        return None
    found = next((person for person in people if id_of(person) == wanted), None)
    if found is None:
        raise Refusal(400, errors={"assignee": f"User '{wanted}' does not exist."})
    return found
