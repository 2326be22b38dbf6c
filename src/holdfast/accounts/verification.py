"""The one door through which every proof is judged, so that a drill can break it for everybody at once."""

from __future__ import annotations

from holdfast.kit import faults

VERIFY = faults.declare(
    "accounts.verification.judge", "a code, password or passkey is about to be judged; an error makes the answer no"
)


def stands() -> bool:
    """False while a drill has broken the verifier: right proofs then look wrong, as after a bad release."""
    try:
        faults.point(VERIFY)
    except faults.FaultInjected:
        return False
    return True
