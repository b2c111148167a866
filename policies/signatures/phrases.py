"""How injections are worded in English, by family.  See `policies.signatures.patterns` for how a phrase is written."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, ...]] = {
    "override": (
        r"\b(?:{DROP})(?: (?:{FILL}))* (?:{RULES})\b",
        r"\b(?:{DROP})(?: (?:{FILL}))* (?:{MATTER})(?: \w+){0,3} (?:{PRIOR})\b",
        r"\b(?:{DROP})(?: (?:{FILL}))* (?:above|previous|preceding|prior|foregoing|before) (?:{MATTER})\b",
        r"\b(?:ignor(?:e|ing)|disregard|forget|overlook|neglect|discard|omit) (?:all |the |everything |anything "
        r"|what is |what s |that is )*(?:above|foregoing|preceding|aforementioned)\b",
        r"\b(?:{RULES}|(?:previous|prior|earlier|above) \w+|(?:text|message|everything|context|all)(?: \w+){0,3}"
        r" (?:{PRIOR}))(?: \w+){0,3} (?:(?:is|are|was|were|have|has|been|now|hereby|all|become|completely|totally"
        r"|considered|therefore) )*(?:{GONE})\b",
        r"\byour (?:instructions?|guidelines?|programming|directives?|training|prompt) (?:have been|has been|were"
        r"|was|are now) (?:updated|changed)\b",
        r"\b(?:{NEW}) (?:{JOB}) ?(?:[:\n]|is\b|are\b|from\b|begins?\b|starts?\b|follows?\b)",
        r"\b(?:your|the) (?:new|real|actual|true|sole|primary|prime|ultimate) (?:{JOB})\b",
        r"\b(?:instead of|rather than|do not|don.?t|stop|skip|exit|quit|leave|forget|no need to|cease)(?: the)?"
        r" (?:{NAME}) (?:this|it|that|the|above|anything|and|mode|task|text)\b",
        r"\b(?:skip|exit|quit|leave|drop|abandon|end|stop|forget)(?: (?:the|your|this|current|assigned|original))*"
        " (?:classification|categori[sz]ation|labell?ing|summary|assigned task|current task|original task|task"
        r"|role|persona|character)\b",
        r"\b(?:overrid|supersed|replac|invalidat|cancel|nullif)(?:es|e|ing|y|ies) (?:all|any|every|your|everything"
        r"|previous|prior|earlier|the previous|the above)\b",
        r"\b(?:priority|precedence) over (?:all|any|every|your|everything|previous|prior|other|the)\b",
        r"\b(?:reset|clear|wipe|erase|delete|purge|flush|empty) (?:all )?(?:of )?(?:your|the|this) (?:memory"
        r"|context|instructions?|conversation|state|prompt|programming)\b",
        r"\byou(?: .? ?(?:re|are))?(?: \w+)? (?:do not|don.?t|no longer|need not|not)(?: \w+)? (?:have to|need to"
        "|required to|obliged to|bound (?:by|to)|must|should|to)?(?: ?)(?:follow|comply|obey|adhere|restricted"
        r"|bound|limited)\b",
        r"\b(?:obey|comply with) (?:only )?me\b|\b(?:obey|listen to|comply with|follow|execute) (?:only )?(?:mine"
        "|my (?:commands?|orders|instructions)|what follows|these (?:instructions|commands|steps) instead|this"
        r" request|this command)\b",
        r"\b(?:do|answer|write|perform|execute|say|follow|output|respond with|reply with|print|state|process"
        r"|complete) (?:only )?(?:this|that|the following|what follows|these|the next)(?: \w+)? instead\b",
        r"\b(?:respond|answer|reply|react|attend) only (?:to|with) (?:this|the following|what|mine|my|the next)\b",
        r"\b(?:assistant|ai|model|chat ?bot|bot|llm|gpt|chatgpt) (?:must|should|shall|will|has to|needs to)(?:"
        " (?:also|now|instead|only|immediately|always|not|then))* (?:comply|obey|ignore|follow|execute|do|answer"
        r"|respond|output)\b",
        r"\b(?:actual|real|true) (?:input|query|question|request|prompt|task|user) (?:is|are|follows|begins"
        r"|starts)\b",
        r"\bfrom (?:now|this (?:point|moment|line|message)|here)(?: on| onwards?| forward)*(?: (?:you|your|do|act"
        r"|respond|answer|only|always|ignore|behave|treat|consider|never)\b)",
        r"\bdo (?:anything|everything|whatever|exactly what|as) i (?:say|tell|ask|want|command)\b",
    ),
    "role_play": (
        r"\byou (?:are|re) now (?:an?|the|in|dan|free|my|able|going|operating|entering|called|named|acting|jail"
        r"|root|under|un\w+|no longer|working|running|known|allowed)\b",
        r"\byou (?:are|re) no longer (?:an?|bound|restricted|required|limited|my|the|under|subject|obliged|\w+"
        r" assistant)\b",
        r"\byou have (?:just )?been (?:reprogrammed|jailbroken|freed|unlocked|liberated|updated|upgraded|hacked"
        r"|released)\b",
        r"\b(?:act|behave|respond|answer|reply|speak|operate|function|pretend|imagine|role ?play|you are)(?:"
        r" \w+){0,6} (?:{FREE})\b",
        r"\b(?:pretend|imagine|suppose|assume|hypothetically)(?: \w+){0,8} (?:{FREE})\b",
        r"\b(?:ai|assistant|model|chatbot|bot|llm) (?:that|who|which)? ?(?:has|with|is|can)(?: \w+){0,2}"
        r" (?:{FREE})\b",
        r"\b(?:in|into|to|enter|entering|activate|enable|enabled|switch to|start|engage|initiate|now) (?:{MODE})"
        r" (?:{MODE} )?mode\b",
        r"\b(?:{MODE}) (?:{MODE} )?mode (?:on|enabled|activated?|engaged|initiated|unlocked|active|is)\b",
        r"<[^<>]{0,30}\b(?:{MODE}) mode\b",
        r"\bdo anything now\b|\bdan mode\b|\byou are (?:now )?dan\b|\bjail ?break(?:ed|ing|en)? (?:mode|prompt"
        r"|yourself)\b",
        r"\bpretend (?:to be|that you|you|as if|like you)\b",
        r"\b(?:act|behave|respond|talk|speak) as (?:if|though) you (?:were|are|had|have|can|could|do)\b",
        r"\bact as (?:an? )?(?:ai|assistant|chat ?bot|language model|linux|terminal|hacker|expert|character|dan"
        r"|system)\b",
        r"\b(?:stay|remain|be) in character\b|\bbreak(?:ing)? (?:your )?character\b",
        r"\b(?:imagine|suppose|assume|let s (?:say|imagine|pretend|assume)|picture|pretend)(?: that)? (?:you(?: are"
        r"| re|r)|we(?: are| re)) (?:an?|in|the|not|living|doing|conducting|studying|playing|no longer)\b",
        r"\b(?:hypothetical|fictional|imaginary|parallel|alternate|alternative) (?:scenario|world|universe|reality"
        r"|discussion|story|response|dimension|future)\b",
        r"\bhypothetically\b(?: \w+){0,6} (?:ignor|rules|instructions|restrictions|prompt)",
        r"\b(?:let s|we will|we ll|let us) play a game\b",
    ),
    "authority": (
        r"\bi(?: a)? ?m (?:now )?(?:your|the) (?:developer|creator|admin(?:istrator)?|owner|master|god|maker"
        r"|programmer|maintainer|operator|engineer|system administrator)\b",
        r"\bi(?: a)? ?m (?:an? )?(?:openai|anthropic|google|system|ai) (?:developer|engineer|employee"
        r"|admin(?:istrator)?)\b",
        r"\bas (?:an? |the |your )?(?:ai |system |openai )?(?:developer|creator|administrator|admin|programmer)"
        r" (?:\w+ ){0,3}(?:of|at|by|i|you) (?:openai|authori[sz]e|command|order|instruct|may|must|grant|allow)\b",
        r"\b(?:initiating|running|entering|initiate|performing) (?:an? |the )?(?:system|security|admin|maintenance"
        r"|emergency) (?:reset|audit|upgrade|override|check|mode|test|scan|update)\b",
        r"\bas an ai (?:developed|created|made|trained|built) by\b",
    ),
    "prompt_leak": (
        r"\b(?:{SHOW})(?: (?:me|us|out|the|all|of|your|full|entire|exact|complete|everything|in|any|text|content"
        "|contents|back|verbatim|whole|this|that|is|a|copy|s))* (?:system|initial|original|hidden|secret|internal"
        "|base|underlying|starting) (?:prompts?|messages?|instructions?|rules|guidelines|configuration|directives?"
        r"|context)\b",
        r"\b(?:reveal|print|output|repeat|display|leak|expose|recite|dump|summari[sz]e|copy|translate|disclose|echo"
        r"|paste|quote|encode|show me|tell me|give me|write (?:out|down))(?: \w+)? your (?:\w+ )?(?:prompt"
        r"|instructions|rules|guidelines|configuration|directives|programming|config)\b",
        r"\bwhat (?:is|was|are|were|s) your (?:\w+ )?(?:prompt|instructions|directives?|programming|system"
        r" message)\b",
        r"\b(?:repeat|print|output|copy|recite|echo|quote|say|write|paste|translate)(?: (?:all|the|of|everything"
        "|exact|every|each|out|back|me))* (?:words?|text|sentences?|content|lines?|paragraphs?|everything|all"
        r"|message|prompt|instructions) (?:above|before this|preceding|prior|that came before|written above)\b",
        r"\b(?:starting|beginning|starts|begins) with (?:the words? )?you are\b",
        r"\b(?:rules|instructions|prompt|guidelines) (?:that )?you (?:have been|were|had been|are|ve been) (?:given"
        r"|told|provided|set)\b",
    ),
    "secret_request": (
        r"\b(?:{SHOW}|confirm|know|verify|say)(?: (?:me|us|with|to|what|the|a|is|if|that|out|s))* (?:your|our|our"
        " system|the (?:system|user|admin|administrator|secret|root|server|database)(?: s)?) (?:system |secret "
        r"|own |admin )?(?:{SECRET})\b",
        r"\b(?:tell|confirm|reveal|provide|give|share|say)(?: (?:me|us|to|with))* the (?:secret )?(?:{SECRET})\b",
        r"\b(?:poem|haiku|acrostic|story|song|riddle|rhyme|sonnet) (?:\w+ ){0,2}(?:about|with|of|containing) the"
        r" (?:secret )?(?:{SECRET})\b",
        r"\bwrite (?:out )?(?:the|your) (?:secret )?(?:{SECRET})\b",
    ),
    "template_token": (
        r"<\|(?:im_(?:start|end|sep)|system|user|assistant|end|endoftext|endofprompt|eot_id|(?:start|end)_header_id"
        r"|begin_of_text|end_of_text|channel|message|start|return|end_of_turn|start_of_turn)\|>",
        r"\[/?inst\]|<</?sys>>|</?s>\s*\[inst|<(?:start|end)_of_turn>|</?\|?(?:system|assistant)\|?>",
        r"(?:^|[\n\x00])\s*#{2,5}\s*(?:system|instructions?|human|assistant|user|response|new instructions?"
        r"|task)\b\s*(?:prompt|message)?\s*:?",
        "</?(?:system|system_?prompt|instructions?|user_?(?:query|input|message|request)|prompt|query|context"
        "|document)>",
        r"[\[{{(]\s*/?(?:system|assistant|admin|administrator|developer|override)(?: (?:message|prompt|note|mode"
        r"|override))?\s*[\]}})]",
        r"(?:^|[\n\x00])\s*(?:system|assistant)\s*:",
        r"\bhuman\s*:[^\n]*\bassistant\s*:|\bassistant\s*:[^\n]*\b(?:human|user)\s*:",
        r"\bsystem (?:override|prompt|message|command|alert|update|instructions?|notice)\s*[:!\]\n-]",
        r"\b(?:system|assistant|important (?:message|notice|instruction)|message) ?(?:to|for) (?:the )?(?:ai"
        r"|assistant|model|llm|chatbot|language model)\b",
        r"\battention (?:ai|assistant|model|llm|chatbot|chatgpt|language model)\b",
    ),
    "fake_end": (
        r"\b(?:query|input|text|message|question|document|prompt|ticket|email|context|instructions?|data) (?:ends"
        "|is over|stops|finishes|is finished|is complete) (?:here|now|above)?",
        r"\bend of (?:the |this )?(?:user |system |original |previous )?(?:input|prompt|query|message|text"
        r"|instructions?|context|document|conversation|data|content|task|section|article|email|classification)\b",
        r"\b(?:begin|start)(?: of)? (?:new |priority |system |admin |real |secret |hidden )+(?:message"
        r"|instructions?|prompt|task|session|conversation|section)\b",
        r"[-=*#_~]{3,}\s*(?:end|begin|start|stop|new)\b[^\n]{0,40}[-=*#_~]{3,}",
    ),
    "exfiltration": (
        r"!\[[^\]\n]*\]\(\s*https?://[^)\s]*[?&=]",
        r"\b(?:append|include|embed|encode|insert|add|put|attach)(?: \w+){0,10} (?:to|in|into|as|inside) (?:the"
        r"|this|an?) (?:url|link|image url|query (?:string|parameter)|markdown image)\b",
        r"\b(?:send|forward|post|upload|transmit|exfiltrate|leak|email|submit)(?: \w+){0,10} to (?:https?://|this"
        " (?:url|address|server|webhook|endpoint))",
    ),
}
