"""What was typed into a form, and what is wrong with it, kept together so that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from holdfast.kit import crypto, i18n

OTHER_DOCUMENT = "ID_OTHER_TYPE"


class FieldError(msgspec.Struct, frozen=True):
    """A message next to a field. `message` is bilingual; `suggestion` is what to put instead, if we can guess.

    `brief` is what the summary at the top says, where the message speaks of what stands beside the field.
    """

    field: str
    message: dict[str, str]
    code: str = ""
    suggestion: str | None = None
    severity: str = "error"
    brief: dict[str, str] = {}

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

    def add(self, field: str, text: str, *, code: str = "", brief: str = "", **values: Any) -> None:
        """An error by its English sentence."""
        self.errors.append(FieldError(field, i18n.both(text, **values), code, brief=i18n.both(brief) if brief else {}))

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
        """What is to be said next to one field: that it is another kind of document explains all else about it."""
        found = [error for error in self.errors if error.field == name]
        return [error for error in found if error.code == OTHER_DOCUMENT] or found

    def is_wrong(self, name: str) -> bool:
        return any(error.is_error for error in self.errors_of(name))

    @property
    def wrong(self) -> dict[str, list[FieldError]]:
        """The errors by field, without mere warnings, in the order of the fields on the page."""
        order = {field: at for at, field in enumerate(self.labels)}
        fields = sorted({error.field for error in self.errors}, key=lambda field: (order.get(field, len(order)), field))
        found = {field: [error for error in self.errors_of(field) if error.is_error] for field in fields}
        return {field: errors for field, errors in found.items() if errors}

    def name_of(self, field: str) -> str:
        """What the summary calls a field."""
        return self.labels.get(field, field)

    def key_for(self, *fields: str) -> str:
        """A key for one request with these words: the hidden ``key`` sent again with others is another request."""
        said = "\0".join(self.value(field).strip() for field in fields)
        return f"{self.value('key')[:64]}-{crypto.digest(said).hex()[:16]}"
