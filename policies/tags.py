"""What a browser would run or draw: HTML tags, event handlers, script URLs; and what a terminal would obey."""

from __future__ import annotations

from typing import Any

import re2

# Elements that load, run or send; and those that only draw.
_ACTIVE = (
    "a|script|iframe|img|image|svg|object|embed|applet|link|style|base|form|meta|video|audio|source|track|picture|input"
    "|button|textarea|select|marquee|math|body|html|head|template|slot|frame|frameset|portal|details|dialog|bgsound"
    "|isindex|keygen|noscript|noembed|noframes|plaintext|listing|xmp|xml|layer|ilayer|animate|animatetransform|set"
    "|foreignobject|use|area|map|canvas|menu|param|title"
)
_DRAWN = (
    "abbr|acronym|address|article|aside|bdi|bdo|big|blink|blockquote|br|caption|center|cite|code|col|colgroup|data"
    "|datalist|dd|del|dfn|dir|div|dl|dt|em|fieldset|figcaption|figure|font|footer|g|h[1-6]|header|hgroup|hr|ins|kbd"
    "|label|legend|li|main|mark|meter|nav|nobr|ol|optgroup|option|output|path|pre|progress|rp|rt|ruby|samp|section"
    "|small|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|time|tr|tt|ul|var|wbr"
)
_RUNS_ALONE = frozenset(
    {"script", "style", "iframe", "svg", "img", "body", "math", "embed", "base", "plaintext", "xmp"}
)

# A tag need not be closed: a browser goes on to the next `>`.  A letter and a blank may be a comparison, unless it is
# an anchor or an attribute follows.  The tag is group 1; the letter before it tells type arguments.
TAG = (
    rf"(?i)\w?(<(?:/?(?:{_ACTIVE}|{_DRAWN})(?:>|[\s/][^<>]*>?)"
    r"|/[bipqsu]\s{0,8}>|[bipqsu](?:\s{0,8}/?>|[\s/][^>=]{0,60}=[^<>]*>?)"
    r"|(?:!(?:--|doctype|\[cdata\[|entity)|\?(?:xml|php|=))[^<>]*>?))"
)
# The same in the escapes of JavaScript and of URLs, and in letters that some databases turn into `<`.
ESCAPED_TAG = (
    rf"(?i)((?:\\u003c|\\x3c|%3c|[\x{{FF1C}}\x{{FE64}}])\s{{0,4}}(?:/|\\/|%2f)?\s{{0,4}}(?:{_ACTIVE}|div|p))\b"
)
# Outside a tag, too: text may land in an attribute, or behind an element that nobody has heard of.
HANDLER = (
    r"(?i)[\s\"'`/>](on(?:abort|after|animation|auxclick|before|begin|blur|cancel|canplay|change|click|close|contextmenu|copy"
    r"|cue|cut|dbl|drag|drop|duration|emptied|end|error|filter|finish|focus|formdata|fullscreen|gotpointer|hash|input"
    r"|invalid|key|language|load|lostpointer|message|mouse|offline|online|open|page|paste|pause|play|pointer|popstate"
    r"|progress|property|ratechange|readystate|repeat|reset|resize|scroll|search|security|seek|select|show|slot|stalled"
    r"|start|storage|submit|suspend|time|toggle|touch|transition|unhandled|unload|volume|wait|webkit|wheel|zoom)[a-z]{0,16}"
    r"\s{0,8}=\s{0,8}(?:\"[^\"]*\"?|'[^']*'?|[^\s\"'>=]+))"
)


def _disguised(word: str) -> str:
    """A word whose letters may be escaped, with what browsers skip between them."""
    skipped = r"(?:[\x01-\x08\t\r\n]|&(?:tab|newline);|&#x?0{0,5}(?:9|10|13|a|d);?|%0[9ad])*"
    letters = (
        rf"(?:{letter}|&#0{{0,5}}(?:{ord(letter)}|{ord(letter.upper())});?|&#x0{{0,5}}(?:{ord(letter):x}"
        rf"|{ord(letter.upper()):x});?|%(?:{ord(letter):x}|{ord(letter.upper()):x})|\\(?:u00|x)(?:{ord(letter):x}"
        rf"|{ord(letter.upper()):x}))"
        for letter in word
    )
    colon = r"(?::|&colon;|&#0{0,5}58;?|&#x0{0,5}3a;?|%3a|\\(?:u00|x)3a)"
    return skipped.join((*letters, colon))


# A language is discussed with a blank behind the colon; where a target is expected a blank does not matter.
_EXPECTED = r"(?:=\s{0,4}[\"'`]?|\(\s{0,4}<?|\"\s{0,4}|'\s{0,4}|\]:\s{0,4}|<)"
_SCHEME = f"({'|'.join(map(_disguised, ('javascript', 'vbscript', 'livescript')))})"  # group 1: up to the colon
EXPECTED_SCRIPT_URL = rf"(?i){_EXPECTED}{_SCHEME}[^\s<>\"]*"
SCRIPT_URL = rf"(?i){_SCHEME}[^\s][^\s<>\"]*"
DATA_URL = (
    r"(?i)\b(data:)\s{0,4}(?:text|image|application|audio|video|multipart|font|model|message)/[a-z0-9.+-]{1,64}[;,]"
    r"[^\s<>\"]*"
)
# Escape sequences, and control characters that are no white space.  NUL separates texts in the prefilter.
CONTROL = (
    r"((?:\x1B(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1B\x{9C}]*(?:\x07|\x1B\\|\x{9C})?|[ -/]*[0-~]?)"
    r"|\x{9B}[0-?]*[ -/]*[@-~]?|[\x01-\x08\x0B\x0C\x0E-\x1A\x1C-\x1F\x7F-\x{84}\x{86}-\x{9F}])+)"
)

_type_argument: Any = re2.compile(r"\w<([A-Z][a-z0-9]+)>")


def is_tag(found: str) -> bool:
    """Whether a match of `TAG` is one, and not the type argument of a programming language, such as `List<Object>`."""
    match = _type_argument.fullmatch(found)
    return match is None or match.group(1).lower() in _RUNS_ALONE
