"""Tokens that begin with what their provider chose so that they can be recognised.

A row is a kind, its prefixes, and how many characters of the group's alphabet follow at least.  That number is at most
the published length and small enough that a token is recognised within `WINDOW` characters of its start: a text that
still grows must not hold a secret back from being known until it is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import msgspec
import re2

from policies.patterns import Match, Pattern, PatternSet, confirmed
from policies.secrets.randomness import random_token

HEX = "[A-Fa-f0-9]"
ALNUM = "[A-Za-z0-9]"
WORD = "[A-Za-z0-9_-]"
ANY = "[A-Za-z0-9_.~+/=-]"

Format = tuple[str, str, int]  # kind, prefixes with blanks between them, least number of characters that follow

# fmt: off
FORMATS: dict[str, tuple[Format, ...]] = {
    HEX: (
        ("buildkite_token", "bkua_", 36), ("databricks_token", "dapi", 30),
        ("digitalocean_token", "doo_v1_ dop_v1_ dor_v1_", 40), ("e2b_key", "e2b_", 36), ("elevenlabs_key", "sk_", 40),
        ("firecrawl_key", "fc-", 30), ("gitlab_trigger_token", "glptt-", 36),
        ("intra42_secret", "s-s4t2ud- s-s4t2af-", 40), ("lob_key", "live_pub_ test_pub_ live_ test_", 30),
        ("mailgun_key", "key- pubkey-", 30), ("pulumi_token", "pul-", 36), ("rubygems_key", "rubygems_", 40),
        ("sentry_user_token", "sntryu_", 40), ("shippo_token", "shippo_live_ shippo_test_", 36),
        ("shopify_token", "shpat_ shpca_ shppa_ shpss_", 30), ("sonar_token", "squ_ sqp_ sqa_", 36),
        ("twilio_key", "SK", 30),
    ),
    ALNUM: (
        ("adobe_secret", "p8e-", 30), ("age_key", "AGE-SECRET-KEY-1", 40), ("alibaba_key", "LTAI", 16),
        ("apify_token", "apify_api_", 30), ("artifactory_key", "AKCp cmVmd", 50),
        ("circleci_token", "CCIPAT_ CCIPRJ_", 20), ("clickhouse_key", "4b1d", 36), ("clojars_token", "CLOJARS_", 50),
        ("cockroach_key", "CCDB1_", 20), ("crates_token", "cio", 30), ("docker_token", "dckr_pat_ dckr_oat_", 20),
        ("easypost_key", "EZAK EZTK", 50), ("facebook_token", "EAA", 50),
        ("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", 36), ("groq_key", "gsk_", 40),
        ("honeycomb_key", "hcaik_ hcxik_ hcalk_ hcxlk_", 30), ("huggingface_token", "hf_ api_org_", 30),
        ("infracost_key", "ico-", 30), ("intercom_token", "dG9rO", 40), ("ionic_token", "ion_", 40),
        ("linear_key", "lin_api_ lin_oauth_", 36), ("mollie_key", "live_ test_", 30),
        ("mongodb_secret", "mdb_sa_sk_", 30), ("neon_key", "napi_", 40), ("netlify_token", "nfp_ nfc_ nfo_ nfu_", 30),
        ("new_relic_browser_key", "NRJS-", 16), ("new_relic_key", "NRAK-", 20), ("notion_token", "ntn_ secret_", 40),
        ("npm_token", "npm_", 36), ("nuget_key", "oy2", 40), ("octopus_key", "API-", 24),
        ("packagist_token", "packagist_ack_ packagist_orc_ packagist_oru_", 30),
        ("paddle_key", "pdl_live_apikey_ pdl_sdbx_apikey_", 20), ("perplexity_key", "pplx-", 40),
        ("posthog_key", "phx_ phs_ phr_", 36), ("prefect_key", "pnu_ pnb_", 30),
        ("razorpay_key", "rzp_live_ rzp_test_", 10), ("readme_key", "rdme_", 50), ("render_key", "rnd_", 24),
        ("replicate_token", "r8_", 30), ("scaleway_key", "SCW", 16),
        ("settlemint_token", "sm_aat_ sm_pat_ sm_sat_", 16),
        ("stripe_key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_", 10),
        ("stripe_webhook_secret", "whsec_", 24), ("tencent_key", "AKID", 30),
        ("trigger_dev_key", "tr_dev_ tr_prod_ tr_stg_", 16), ("unkey_key", "unkey_", 16), ("xai_key", "xai-", 50),
        ("xata_key", "xau_", 30),
    ),
    WORD: (
        ("airtable_key", "airtable_", 40), ("aiven_password", "AVNS_", 16), ("anthropic_key", "sk-ant-", 20),
        ("anyscale_key", "esecret_", 24), ("atlassian_token", "ATATT3 ATCTT3 ATBB", 24),
        ("aws_bedrock_short_key", "bedrock-api-key-", 20), ("cerebras_key", "csk-", 40),
        ("contentful_token", "CFPAT-", 36), ("dbt_token", "dbtc_ dbtu_ dbts_", 30), ("deno_token", "ddp_ ddo_", 30),
        ("duffel_token", "duffel_live_ duffel_test_", 36), ("figma_token", "figd_", 36), ("fireworks_key", "fw_", 20),
        ("flutterwave_key", "FLWSECK_TEST- FLWSECK- FLWPUBK_TEST- FLWPUBK-", 10), ("fly_token", "fo1_", 40),
        ("github_token", "github_pat_", 20), ("gitlab_runner_token", "GR1348941", 20),
        ("gitlab_token", "glpat- gldt- glft- glrt- glsoat- glffct- glwt- glagent- gloas- glimt- glcbt-", 20),
        ("gocardless_token", "live_ sandbox_", 36), ("google_api_key", "AIza", 30), ("google_oauth", "GOCSPX-", 20),
        ("google_oauth_token", "ya29.", 30), ("google_refresh_token", "1//0", 36),
        ("grafana_service_token", "glsa_", 36), ("heroku_key", "HRKU-", 36), ("langfuse_key", "sk-lf-", 30),
        ("langsmith_key", "lsv2_pt_ lsv2_sk_", 36), ("launchdarkly_key", "sdk- mob-", 36),
        ("mandrill_key", "md-", 20), ("modal_token", "ak- as-", 20), ("new_relic_insert_key", "NRII-", 30),
        ("nvidia_key", "nvapi-", 50), ("openai_key", "sk- sk-proj- sk-svcacct- sk-admin-", 20),
        ("openrouter_key", "sk-or-", 30), ("openshift_token", "sha256~", 40), ("pinecone_key", "pcsk_", 40),
        ("plaid_token", "access-sandbox- access-development- access-production-", 36),
        ("postman_key", "PMAK- PMAT-", 24), ("pypi_token", "pypi-AgEIcHlwaS5vcmc pypi-AgENdGVzdC5weXBpLm9yZw", 30),
        ("scalingo_token", "tk-us-", 40), ("sendinblue_key", "xkeysib- xsmtpsib-", 50),
        ("slack_token", "xoxa- xoxb- xoxc- xoxd- xoxe- xoxe. xoxo- xoxp- xoxr- xoxs- xapp-", 10),
        ("sourcegraph_token", "sgp_", 40), ("square_token", "sq0atp- sq0csp- EAAA", 20),
        ("stytch_secret", "secret-live- secret-test-", 30), ("supabase_token", "sbp_ sb_secret_", 24),
        ("tailscale_key", "tskey-", 16), ("tavily_key", "tvly-", 20), ("together_key", "tgp_v1_", 36),
        ("vercel_token", "vck_ vcp_ vci_ vca_ vcr_", 24), ("vk_token", "vk1.a.", 40), ("voyage_key", "pa-", 40),
        ("weights_and_biases_key", "wandb_v1_", 36), ("xendit_key", "xnd_production_ xnd_development_", 24),
        ("yandex_key", "AQVN", 30),
    ),
    ANY: (
        ("aws_bedrock_key", "ABSK", 50), ("defined_token", "dnkey-", 40),
        ("doppler_token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", 36), ("dropbox_token", "sl.", 50),
        ("duffel_token", "duffel_live_ duffel_test_", 36), ("dynatrace_token", "dt0c01. dt0s01. dt0s02. dt0s08.", 50),
        ("fly_token", "fm1a_ fm1r_ fm2_", 50), ("frameio_token", "fio-u-", 50),
        ("grafana_token", "glc_ eyJrIjoi", 30), ("hubspot_token", "pat-na1- pat-eu1- pat-na2-", 36),
        ("jwt_base64", "ZXlK", 50), ("mapbox_token", "sk.eyJ", 50), ("one_password_token", "ops_eyJ", 50),
        ("planetscale_token", "pscale_tkn_ pscale_oauth_ pscale_pw_", 30), ("sendgrid_key", "SG.", 50),
        ("sentry_org_token", "sntrys_eyJ", 50), ("twitter_bearer", "AAAAAAAAAAAAAAAAAAAA", 40),
        ("typeform_token", "tfp_", 50), ("vault_token", "hvs. hvb. hvr.", 50), ("yandex_token", "t1. y0_", 50),
    ),
}
# fmt: on
KINDS = tuple(dict.fromkeys(kind for formats in FORMATS.values() for kind, _, _ in formats))


class _Group:
    """The formats of one alphabet and one length: one pattern, by whose matches the prefix tells the kind."""

    def __init__(self, alphabet: str, least: int, kinds: dict[str, str]) -> None:
        self._kinds = kinds
        self._sizes = sorted({len(prefix) for prefix in kinds}, reverse=True)
        start = rf"\b{_any_of(kinds)}{alphabet}"
        self.pattern = Pattern("", rf"{start}{{{least},}}", confirmed(self._random), start)

    def kind(self, token: str) -> str:
        """The kind of the longest prefix."""
        return self._kinds[self._prefix(token)]

    def _random(self, token: str) -> bool:
        return random_token(token[len(self._prefix(token)) :])

    def _prefix(self, token: str) -> str:
        return next(token[:size] for size in self._sizes if token[:size] in self._kinds)


class ProviderFinder:
    """Finds the tokens of the chosen kinds, with one pattern for all formats of an alphabet and a length."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._groups = [
            _Group(alphabet, least, {prefix: kind for _, prefix, kind in rows})
            for alphabet, formats in FORMATS.items()
            for least, rows in groupby(sorted(_rows(formats, kinds)), lambda row: row[0])
        ]
        patterns = [msgspec.structs.replace(group.pattern, kind=str(n)) for n, group in enumerate(self._groups)]
        self._set = PatternSet(patterns)

    def search(self, text: str) -> Iterator[Match]:
        """Every token that is as random as tokens are, group by group."""
        for match in self._set.search(text):
            kind = self._groups[int(match.kind)].kind(text[match.start : match.end])
            yield Match(kind, match.start, match.end)


def starts(kinds: Sequence[str]) -> list[str]:
    """One pattern that matches in the beginning of the tokens of all the chosen kinds, or none."""
    prefixes = {prefix for formats in FORMATS.values() for _, prefix, _ in _rows(formats, kinds)}
    return [rf"\b{_any_of(prefixes)}[\w.~+/=-]"] if prefixes else []


def _rows(formats: Sequence[Format], kinds: Sequence[str]) -> list[tuple[int, str, str]]:
    """(least number of characters, prefix, kind) of every prefix of the chosen kinds."""
    return [(least, prefix, kind) for kind, prefixes, least in formats if kind in kinds for prefix in prefixes.split()]


def _any_of(prefixes: Iterable[str]) -> str:
    """Matches the longest of the prefixes that fits."""
    return f"(?:{'|'.join(re2.escape(prefix) for prefix in sorted(prefixes, key=len, reverse=True))})"
