from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.national_ids import COUNTRIES, KINDS, NATIONAL_IDS, NationalId, kinds_of, patterns
from policies.patterns import PatternSet

# Published examples; what stands before the number is there for those that need a word.
VALID = {
    "ar_cuit": "20-05536168-2",
    "at_social_security": "SVNR 1237 010180",
    "au_medicare": "Medicare card: 2123 45670 1",
    "au_tfn": "TFN is 123 456 782",
    "be_national_number": "85.07.30-033.28",
    "br_cnpj": "16.727.230/0001-97",
    "br_cpf": "390.533.447-05",
    "ca_sin": "SIN 123-456-782",
    "ch_ahv": "756.9217.0769.85",
    "cl_rut": "12.531.909-2",
    "cn_resident_id": "360426199101010071",
    "cz_birth_number": "rodné číslo 710319/2745",
    "de_tax_id": "Steuer-ID 36 574 261 809",
    "dk_cpr": "CPR 211062-5629",
    "es_dni": "DNI 54362315K",
    "es_nie": "X-2482300W",
    "fi_hetu": "131052-308T",
    "fr_nir": "2 95 10 99 126 111 93",
    "gb_nhs": "NHS number: 943 476 5870",
    "gb_nino": "AB 12 34 56 C",
    "ie_pps": "PPS 6433435F",
    "in_aadhaar": "aadhaar no. 2341 2341 2346",
    "in_pan": "ACUPA7085R",
    "it_codice_fiscale": "RCCMNL83S18D969H",
    "kr_rrn": "971013-9019902",
    "mx_curp": "BOXW310820HNERXN09",
    "nl_bsn": "BSN: 1112.22.333",
    "no_birth_number": "151086 95088",
    "pl_pesel": "PESEL 44051401359",
    "pt_nif": "NIF 501 964 843",
    "ro_cnp": "CNP 1630615123457",
    "se_personnummer": "880320-0016",
    "sg_nric": "S1234567D",
    "tr_identity_number": "T.C. kimlik no 17291716060",
    "us_itin": "912-90-3456",
    "za_id": "750330 5044089",
}
FORMAT_ONLY = {"gb_nino", "in_pan", "us_itin", "dk_cpr"}  # no check digit, or none any more
ALL = PatternSet(patterns(KINDS))


def found(text: str) -> set[str]:
    """The kinds found in a text."""
    return {match.kind for match in ALL.find(text)}


def test_every_kind_has_an_example() -> None:
    """A kind that no row exercises could stop working unseen."""
    assert set(VALID) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("around", ["{}", "it is {}, thanks", "é\u00a0({})\n"])
def test_published_examples_are_found(kind: str, around: str) -> None:
    """Each kind in the notation that people use, whatever stands around it."""
    assert kind in found(around.format(VALID[kind]))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - FORMAT_ONLY))
def test_a_wrong_digit_is_noticed(kind: str) -> None:
    """Of all numbers that differ from a valid one in one digit, at most one in ten passes (one in eleven by nature)."""
    example = VALID[kind]
    places = [place for place, letter in enumerate(example) if letter.isdigit()]
    wrong = [
        example[:place] + digit + example[place + 1 :]
        for place in places
        for digit in "0123456789"
        if digit != example[place]
    ]
    passed = [text for text in wrong if kind in found(text)]
    assert len(passed) <= len(wrong) / 10, passed


@pytest.mark.parametrize("number", [number for number in NATIONAL_IDS if number.cue], ids=lambda number: number.kind)
def test_a_number_with_a_weak_check_needs_its_word(number: NationalId) -> None:
    """Every tenth order number passes such a check: alone, on another line or after other digits it is none."""
    kind, example = number.kind, VALID[number.kind]
    word, digits = example[: _first_digit(example)], example[_first_digit(example) :]
    assert kind not in found(f"order {digits}")
    assert kind not in found(f"{word}\n{digits}")
    assert kind not in found(f"{word} 7 and {digits}")
    assert kind in found(f"{word.upper()}{digits}")


def _first_digit(text: str) -> int:
    return next(place for place, letter in enumerate(text) if letter.isdigit())


def test_kinds_belong_to_countries() -> None:
    """A policy names countries, and gets all that is known of them."""
    assert kinds_of(("GB", "ES")) == ("es_dni", "es_nie", "gb_nhs", "gb_nino")
    assert kinds_of(COUNTRIES) == KINDS
    assert kinds_of(()) == ()


@given(st.text(st.sampled_from("0123456789 .-/ABXnhs"), max_size=60))
def test_no_text_makes_a_check_fail(text: str) -> None:
    """Whatever the patterns let through to them, the checks answer."""
    for match in ALL.find(text):
        assert match.kind in KINDS
