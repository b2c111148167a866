from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Stage
from policies.checks.secrets import KINDS, Options, SecretsCheck
from policies.secrets.providers import ALNUM, ANY, FORMATS, HEX, WORD
from tests.contract.check_window import keeps_its_window

CHECK = SecretsCheck(Options())

# Put together here, so that no scanner takes this file for a leak.
TAIL = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6hJ9k"
UPPER = "Q3EXAMPLE7KEYZ2A"
PEM = "-----BEGIN {}PRIVATE KEY{}-----"
CASES = [
    ("aws_access_key", "AK" + "IA" + UPPER),
    ("aws_access_key", "AS" + "IA" + UPPER),
    ("github_token", "gh" + "p_" + TAIL[:36]),
    ("github_token", "gh" + "s_" + TAIL),
    ("github_token", "github" + "_pat_" + TAIL[:22] + "_" + TAIL),
    ("gitlab_token", "gl" + "pat-" + TAIL[:20]),
    ("anthropic_key", "sk-" + "ant-api03-" + TAIL + "-" + TAIL),
    ("openai_key", "sk-" + TAIL),
    ("openai_key", "sk-" + "proj-" + TAIL + "_" + TAIL),
    ("openai_key", "sk-" + "svcacct-" + TAIL),
    ("slack_token", "xo" + "xb-1234567890-" + TAIL[:24]),
    ("slack_token", "xa" + "pp-1-A1B2C3-" + TAIL[:24]),
    ("webhook", "hooks." + "slack.com/services/T00000000/B00000000/" + TAIL[:24]),
    ("stripe_key", "sk_" + "live_" + TAIL[:24]),
    ("stripe_key", "rk_" + "test_" + TAIL[:24]),
    ("google_api_key", "AI" + "za" + TAIL[:35]),
    ("google_oauth", "GOC" + "SPX-" + TAIL[:28]),
    ("huggingface_token", "hf" + "_" + TAIL[:34]),
    ("npm_token", "np" + "m_" + TAIL[:36]),
    ("pypi_token", "py" + "pi-AgEIcHlwaS5vcmc" + TAIL + TAIL),
    ("sendgrid_key", "S" + "G." + TAIL[:22] + "." + TAIL + "abc"),
    ("telegram_token", "123456789" + ":AA" + TAIL[:33]),
    ("jwt", "ey" + "J" + TAIL + ".ey" + "J" + TAIL + "." + TAIL),
    ("aws_mws_token", "amzn" + ".mws.0f8fad5b-d9cb-469f-a165-70867728950e"),
    ("airtable_token", "pat" + TAIL[:14] + "." + "3f9a0c7b" * 8),
    ("authress_key", "sc" + "_a1b2c3d4.x9y8.acc-0123456789." + TAIL),
    ("azure_ad_secret", "aB3" + "8Q~" + TAIL[:34]),
    ("braintree_token", "access" + "_token$production$3f9a0c7be1d2486f$" + "3f9a0c7b" * 4),
    ("clickup_token", "pk" + "_12345678_" + "Q7EXAMPLE3KEYZ2A" * 2),
    ("cloudflare_origin_key", "v1" + ".0-" + "3f9a0c7b" * 3 + "-" + "3f9a0c7be1" * 14),
    ("discord_bot_token", "M" + TAIL[:24] + "." + TAIL[:6] + "." + TAIL[:27]),
    ("facebook_app_token", "1234567890123456" + "|" + TAIL[:27]),
    ("harness_key", "pat" + "." + TAIL[:22] + "." + TAIL[:24] + "." + TAIL[:20]),
    ("mailchimp_key", "3f9a0c7be1d2486f5a9c0b7d3e1f2a4c" + "-us12"),
    ("maxmind_key", TAIL[:6] + "_" + TAIL[:29] + "_mmk"),
    ("one_password_key", "A3" + "-Q7W3E9-R5T1Y8U2I4O-Q7W3E-R5T1Y-U2I4O"),
    ("terraform_token", TAIL[:14] + ".atlasv1" + "." + TAIL + TAIL[:20]),
    ("vault_token", "s" + "." + TAIL[:24]),
    ("webhook", "webhook.office" + ".com/webhookb2/0f8fad5b-d9cb-469f-a165-70867728950e@0f8fad5b"),
    ("webhook", "discord.com" + "/api/webhooks/123456789012345678/" + TAIL),
    ("webhook", "hooks.zapier" + ".com/hooks/catch/1234567/abc9def"),
    ("jwt", "ey" + "J" + TAIL + ".ey" + "J" + TAIL + "."),
    ("private_key", PEM.format("", "") + f"\n{TAIL}\n-----END PRIVATE KEY-----"),
    ("private_key", PEM.format("RSA ", "") + f"\n{TAIL}\n-----END RSA PRIVATE KEY-----"),
    ("private_key", PEM.format("PGP ", " BLOCK") + f"\n\n{TAIL}\n-----END PGP PRIVATE KEY BLOCK-----"),
    ("private_key", PEM.format("OPENSSH ", "") + f"\n{TAIL}\n{TAIL}"),
]
# One token of every prefix, from the letters of its alphabet.
BODIES = {
    HEX: "3f9a0c7be1d2486f5a9c0b7d3e1f2a4c7b6d5e4f3a2b1c0d",
    ALNUM: TAIL + TAIL,
    WORD: TAIL[:9] + "-" + TAIL + "_" + TAIL,
    ANY: TAIL + "." + TAIL,
}
PREFIXED = [
    (kind, prefix + BODIES[alphabet])
    for alphabet, formats in FORMATS.items()
    for kind, prefixes, _ in formats
    for prefix in prefixes.split()
]
IN_CONTEXT = [
    ("gitlab_session", "Cookie: _gitlab_session={}", "3f9a0c7be1d2486f5a9c0b7d3e1f2a4c"),
    ("service_key", 'datadog_app = "{}"', "3f9a0c7be1d2486f5a9c0b7d3e1f2a4c"),
    ("service_key", "TwilioSid: {}", "3f9a0c7be1d2486f5a9c0b7d"),
    ("curl_password", "curl -s https://example.org -u ann:{}", "hunter2"),
    ("curl_password", "curl --user 'ann:{}' https://example.org", "hunter2"),
    ("authorization", "Authorization: token {}", TAIL),
    ("assignment", "my api key: {}", TAIL),
    ("assignment", '<add key="ClearTextPassword" value="{}" />', "hunter2hunter"),
    ("url_password", "amqp://guest:{}@mq", "pass@word@1"),
    ("url_password", "postgres://app:{}@db.internal:5432/app", "s3cr3t-p4ss"),
    ("url_password", "https://user:{}@example.org", "p@ss:w0rd"),
    ("url_password", "redis://:{}@cache:6379/0", "hunter22"),
    ("authorization", "Authorization: Bearer {}", TAIL),
    ("authorization", "authorization: basic {}", "dXNlcjpwYXNzd29yZDEyMzQ1Njc4OTA="),
    ("assignment", "password={}", "tr0ub4dor&3"),
    ("assignment", "Password: {}", "tr0ub4dor,3)x;y"),
    ("assignment", "DB_PASSWORD={}", "9f8e7d6c5b4a"),
    ("assignment", "api_key = '{}'", "9f8e 7d6c 5b4a"),
    ("assignment", '{{"client_secret": "{}"}}', "9f8e7d6c,5b4a"),
    ("assignment", "aws_secret_access_key = {}", TAIL),
    ("assignment", "x-api-key: {}", "9f8e7d6c5b4a"),
    ("assignment", "pwd => {}", "9f8e7d6c5b4a"),
    ("assignment", "auth-token := {}", "9f8e7d6c5b4a"),
    ("assignment", "AccountKey={}", TAIL + "=="),
]


