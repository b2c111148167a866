"""Which model, on which upstream, at which price."""

from __future__ import annotations

from domain.prices import FREE, Price, list_price
from domain.sections import Section


class ModelSettings(Section, frozen=True):
    """A model on an upstream, and its price: a name on the price sheet, or dollars per million tokens."""

    upstream: str
    model: str
    price: str | Price | None = None

    def priced(self, *, path: str) -> Price:
        """The price of this model; free when none is given (a self-hosted student).

        Raises:
            ConfigError: the price sheet does not know the name.
        """
        if self.price is None:
            return FREE
        return list_price(self.price, path=f"{path}.price") if isinstance(self.price, str) else self.price
