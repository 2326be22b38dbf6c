"""What was typed into a form, and what is wrong with it, kept together so that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from holdfast.kit import i18n


class FieldError(msgspec.Struct, frozen=True):
    """A message next to a field. `message` is bilingual; `suggestion` is what to put instead, if we can guess."""

    field: str
    message: dict[str, str]
    code: str = ""
    suggestion: str | None = None
    severity: str = "error"

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


class Form:
    """Typed values and the errors found in them. `labels` names fields in the summary at the top."""

    def __init__(
        self, values: Mapping[str, str] | None = None, *, key: str = "", labels: Mapping[str, str] | None = None
    ) -> None:
        self.values = dict(values or {})
        self.key = key
        self.labels = dict(labels or {})
        self.errors: list[FieldError] = []

    def value(self, name: str, otherwise: str = "") -> str:
        """What was typed there."""
        return self.values.get(name, otherwise)

    def add(self, field: str, text: str, *, code: str = "", **values: Any) -> None:
        """An error by its English sentence."""
        self.errors.append(FieldError(field, i18n.both(text, **values), code))

    def add_found(self, findings: Iterable[Any]) -> None:
        """Findings of a domain: objects or mappings with field, code, message and perhaps suggestion and severity."""
        for found in findings:
            plain = found if isinstance(found, dict) else msgspec.structs.asdict(found)
            self.errors.append(
                FieldError(
                    str(plain["field"]),
                    dict(plain["message"]),
                    str(plain.get("code", "")),
                    plain.get("suggestion"),
                    str(plain.get("severity") or "error"),
                )
            )

    def errors_of(self, name: str) -> list[FieldError]:
        """What is to be said next to one field."""
        return [error for error in self.errors if error.field == name]

    def is_wrong(self, name: str) -> bool:
        return any(error.is_error for error in self.errors_of(name))

    @property
    def wrong(self) -> list[FieldError]:
        """The errors, without mere warnings, in the order of the fields on the page."""
        order = {field: at for at, field in enumerate(self.labels)}
        return sorted(
            (error for error in self.errors if error.is_error), key=lambda error: order.get(error.field, len(order))
        )

    def name_of(self, field: str) -> str:
        """What the summary calls a field."""
        return self.labels.get(field, field)