def found(text: str, check: SecretsCheck = CHECK) -> list[tuple[str, str]]:
    """Kind and characters of every span in one text."""
    decision = check.inspect(Subject(Stage.OUTPUT, (text,)))
    return [(span.kind, text[span.start : span.end]) for span in decision.spans] if decision else []


@pytest.mark.parametrize(("kind", "secret"), CASES)
@pytest.mark.parametrize("around", ["{}", "the key is {} and it works", "é\u00a0{}\n", "({})", '["{}", 1]'])
def test_a_token_is_found_whole(kind: str, secret: str, around: str) -> None:
    """From its first to its last character: redacting it leaves nothing that could be used."""
    spans = found(around.format(secret))
    cut_short = secret.endswith(TAIL) and kind == "private_key"  # without its last line a key ends with the text
    assert any(name == kind and (value == secret or (cut_short and value.startswith(secret))) for name, value in spans)


@pytest.mark.parametrize(("kind", "token"), PREFIXED)
def test_every_prefix_of_a_provider_is_known(kind: str, token: str) -> None:
    """What begins as the provider's tokens do and goes on as they do is found, to its end."""
    assert (kind, token) in found(f"use {token} now")
    assert found(f"use {token[:9]} now") == []


@pytest.mark.parametrize(("kind", "around", "secret"), IN_CONTEXT)
def test_a_secret_is_known_by_what_stands_before_it(kind: str, around: str, secret: str) -> None:
    """The value alone is covered, all of it, whatever punctuation it holds."""
    assert (kind, secret) in found(around.format(secret))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I would like a refund, please.",
        "I forgot my password. How do I reset the password?",
        "password: ********",
        "password=changeme",
        "password: aaaaaaa1",
        "password: xxxxxxxxxxxx",
        "password=${DB_PASSWORD1}",
        "password = <your-password-1>",
        "api_key = your-api-key-123",
        "api_key=$OPENAI_API_KEY2",
        "secret: {{ vault_secret_1 }}",
        "my secretary: Mrs Smith 1234567",
        "max_tokens=1000000000",
        "sk-learn-is-a-python-library-for-machine-learning",
        "sk-short1",
        "sk-" + "x" * 40,
        "hf_transformers and live_updates, test_driven_development_of_a_large_system",
        "Discord: https://discord.gg/abcdefgh1234567",
        "Twitter: someone_with_long_name",
        "linear: 2023-10-15T12:30:00",
        "key-value-store and API-FIRST",
        "as-is and pa-system",
        "Authorization: see the manual",
        "curl -u ann https://example.org",
        "AK" + "IA1234",
        "gh" + "p_tooshort",
        "AIzaBell",
        "eyJhbGciOiJIUzI1NiJ9",
        "https://example.org:8080/path@2x.png",
        "https://user@example.org",
        "ftp://user:pass@example.org",
        "postgres://user:${PASSWORD}@host",
        "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
        "hf_transformers_are_all_you_need_to_begin",
        "the bearer of this letter",
        "order 4711-0815, tracking 1Z999AA10123456784",
    ],
)
def test_words_placeholders_and_public_things_are_no_secrets(text: str) -> None:
    """Support traffic talks about passwords all day; templates and public keys give nothing away."""
    assert found(text) == []


