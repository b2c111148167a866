"""Secrets without a prefix of their own: known by their inner structure, or by what stands before."""

from __future__ import annotations

from collections.abc import Sequence

from policies.patterns import Pattern, PatternSet, confirmed
from policies.secrets.randomness import no_placeholder, random_enough, random_key

_SET = r"['\"]?\s*(?::=|=>|:|=)\s*"
_NAMED = (
    r"(?i)(?:(?:access|account|api|encryption|license|private|secret(?:[_-]?access)?|signing)[ _-]?key|secret"
    r"|passw(?:or)?d|passphrase|pwd|credentials?|(?:access|api|auth|bot|refresh|session)[ _-]?token)" + _SET
)
_SERVICES = (
    "adafruit adobe airtable algolia alibaba artifactory asana atlassian beamer bintray bitbucket bittrex cloudflare"
    " codecov cohere coinbase confluence confluent contentful datadog discord droneci dropbox etsy facebook fastly"
    " finicity finnhub flickr freshbooks gitter gocardless heroku hubspot intercom jfrog jira kraken kucoin"
    " launchdarkly linear linked[_-]?in lob looker mailchimp mailgun mapbox mattermost meraki message[_-]?bird netlify"
    " new[_-]?relic newyorktimes nytimes okta opsgenie pagerduty plaid private[_-]?ai rapidapi rollbar segment sendbird"
    " sentry shodan snyk sonar sourcegraph squarespace sumo sumologic travis twilio twitch twitter typeform yandex"
    " zendesk"
)
_SERVICE = rf"(?i)(?:{'|'.join(_SERVICES.split())})[\w.-]*['\"]?\s*(?::=|=>|[:=])\s*['\"]?"
_URL_USER = r"[A-Za-z0-9+.-]://[^\s/:@]*:"
_UUID = r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
_PEM = r"-----BEGIN[A-Z0-9 _-]{0,30}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END[A-Z0-9 ]{0,60}-----|\z)"
_CURL_USER = r"\bcurl\b[^\n]*?\s(?:-u|--user)[= ]{1,2}['\"]?[^\s:'\"]+:"
_XML_ENTRY = r"(?i)\bkey=\"(?:cleartext)?password\"\s+value="
_AUTHORIZATION = r"(?i)\b(?:bearer|basic)\s{1,3}"
_HEADER = r"(?i)\bauthorization['\"]?:\s*(?:(?:api)?token\s)?"
_RANDOM, _WRITTEN = confirmed(random_enough), confirmed(no_placeholder)

