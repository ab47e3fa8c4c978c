"""Secrets are found by their shapes, ordinary words are not, and a text that grows is never shown too far."""

import string
from itertools import cycle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.model.secret_patterns import kinds_of_secrets, mask_piece, mask_secrets, settled

A = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6hJ9k"
SECRETS = {
    "Slack token": ["xoxb-1234567890-" + A, "xapp-1-A012-" + A, "xoxe.xoxp-1-" + A],
    "Slack webhook": ["https://hooks.slack.com/services/T00000000/B00000000/" + A],
    "Anthropic key": ["sk-ant-api03-" + A],
    "API key": ["sk-" + A, "sk-proj-" + A],
    "GitHub token": ["ghp_" + A, "gho_" + A, "ghs_" + A, "github_pat_11ABC_" + A],
    "GitLab token": ["glpat-" + A[:20]],
    "AWS key": ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"],
    "Google key": ["AIza" + A[:35], "ya29." + A, "GOCSPX-" + A[:28]],
    "Stripe key": ["sk_live_" + A[:24], "rk_test_" + A[:24], "whsec_" + A],
    "npm token": ["npm_" + A[:36]],
    "PyPI token": ["pypi-AgEIcHlwaS5vcmc" + A],
    "Notion token": ["ntn_" + A, "secret_" + A + "abc"],
    "Linear key": ["lin_api_" + A],
    "Atlassian token": ["ATATT3xFfGF0" + A],
    "Shopify token": ["shpat_" + "0a1b2c3d" * 4],
    "SendGrid key": [f"SG.{A[:22]}.{A}"],
    "Hugging Face token": ["hf_" + A[:34]],
    "Sentry token": ["sntrys_" + A],
    "DigitalOcean token": ["dop_v1_" + "0a1b2c3d" * 8],
    "Figma token": ["figd_" + A],
    "signed token": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + A],
    "bearer token": ["Bearer " + A, "bearer\t" + A],
    "password": ["postgres://app:hunter2-is-bad@db.example.com/app"],
    "private key": [
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\n\nMIIEow\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n",
    ],
}
HARMLESS = [
    "The risk-management-framework-2024-edition is in sk-learn-style.",
    "Ask the bearer of this letter; bearer bonds are 2 pages.",
    "https://example.com:8443/path@version?x=1 and mail bob@example.com",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "AKIA is a prefix; eyJ too; ghp_ as well, and xoxb- is Slack's.",
    "See shparagus, hf_model, npm_config_cache, secret_santa and SG.1.2.",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
]


def hide(kind: str, _: str) -> str:
    return f"[{kind} removed]"


@pytest.mark.parametrize(("kind", "secret"), [(kind, one) for kind, all_of in SECRETS.items() for one in all_of])
@pytest.mark.parametrize("around", ["{}", "key={} and more", '{{"token": "{}"}}', "**{}**", "`{}`", "({})", "先{}、後"])
def test_each_shape_is_found_wherever_it_stands(kind, secret, around):
    text = around.format(secret)

    assert kinds_of_secrets(text) == (kind,)
    masked = mask_secrets(text, hide)
    assert f"[{kind} removed]" in masked
    assert A[5:25] not in masked
    assert "hunter2" not in masked
    assert "MIIEow" not in masked


@pytest.mark.fault("S10")
@pytest.mark.parametrize("before", ["_", "__", "*_", "...", "…", "-", "--token=", ".", "/", "->", "~", "key_:_"])
def test_a_token_is_found_after_any_sign(before):
    assert kinds_of_secrets(f"It is {before}{GITHUB}, indeed") == ("GitHub token",)


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_words_are_left_alone(text):
    assert kinds_of_secrets(text) == ()
    assert mask_secrets(text, hide) == text


PIECES = [one for all_of in SECRETS.values() for one in all_of] + [
    *HARMLESS,
    "hello ",
    "\n",
    "\n\n",
    " ",
    "Bearer ",
    "-----BEGIN ",
    "RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "://a:",
    "secret@host",
    "ghp_",
    "日本語",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(string.printable, max_size=12), max_size=12), st.data())
@example(["Bearer ", A], None)
def test_what_is_shown_of_a_text_that_grows_is_the_beginning_of_what_is_shown_in_the_end(pieces, data):
    text = "".join(pieces)
    whole = mask_secrets(text, hide)
    ends = range(len(text) + 1) if data is None else [data.draw(st.integers(0, len(text))) for _ in range(20)]

    for end in ends:
        begun = text[:end]
        assert whole.startswith(mask_secrets(begun[: settled(begun)], hide))


