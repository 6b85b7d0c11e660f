"""Who asks: the holder of a local token, or whom the OIDC issuer vouches for."""

from jirabot.core import identity
from jirabot.core.identity import ClaimRules
from jirabot.core.managers.tokens import Tokens
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Issuer
from jirabot.core.tokens import PREFIX


class Principals:
    """Turns a bearer token into a principal."""

    def __init__(self, *, tokens: Tokens, issuer: Issuer | None, rules: ClaimRules, clock: Clock) -> None:
        """*issuer*: None where none is trusted."""
        self._tokens, self._issuer, self._rules, self._clock = tokens, issuer, rules, clock

    async def holder(self, secret: str) -> Principal:
        """Give the principal that holds a token.

        Raises:
            TokenInvalid: it is none, or does not count.
            IssuerUnreachable: it may be one of the issuer's, whose keys can't be read.
        """
        if self._issuer is None or secret.startswith(PREFIX):
            return (await self._tokens.holder(secret)).principal()
        claimed = await self._issuer.verified(secret)
        return identity.principal(claimed, self._rules, now=self._clock.now())
