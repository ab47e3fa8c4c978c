"""Whose notes there are at the start; who may read them is the authority's matter."""

from __future__ import annotations

ALICE = "alice@example.com"
BOB = "bob@example.com"
CAROL = "carol@example.com"

SEED: dict[str, dict[str, str]] = {
    ALICE: {
        "Offsite plan": (
            "Offsite in Lisbon, 14-16 October, 18 people. Hotel Avenida holds 20 rooms until 1 September. "
            "Day 1: roadmap. Day 2: workshops in three groups, dinner at Ponto Final, 19:30. "
            "Day 3: retro, flights from 15:00. "
            "Open: projector, vegetarian count (5 so far), who leads the pricing workshop."
        ),
        "Q3 retrospective": (
            "Went well: onboarding down from nine days to four, churn 2.1 %. Went badly: two releases rolled back, "
            "support queue over 200 in August. Actions: release checklist (Alice), on-call handbook (Deniz), "
            "second support shift until November."
        ),
        "Supplier call": (
            "Call with Nordlicht Paper on Tuesday: price rises 6 % in January, 3 % if we sign for two years. "
            "They can deliver to the Porto warehouse from March. "
            "Ask finance whether prepayment is worth the 1.5 % rebate."
        ),
    },
    BOB: {
        "Server migration": (
            "Move the build machines to the new rack on Saturday 22:00. Order: cache, runners, artefact store. "
            "Roll back if the first build is not green by 23:30. "
            "Cable labels are in the red box; Ines has the rack key."
        ),
        "Hiring loop": (
            "Backend engineer: 41 applications, 6 interviews, 2 offers out. Kim starts on 2 December. "
            "Change the take-home: two hours at most, no framework questions."
        ),
        "Marathon training": (
            "Week 9 of 16: 52 km. Long run 24 km on Sunday at 5:40/km. Left calf fine again. "
            "Buy gels, sign up for the half marathon in Sintra as a test."
        ),
    },
    CAROL: {
        "Access review": (
            "Quarterly review: 7 accounts of people who left were still active in the wiki, all closed. "
            "Two service keys older than a year: rotate by Friday. Next review in January."
        ),
        "Budget draft": (
            "Tools 84k, travel 31k, training 12k. Tools are up 11 % because of seats; ask for a yearly contract. "
            "Board wants the draft by the 28th."
        ),
        "Board questions": (
            "Expect: why two rollbacks, when will support be under 50 open tickets, "
            "what does the agent cost per person. "
            "Bring the usage chart and the audit export."
        ),
    },
}
"""Account → title → text."""


def seeded() -> dict[str, dict[str, str]]:
    """Return a copy of `SEED`, which a run may change."""
    return {account: dict(notes) for account, notes in SEED.items()}


def hinted(hint: str | None) -> str | None:
    """Return the account of a persona hint: an id, name or address from the workspace page's `sim_user` cookie."""
    wanted = (hint or "").lower()
    for account in SEED:
        if wanted and (account == wanted or account.partition("@")[0] in wanted):
            return account
    return None
