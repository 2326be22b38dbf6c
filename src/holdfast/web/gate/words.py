"""What the gate's page says; the page carries both languages, because a device without a network changes between them, too."""

from __future__ import annotations

from holdfast.kit import i18n

WORDS: dict[str, str] = {
    "gate": "Gate",
    "ready": "Ready",
    "ready-how": "Scan a ticket, or type the order number.",
    "typed": "Code or order number",
    "check": "Check",
    "camera": "Camera",
    "no-camera": "The camera cannot be used. Type the number, or use a handheld scanner.",
    "inside": "Inside now",
    "out": "One out",
    "log": "Last scans",
    "online": "Online",
    "offline": "Offline",
    "age-s": "list {count} s old",
    "age-min": "list {count} min old",
    "age-h": "list {count} h old",
    "old": "The list of tickets is old: what was cancelled since then still admits here. Go online as soon as you can.",
    "waiting": "{count} to upload",
    "kept-here": "{count} kept on this device. They are uploaded by themselves when the network is back.",
    "alone": "Decided without a network.",
    "conflicts": "Uploaded. {count} were against the rules as the server knows them; they are in the console under Gates.",
    "no-network": "No network. Try again when it is back.",
    "sign-out": "Go off duty",
    "sign-in": "Go on duty",
    "sign-in-how": "Sign in as at the staff console. It lasts for twelve hours, also without a network.",
    "login": "Login",
    "password": "Password",
    "code": "Code",
    "enrol": "Make this device a gate",
    "enrol-how": "Open the link that the console shows under Gates on this device, or type its code here.",
    "enrol-code": "Code of the link",
    "insist": "Let in all the same",
    "who": "Who enters?",
    "everybody": "All of them ({count})",
    "party": "Party of {count}",
    "person": "{holder}",
    "people": "{count} people. {holder}",
    "used-at": "Used {time}, {gate}",
    "slot": "Time slot {from} – {to}",
    "say:valid": "Welcome",
    "say:used": "Already used",
    "say:too-early": "Too early",
    "say:too-late": "Too late",
    "say:wrong-venue": "Another venue",
    "say:revoked": "No longer valid",
    "say:unpaid": "Not paid",
    "say:wait": "Please wait",
    "say:unknown": "Unknown",
    "say:counter-reused": "Try again",
    "do:valid": "",
    "do:used": "Look at the name and document, and ask who has entered. The desk can undo a mistake.",
    "do:too-early": "They may come back then, or be let in by you.",
    "do:too-late": "The desk may offer another time, or you let them in.",
    "do:wrong-venue": "This ticket is for another place. Show them the address on it.",
    "do:revoked": "It was cancelled, or changed and has a new code. Ask for the order on the phone.",
    "do:unpaid": "Send them to the desk, where it can be paid.",
    "do:wait": "Entry is paused, or as many are inside as may be at once. The ticket stays good; try again when some have left.",
    "do:unknown": "This is not one of our tickets, or it is for another day. Type the order number instead.",
    "do:counter-reused": "",
}
"""Name → English sentence; Chinese in zh.po."""


def both() -> dict[str, dict[str, str]]:
    """All of them by language."""
    return {
        locale: {name: i18n.translate(text, locale) if text else "" for name, text in WORDS.items()}
        for locale in i18n.LOCALES
    }
