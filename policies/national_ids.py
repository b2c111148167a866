"""Numbers that states give to persons and companies, by country.  Most check digits are python-stdnum's.

It is loaded one module a kind, and only when a policy asks for that kind.  Where one in a hundred random numbers passes
the check and nothing else marks it, a word that says what the number is must stand before it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

import msgspec

from domain.errors import ConfigError
from policies import checksums
from policies.patterns import Pattern, confirmed

_MOST_BETWEEN = r"[^\d\n]{0,24}"  # characters between the word and the number


class NationalId(msgspec.Struct, frozen=True):
    """What `regex` matches is judged by `check`: a module of python-stdnum, or a function of ours.

    `cue` is what has to stand before it, empty where the check is strict enough.
    """

    kind: str
    check: str | Callable[[str], bool]
    regex: str
    cue: str = ""

    @property
    def country(self) -> str:
        """Two capital letters: what the kind begins with."""
        return self.kind[:2].upper()


# fmt: off
NATIONAL_IDS = (
    NationalId("ar_cuit", "ar.cuit", r"\d{2}-\d{8}-\d"),
    NationalId("at_social_security", "at.vnr", r"\d{4}[ -]?\d{6}", "svnr|sv-nummer|(?:sozial)?versicherungsnummer"),
    NationalId("au_medicare", checksums.medicare, r"[2-6]\d{3}[ -]?\d{5}[ -]?\d", "medicare"),
    NationalId("au_tfn", "au.tfn", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "tfn|tax file"),
    NationalId("be_national_number", "be.nn", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}"),
    NationalId("br_cnpj", "br.cnpj", r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}"),
    NationalId("br_cpf", "br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    NationalId("ca_sin", "ca.sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "sin|nas|social insurance|assurance sociale"),
    NationalId("ch_ahv", "ch.ssn", r"756\.?\d{4}\.?\d{4}\.?\d{2}"),
    NationalId("cl_rut", "cl.rut", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]"),
    NationalId("cn_resident_id", checksums.resident_id, r"\d{17}[\dXx]"),
    NationalId("cz_birth_number", "cz.rc", r"\d{6}/\d{4}", "rodn|r[cč]"),
    NationalId("de_tax_id", "de.idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "steuer|tax id|idnr"),
    NationalId("dk_cpr", "dk.cpr", r"\d{6}-?\d{4}", "cpr|personnummer"),
    NationalId("es_dni", "es.dni", r"\d{8}-?[A-Za-z]", "dni|nif|documento"),
    NationalId("es_nie", "es.nie", r"[XYZ]-?\d{7}-?[A-Z]"),
    NationalId("fi_hetu", "fi.hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]"),
    NationalId("fr_nir", "fr.nir", r"[12] ?\d{2} ?\d{2} ?\d[0-9AB] ?\d{3} ?\d{3} ?\d{2}"),
    NationalId("gb_nhs", "gb.nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "nhs"),
    NationalId("gb_nino", checksums.nino, r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]"),
    NationalId("ie_pps", "ie.pps", r"\d{7}[A-W][A-IW]?", "pps"),
    NationalId("in_aadhaar", "in_.aadhaar", r"\d{4}[ -]?\d{4}[ -]?\d{4}", "aadh?aar|uid"),
    NationalId("in_pan", "in_.pan", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]"),
    NationalId("it_codice_fiscale", "it.codicefiscale", r"[A-Z]{6}[\dL-V]{2}[A-Z][\dL-V]{2}[A-Z][\dL-V]{3}[A-Z]"),
    NationalId("kr_rrn", "kr.rrn", r"\d{6}-\d{7}"),
    NationalId("mx_curp", "mx.curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d"),
    NationalId("nl_bsn", "nl.bsn", r"\d{4}\.?\d{2}\.?\d{3}", "bsn|burgerservice|sofi"),
    NationalId("no_birth_number", "no.fodselsnummer", r"\d{6} ?\d{5}"),
    NationalId("pl_pesel", "pl.pesel", r"\d{11}", "pesel"),
    NationalId("pt_nif", "pt.nif", r"\d{3} ?\d{3} ?\d{3}", "nif|contribuinte"),
    NationalId("ro_cnp", "ro.cnp", r"[1-9]\d{12}", "cnp|cod numeric"),
    NationalId("se_personnummer", "se.personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}"),
    NationalId("sg_nric", checksums.nric, r"[STFG]\d{7}[A-Z]"),
    NationalId("tr_identity_number", "tr.tckimlik", r"[1-9]\d{10}", r"t\.?c|kimlik"),
    NationalId("us_itin", "us.itin", r"9\d{2}-\d{2}-\d{4}"),
    NationalId("za_id", "za.idnr", r"\d{6} ?\d{4} ?\d{3}"),
)
# fmt: on
KINDS = tuple(number.kind for number in NATIONAL_IDS)
COUNTRIES = tuple(dict.fromkeys(number.country for number in NATIONAL_IDS))


def kinds_of(countries: Sequence[str]) -> tuple[str, ...]:
    """The kinds of these countries (two capital letters each)."""
    return tuple(number.kind for number in NATIONAL_IDS if number.country in countries)


def patterns(kinds: Sequence[str]) -> list[Pattern]:
    """The patterns of the chosen kinds, with their checks loaded."""
    return [
        Pattern(number.kind, _regex(number), confirmed(_test(number.check)))
        for number in NATIONAL_IDS
        if number.kind in kinds
    ]


def _regex(number: NationalId) -> str:
    return rf"(?i:\b(?:{number.cue}){_MOST_BETWEEN})\b({number.regex})\b" if number.cue else rf"\b(?:{number.regex})\b"


def _test(check: str | Callable[[str], bool]) -> Callable[[str], bool]:
    if not isinstance(check, str):
        return check
    try:
        valid: Callable[[str], bool] = importlib.import_module(f"stdnum.{check}").is_valid
    except ModuleNotFoundError:
        raise ConfigError("kinds", "national ids need python-stdnum: pip install 'preceptor[ids]'") from None
    return valid