PATTERNS = (
    Pattern(
        "aws_access_key",
        r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
        hint=r"\bA(?:3T|KIA|SIA|BIA|CCA)[A-Z0-9]",
    ),
    Pattern("aws_mws_token", rf"\bamzn\.mws\.{_UUID}", hint=r"\bamzn\.mws\."),
    Pattern("airtable_token", r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{30,}", hint=r"\bpat[A-Za-z0-9]+\.[a-f0-9]"),
    Pattern(
        "authress_key",
        r"\b(?:sc|ext|scauth|authress)_[a-z0-9]{5,16}\.[a-z0-9]{4,6}\.acc[_-][\w.+/=-]{20,}",
        hint=r"\b(?:sc|ext|scauth|authress)_[a-z0-9]+\.",
    ),
    Pattern("azure_ad_secret", r"\b\w[\w~.]{2}\dQ~[\w~.-]{30,}", _RANDOM, r"\dQ~"),
    Pattern(
        "braintree_token",
        r"\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{8,}",
        hint=r"\baccess_token\$",
    ),
    Pattern("clickup_token", r"\bpk_\d{4,12}_[A-Z0-9]{30,}", hint=r"\bpk_\d+_"),
    Pattern("cloudflare_origin_key", r"\bv1\.0-[a-f0-9]{24}-[a-f0-9]{24,}", hint=r"\bv1\.0-[a-f0-9]"),
    Pattern(
        "discord_bot_token", r"\b[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}", _RANDOM, r"\b[MNO][\w-]+\.[\w-]+\.[\w-]"
    ),
    Pattern("facebook_app_token", r"\b\d{15,16}(?:\||%(?:7[Cc])?)[\w-]{24,}", hint=r"\b\d+[|%]"),
    Pattern("mailchimp_key", r"\b[a-f0-9]{32}-us\d{1,2}\b", hint=r"[a-f0-9]-us\d"),
    Pattern("maxmind_key", r"\b[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk", hint="_mmk"),
    Pattern("one_password_key", r"\bA3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){4,5}\b", hint=r"\bA3-[A-Z0-9]"),
    Pattern("telegram_token", r"\b\d{5,16}:A[\w-]{34,}", _RANDOM, r"\b\d+:A"),
    Pattern("terraform_token", r"\b[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{30,}", hint=r"\b[A-Za-z0-9]+\.atlasv1\."),
    Pattern("vault_token", r"\bs\.[A-Za-z0-9]{24}\b", confirmed(random_key), r"\bs\.[A-Za-z0-9]"),
    Pattern(
        "webhook", r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[\w+/-]{20,}", hint=r"\bhooks\.slack\.com/"
    ),
    Pattern("webhook", r"\bwebhook\.office\.com/webhookb2/[\w@/-]{30,}", hint=r"\bwebhook\.office\.com/"),
    Pattern(
        "webhook", r"\bdiscord(?:app)?\.com/api/webhooks/\d{15,20}/[\w-]{12,}", hint=r"\bdiscord(?:app)?\.com/api/"
    ),
    Pattern("webhook", r"\bhooks\.zapier\.com/hooks/catch/\d{1,12}/[\w-]{6,}", hint=r"\bhooks\.zapier\.com/"),
    Pattern("curl_password", _CURL_USER + r"([^\s'\"]{3,})", _WRITTEN, _CURL_USER),
    Pattern("authorization", _HEADER + r"([\w.~+/=@-]{12,})", _RANDOM, _HEADER + r"[\w.~+/=@-]"),
    Pattern("authorization", _AUTHORIZATION + r"([\w.~+/-]{20,}=*)", _RANDOM, _AUTHORIZATION + r"[\w.~+/-]{12}"),
    # To the next blank: a secret may contain any punctuation, and a tail left behind is a leak.
    Pattern("assignment", _NAMED + r"([^\s'\"]\S{7,})", _RANDOM, _NAMED),
    Pattern("assignment", _NAMED + r"\"([^\"\n]{8,})\"", _RANDOM, _NAMED),
    Pattern("assignment", _NAMED + r"'([^'\n]{8,})'", _RANDOM, _NAMED),
    Pattern("assignment", _XML_ENTRY + r"\"([^\"\n]{8,})\"", _WRITTEN, _XML_ENTRY),
    Pattern("gitlab_session", r"\b_gitlab_session=([0-9a-z]{28,})", hint=r"\b_gitlab_session="),
    Pattern(
        "harness_key", r"\b[ps]at\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{4,}", hint=r"\b[ps]at\.[\w-]+\.[A-Za-z0-9]"
    ),
    Pattern("jwt", r"\bey[A-Z][\w-]{10,}\.ey[\w/\\-]{10,}\.[\w/\\-]*={0,2}", _RANDOM, r"\bey[A-Z]"),
    Pattern("private_key", _PEM, hint="-----BEGIN"),  # one that was cut off before its last line is a key all the same
    Pattern("service_key", _SERVICE + r"([\w.+/=%-]{14,})", confirmed(random_key), _SERVICE + r"[\w.+/=%-]"),
    # As far as an `@` may follow: a password can hold some, and what is left of it is a leak.
    Pattern("url_password", _URL_USER + r"([^\s/@]+(?:@[^\s/@]{0,32}){0,4})@[^\s/@]", _WRITTEN, _URL_USER),
)
KINDS = tuple(dict.fromkeys(pattern.kind for pattern in PATTERNS))
# What makes these certain (a closing quote, a second dot, an `@`, a last line) may come any number of characters after
# their start: their triggers match from there to where it may be, the end of the line for quotes.
_LATE = {
    "assignment": rf"(?:{_NAMED}|{_XML_ENTRY})(?:['\"][^\n]*)?",
    "jwt": r"\bey[A-Z][\w./\\=-]+",
    "private_key": _PEM,
    "url_password": _URL_USER + r"[^\s/]+",
}


def late_triggers(kinds: Sequence[str]) -> list[str]:
    """One pattern for each of the chosen kinds whose secrets are certain late."""
    return [trigger for kind, trigger in _LATE.items() if kind in kinds]


def starts(kinds: Sequence[str]) -> list[str]:
    """Patterns that match in the beginning of the secrets of the other chosen kinds, or before it."""
    return [pattern.hint for pattern in PATTERNS if pattern.kind in kinds and pattern.kind not in _LATE]


def finder(kinds: Sequence[str]) -> PatternSet:
    """The patterns of the chosen kinds."""
    return PatternSet([pattern for pattern in PATTERNS if pattern.kind in kinds])
