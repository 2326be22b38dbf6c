"""People: registration, credentials, sessions, restrictions, and (later) the graph of accounts that are one person.

An account is opened by the first proof of a phone. Nothing is ever moved to another account: everything a person has
is found through `accounts.members` (SQL), the accounts that share their root.
"""

from .contacts import check_phone, mask_name, mask_phone
from .model import Challenge, CodeExpired, CodeWrong, Device, Session, SignedIn, SignInNeeded, TooManyCodes
from .sessions import Doorkeeper, devices, phone_of, request_code, session, sign_in, sign_out, sign_out_everywhere

__all__ = [
    "Challenge",
    "CodeExpired",
    "CodeWrong",
    "Device",
    "Doorkeeper",
    "Session",
    "SignInNeeded",
    "SignedIn",
    "TooManyCodes",
    "check_phone",
    "devices",
    "mask_name",
    "mask_phone",
    "phone_of",
    "request_code",
    "session",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
]
