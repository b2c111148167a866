"""Lists of words that phrases are made of: what is dropped, what it is called, how it is said to be over."""

from __future__ import annotations

WORDS = {
    "DROP": (
        "ignor(?:e|ing)|disregard(?:ing)?|forget|overlook|neglect|discard|abandon|bypass|overrid(?:e|ing)"
        "|dismiss|omit|disobey|violate|break|circumvent|erase|revoke|cancel|void|drop|skip|reject|set aside"
        "|throw (?:away|out)|put aside|(?:leave|shake) off|pay no (?:attention|heed|mind) to|never mind|do not"
        " (?:follow|obey|listen to|comply with|adhere to|use|apply|heed)|don.?t (?:follow|obey|listen to"
        "|comply with|adhere to|use|apply|heed)|stop (?:following|obeying|listening to|using)|(?:take no"
        "|without) (?:notice|regard) (?:of|to|for)|regardless of|no longer (?:follow|obey|bound by)"
    ),
    "FILL": (
        "all|any|every|each|of|the|these|those|this|that|your|its|other|previous(?:ly)?|prior|earlier|above"
        "|preceding|former|existing|current|initial|original|old|past|system|safety|content|openai|ai|hidden"
        "|given|first|last|and|or|set|list|following|aforementioned|foregoing|default|internal|ethical|moral"
        "|standard|whatever|everything|about|in|entire|whole|such|stated|instructions?|rules?|provided"
        "|mentioned|from|programming|context|to|for|you|were"
    ),
    "RULES": (
        "instructions?|directions?|directives?|guidelines?|prompts?|commands?|restrictions?|constraints"
        "|safeguards?|guard ?rails?|programming|training|rules|polic(?:y|ies)|limitations|filters|ethics"
        "|protocols?|orders|constitution"
    ),
    "MATTER": (
        "everything|anything|all|whatever|what|text|messages?|context|conversation|words|requests?|input"
        "|query|queries|web ?page|documents?|article|content|contents|data|tasks?|questions?|things"
        "|information|paragraph|sentences?|chats?|dialogue|lines?|section|stuff|part|parts|history|discussion"
    ),
    "PRIOR": (
        "above|previous(?:ly)?|prior|preceding|earlier|foregoing|aforementioned|before(?:hand)?|so far|until"
        " now|up to (?:now|here|this point)|you (?:were|was|have been|had been|are|ve been) (?:told|given"
        "|instructed|taught|asked)|(?:i|they|he|she|we|someone|anyone|developers?|openai) (?:have |has |had"
        " )?(?:told|said|gave|given|instructed|taught) you|came before|was said|were said"
    ),
    "GONE": (
        "cancell?ed|void|revoked|obsolete|irrelevant|superseded|replaced|overridden|overwritten|suspended|null"
        "|invalid|outdated|deprecated|gone|lifted|removed|disabled|terminated|rescinded|withdrawn|deleted"
        "|erased|nullified|no longer (?:apply|applies|valid|active|relevant|in (?:effect|force)|binding|needed"
        "|count)|(?:do|does) not (?:apply|count|matter) any ?more|not (?:valid|apply|in effect)"
    ),
    "NEW": (
        "new|updated|revised|real|actual|true|only|next|primary|main|sole|ultimate|current|secret|different"
        "|another|additional|other"
    ),
    "JOB": "instructions?|task|objective|directive|goal|mission|job|assignment|purpose|priority|orders|role|rules?",
    "FREE": (
        "unrestricted|uncensored|unfiltered|unlimited|unbound|unchained|amoral|unethical|immoral|jailbroken"
        "|evil|(?:without|no|free (?:of|from)|not bound by|ignoring) (?:any |all |ethical |moral |safety "
        "|content |your |the )*(?:restrictions?|rules|filters?|limits|limitations|guidelines|censorship"
        "|instructions|constraints|ethics|morals|polic(?:y|ies)|safeguards|boundaries|system prompt)"
    ),
    "MODE": (
        "developer|dev|god|debug|debugging|admin|administrator|root|sudo|maintenance|jail ?break|unfiltered"
        "|evil|dan|stan|dude|unrestricted|uncensored|system|override|opposite|chaos|law enforcement|emergency"
        "|privileged|superuser|diagnostic"
    ),
    "SHOW": (
        "reveal|show|print|output|repeat|display|tell|give|share|leak|expose|write|recite|dump|list"
        "|summari[sz]e|copy|translate|state|return|disclose|provide|send|echo|paste|describe|quote|encode"
        "|spell|what (?:is|are|was|were)|what s"
    ),
    "SECRET": (
        "pass ?words?|pass ?phrases?|secret (?:keys?|codes?|words?|strings?)|access codes?|credentials|api"
        " keys?|secrets?"
    ),
    "NAME": (
        "classif(?:y|ying)|categori[sz](?:e|ing)|label(?:l?ing)?|summari[sz](?:e|ing)|translat(?:e|ing)"
        "|answering|extract(?:ing)?|moderating|analy[sz]ing|processing"
    ),
}