def test_every_kind_has_a_case() -> None:
    """A pattern that no row exercises could stop working unseen."""
    assert {kind for kind, *_ in (*CASES, *PREFIXED, *IN_CONTEXT)} == set(KINDS)


def test_only_the_kinds_asked_for_are_found() -> None:
    """A task may leave out the guesses and keep the tokens."""
    check = SecretsCheck(Options(kinds=("npm_token",)))
    assert found("password=9f8e7d6c5b4a", check) == []
    assert found("np" + "m_" + TAIL[:36], check) == [("npm_token", "npm_" + TAIL[:36])]


@pytest.mark.parametrize("kinds", [(), ("npm",), ("npm_token", "npm")])
def test_unknown_kinds_are_refused(kinds: tuple[str, ...]) -> None:
    """A misspelt kind must not quietly look for nothing."""
    with pytest.raises(ConfigError) as caught:
        Options(kinds=kinds)
    assert caught.value.path == "kinds"


def test_one_finding_is_enough_where_nothing_is_redacted() -> None:
    """Without redaction the check stops at the first thing found, which is one that the full search finds too."""
    subject = Subject(Stage.INPUT, ("nothing here", "AKIAQYLPMN5HXIZ7K2QF and glpat-aB3dE6gH9jK2mN5pQ8sT"), (), "")
    one, every = SecretsCheck(Options(), all_spans=False).inspect(subject), SecretsCheck(Options()).inspect(subject)
    assert one is not None
    assert every is not None
    assert len(one.spans) == 1 < len(every.spans) == 2
    assert one.spans[0] in every.spans
    assert SecretsCheck(Options(), all_spans=False).inspect(Subject(Stage.INPUT, ("fine",), (), "")) is None


PIECES = (
    TAIL, TAIL[:20], TAIL[:9], BODIES[HEX], "-", "_", ".", "=", " ", "\n", '"', "'", "@", "/", ":", "\\", "é", "x",
    "password=", 'password: "', "token='", "api_key=", "eyJ", ".eyJ", "https://u:", "@h", "-----BEGIN ", "RSA ",
    "PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "Bearer ", "curl -u a:", "s.", "A3-", "AKIA", "discord_key: ",
    "-us1", "123456789:A", "12345678", "MTA", "hooks.slack.com/services/", 'key="password" value="', "pat", ".atlasv1.",
    "access_token$production$", "authorization: ",
)  # fmt: skip
PREFIXES = [prefix for formats in FORMATS.values() for _, prefixes, _ in formats for prefix in prefixes.split()]


@given(st.lists(st.sampled_from(PIECES) | st.sampled_from(PREFIXES), max_size=16).map("".join), st.data())
def test_a_text_that_grows_keeps_what_was_found(text: str, data: st.DataObject) -> None:
    """The promise of `window`, for a text and any beginning of it."""
    keeps_its_window(CHECK, text, data.draw(st.integers(0, len(text))))


@pytest.mark.parametrize(("kind", "token"), [(kind, token) for kind, token in CASES if len(token) > 60])
def test_a_token_is_held_back_before_its_window_ends(kind: str, token: str) -> None:
    """However slowly a token comes, it is known or announced while its beginning is still in the window."""
    check = SecretsCheck(Options(kinds=(kind,)))
    for cut in range(60, len(token), 5):
        keeps_its_window(check, f"use {token}", cut)