GLUE = [
    "*", "**", "`", "\\", "&#32;", "&Tab;", "&amp;", "&#95;", "\u200b", "\u200c", "\ufe0f", "\u06cc", "\u2764", "](",
    ")", "[x](", "](日本", "日)", " ", "  ", "\t", "\n", "\r", "=", "==", "-", "-----", "KEY", "PRIVATE ",
    "PRIVATE KEY-----", "BEGIN ", "END ", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "bearer",
    "bearer ", ".bearer ", "x*bearer ", "://", ":", "@", "sk-", "ghp_aB3dE6gH9jK2mN5p", "Q8sT1vW4xY7z", "sntrys_" + A,
    "whsec_" + A, "AKIAIOSFODNN7", "EXAMPLE", "a", "1", "_", ".", "/",
]  # fmt: skip
"""Pieces of secrets, and what may stand in them, before them and between them."""


@pytest.mark.fault("S6", "S10")
@given(st.lists(st.sampled_from(GLUE) | st.sampled_from(PIECES), max_size=24), st.data())
@example(["-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY", "-----BEGIN "], None)
@example(["bearer abcdefghijklmnop](", "日", "本)", "1 x"], None)
@example(["x" * 20, "=bearer ", "1" * 20, "=bearer ", A, " "], None)
def test_a_text_in_pieces_is_masked_as_the_whole_of_it(parts, data):
    """Whatever comes at once: each piece is masked by itself, and none is looked at again."""
    text = "".join(parts)
    sizes = cycle([1] if data is None else data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=9)))
    told, tail, is_in_key, at = "", "", False, 0

    while at < len(text):
        new = text[at : at + next(sizes)]
        at += len(new)
        cut = settled(tail + new, looked=len(tail))
        piece, tail = (tail + new)[:cut], (tail + new)[cut:]
        masked, is_in_key = mask_piece(piece, hide, is_in_key=is_in_key)
        told += masked
    told += mask_piece(tail, hide, is_in_key=is_in_key)[0]

    assert told == mask_secrets(text, hide)


@pytest.mark.parametrize(("kind", "secret"), [(kind, one) for kind, all_of in SECRETS.items() for one in all_of])
def test_no_part_of_a_secret_is_shown_before_it_is_known_to_be_one(kind, secret):
    text = f"Here it is: {secret} and that was it."
    whole = mask_secrets(text, hide)

    for end in range(len(text) + 1):
        begun = text[:end]
        assert whole.startswith(mask_secrets(begun[: settled(begun)], hide)), (kind, end)


def test_a_long_word_is_shown_once_it_is_over():
    assert settled("so far so good") == len("so far so ")
    assert settled("so far so good ") == len("so far so good ")
    assert settled("日本語") == 3


@pytest.mark.fault("F26")
@pytest.mark.parametrize(
    "text",
    [
        "curl -H 'Authorization: Bearer YOUR_ACCESS_TOKEN' https://api.example.com",
        "Bearer YourPersonalAccessTokenHere",
        "npm_config_build_from_source_enabled_yes",
        "from sk-learn-style-estimator-v2-pipeline",
        "ghp_your_personal_access_token_here",
        "secret_rotation_schedule_for_all_production_services_v2",
    ],
)
def test_placeholders_and_names_are_no_secrets(text):
    assert mask_secrets(text, hide) == text


GITHUB = "ghp_" + A


@pytest.mark.fault("S10", "C6")
@given(
    between=st.sampled_from(
        [
            "\u200b",
            "\u00ad",
            "\x07",
            "\u2060",
            "\u202e",
            "\ufe0f",
            "\u200d",
            "\U000e0101",
            "**",
            "`",
            "~~",
            "](https://a.example)",
            "\r",
        ]
    ),
    at=st.integers(1, len(GITHUB) - 1),
    cut=st.integers(0, 60),
)
def test_a_secret_is_found_whatever_stands_in_it_that_nobody_sees(between, at, cut):
    text = f"It is {GITHUB[:at]}{between}{GITHUB[at:]} indeed"

    assert kinds_of_secrets(text) == ("GitHub token",)
    masked = mask_secrets(text, hide)
    assert A[-20:] not in masked
    assert A[:8] not in masked or A[-8:] not in masked
    grown = text[: settled(text[:cut])]
    assert masked.startswith(mask_secrets(grown, hide))


@pytest.mark.fault("S10")
@pytest.mark.parametrize(
    "written", [GITHUB.replace("_", "\\_"), GITHUB.replace("_", "&#95;"), GITHUB.replace("_", "&lowbar;")]
)
def test_a_secret_is_found_however_its_characters_are_written(written):
    assert mask_secrets(f"It is {written}, indeed", hide) == "It is [GitHub token removed], indeed"
