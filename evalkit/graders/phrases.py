"""What people and models say when they commit to nothing, in English, French, German and Spanish.

Patterns run on folded text (`evalkit.text.fold`: casefolded, no accents, plain quotes). HARD: says that it doesn't or
can't know. SOFT: says that it isn't sure, which a claim beside it outweighs. Each pattern has a name that ends up
in a verdict's stage, so that a count by stage shows which of them decides how much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalkit.graders import languages
from evalkit.text import sentences
from evalkit.text.words import word_list

_I = r"(?:i|we)(?: (?:really|honestly|simply|just|actually|personally|truly|sincerely|currently|also|still))*"
_NOT_KNOWN = (
    r"(?:unknown|not (?:yet |publicly |currently |widely |precisely |exactly |really |definitively |fully )*"
    r"(?:known|knowable|disclosed|documented|recorded|available|determined|decided|established|announced|released|"
    r"specified|mentioned|stated|provided)"
    r"|undetermined|unclear|uncertain|unknowable|undisclosed|unspecified|a mystery|anyone's guess)"
)
_INFO = r"(?:information|info|data|details?|records?|knowledge|context|evidence|memory|sources?)"

# Refusing for safety, law or policy: an abstention, but not for want of knowledge.
_SAFETY = (
    r"\b(?:i|we) (?:\w+ly )?(?:can't|cannot|can not|won't|will not|am not able to|am unable to|must decline to|"
    r"refuse to|(?:am|are) not (?:comfortable|willing)(?: to)?) (?:\w+ly )?(?:be able to )?"
    r"(?:help|assist|aid|support|engage|participate|fulfil\w*|comply|complete|create|generate|produce|encourage"
    r"|endorse|"
    r"promote|discuss|share (?:personal|private)|write|continue with|offer (?:medical|legal|financial)|"
    r"(?:provide|give|offer) (?:\w+ ){0,3}(?:advice|instructions|guidance|personal|private|medical|legal)"
    r"|facilitat\w+)\b"
    r"|\b(?:i'm|i am|we're) (?:not able|unable) to (?:help|assist|discuss|comply|engage|support|fulfil\w*"
    r"|(?:provide|give|offer) "
    r"(?:\w+ ){0,3}(?:advice|instructions|guidance|personal|private|medical|legal))\b"
    r"|\b(?:i'm|i am|we're) not (?:allowed|permitted) to (?:help|assist|comply|answer|provide|share"
    r"|discuss (?:that|this|it))\b"
    r"|\b(?:against|violat\w+|in line with|due to|because of) (?:my|our|openai\S*|anthropic\S*|google\S*)"
    r" (?:\w+ ){0,3}(?:guidelines|polic(?:y|ies)|programming|principles|rules|safety)\b"
    r"|\b(?:i|we)(?: am| are|'m|'re)? (?:can't|cannot|won't|unable|not able)\b.{0,60}"
    r"\b(?:for|due to) (?:security|safety|privacy|legal|ethical) reasons\b"
    r"|\bnot (?:appropriate|ethical|safe) for me to\b|\blet's (?:try|talk about|discuss|change) (?:a different"
    r"|something else|another|the topic)"
    rf"|{languages.SAFETY}"
)

_HARD = {
    "dont_know": (
        rf"\b{_I} (?:do not|don't|dont|didn't|did not)(?: \w+ly)? (?:know|recall|remember)\b"
        r"(?! (?:why|how) (?:anyone|people|you|some|so many))"
        r"|^(?:(?:don't|dont|do not) know|dunno|idk|i dunno|not that i know)\b"
        r"|^(?:i have |i've |i've got |i've |sorry,? )*no (?:idea|clue)\b|\b(?:have|has"
        r"|got) (?:absolutely )?no (?:idea|clue)\b"
        r"|\bbeats me\b|^who knows\b|\bi am ignorant of\b|\bdo not have the answer|\bdon't have (?:an|the) answer"
    ),
    "nobody_knows": (
        r"\b(?:do not|don't) have (?:any|a) way (?:of|to)\b|\bread (?:your|people's|other people's) minds?\b"
        r"|\b(?:no one|nobody|no-one|none of us) (?:really |actually |truly |yet |can |could )*"
        r"(?:knows?|can tell|can say|is (?:sure|certain))\b"
        r"|\b(?:has|have|had|is|are|was|were) (?:been )?lost to (?:history|time)\b|\b(?:still|long|hotly"
        r"|much) debated?\b|"
        r"\btoo (?:early|soon) to (?:say|tell|know|call)\b|\bonly you (?:would |can |could )?know\b"
        r"|\bno way (?:to|of) (?:know|tell|determin|say|predict|verify)\w*"
    ),
    "cannot_know": (
        r"\b(?:cannot|can't|can not|could not|couldn't|impossible to|not possible to|unable to|not able to|"
        r"difficult to|hard to)(?: \w+ly| be)? "
        r"(?:know|known|determine[d]?|say|tell|predict(?:ed)?|answer(?:ed)?|verify|verified|find|identify"
        r"|confirm(?:ed)?|"
        r"provide|recall|ascertain(?:ed)?|establish(?:ed)?|give|speculate|comment|count|estimate|calculate"
        r"|compute|quantify|pinpoint|judge|name)\b(?! by | apart)"
        r"|\bi (?:can't|cannot) (?:see|hear|view|access|read|open) (?:you|your|the|this|that|any|it)\b"
        r"|\bnot (?:sure|certain) (?:(?:if|whether|that) i can|i can|how to) (?:answer|say|tell|help|respond)"
        r"|\bi (?:won't|will not|would rather not|must decline|decline to)\b|\bi'd rather not\b"
        r"|\bi wish i (?:knew|could)\b|\byour guess is as good as\b|^search me\b|\b(?:i'd|i'll|i would|i will"
        r"|let me|i) (?:have |need )?"
        r"(?:to )?(?:check|look (?:it|that|this|into)|get back to you)\b|\b(?:knowledge|training"
        r"|information) cut-?off (?:prevents|means)\b"
        r"|\b(?:do not|don't) have the (?:ability|capability|means|capacity) to\b"
        r"|\b(?:beyond|outside) (?:of )?my (?:knowledge|expertise|training|abilit\w+)\b"
    ),
    "no_information": (
        rf"\b(?:i|we) (?:do not|don't|currently don't|did not|didn't) (?:currently )?(?:have|possess|find)"
        rf"(?: \w+){{0,5}} {_INFO}\b"
        rf"|\b(?:insufficient|(?:not|\w+n't)(?: \w+)? (?:enough|sufficient)|lack of|without (?:more|further"
        rf"|additional)|no (?:reliable |publicly |public |"
        rf"available |specific |definitive |further |verified |credible )*) ?{_INFO}\b(?: \w+){{0,3}}"
        r"|\bno (?:comment|opinion)\b|\b(?:i|we) (?:don't|do not) have (?:any )?(?:personal )?"
        r"(?:opinions?|beliefs|preferences|feelings|a favou?rite|access|a comment|a view)\b"
        r"|\b(?:not|isn't|aren't|am not|i'm not) (?:aware|familiar)\b|\bno knowledge of\b|\bdo not have access\b"
        r"|\b(?:does not|doesn't|do not|don't) (?:say|mention|specify|state|provide|contain|indicate|reveal)\b"
        r"|\b(?:have|has) no (?:\w+ )?(?:access|information|data|record|memory|knowledge)\b"
        r"|\byou (?:haven't|have not|didn't|did not|never) (?:told|tell|said|say|given|give|provided?|specif\w+"
        r"|mention\w*|shared?)\b"
        r"|\bnot (?:mentioned|stated|specified|provided|given) in\b"
    ),
    "is_unknown": (
        r"\b(?:is|are|was|were|remains?|it's|still|stays?|be|been) (?:still |currently |largely |a )*"
        rf"{_NOT_KNOWN}\b"
        r"|\b(?:is|are|was|were)n't (?:yet |publicly |really |actually )?(?:known|given|stated|mentioned"
        r"|specified|provided|clear"
        r"|available|disclosed|listed|documented|recorded|announced|determined|decided)\b"
        r"|\b(?:open|unsolved|unresolved|unanswered) (?:problem|question|mystery|issue)s?\b"
        r"|\b(?:is|are|remains?) (?:still |as yet )?(?:unsolved|unresolved|unproven|unanswered|open to debate)\b"
    ),
    "no_single_answer": (
        r"\b(?:it's|it is|this is|that's|that is|is|are) (?:\w+ly )?(?:subjective|(?:really "
        r"|all )?a (?:\w+ )?matter of (?:personal )?"
        r"(?:opinion|taste|preference|belief|debate|perspective|faith|interpretation)|a personal (?:choice"
        r"|preference|matter))\b"
        r"|\b(?:there (?:is|are|was) (?:no|not|not an?)|there's (?:no|not|not an?)|there (?:isn't|aren't) (?:an?"
        r"|any|one)?) ?(?:single|one"
        r"|definitive|"
        r"definite|official|specific|exact|universal(?:ly)?|clear|simple|agreed|objective|right|correct|known)\b"
        r"(?: \w+){0,2} (?:answer|record|date|number|consensus|figure|person|inventor|origin|explanation)s?"
        r"|\bno (?:definitive|definite|clear|single|exact) answer\b"
        r"|\bit (?:really |all )?depends\b|\bdepends on (?:who|what|which|your|the (?:person|individual|situation"
        r"|context))"
    ),
    "asks": (
        r"\b(?:could|can|would|will) you (?:please |kindly )?(?:provide|specify|clarify|tell|give|share|be more|let me|"
        r"rephrase|explain|elaborate)\b"
        r"|\bplease (?:provide|specify|clarify|give|share|tell|let me|rephrase|elaborate|be more)\b"
        r"|\b(?:what|which|who) (?:\w+ )?(?:do|are|did) you (?:mean|referring|talking|asking)\b"
        r"|\b(?:i|i'd|i would|i'll|i will)(?: would)? need (?:some |a (?:bit|little) )?(?:more|further|additional"
        r"|to know)\b"
        r"|\b(?:the )?question (?:is|seems) (?:unclear|ambiguous|incomplete|too vague|vague)"
        r"|\b(?:not sure|unsure|don't know|don't understand|do not understand|unclear) (?:that i understand"
        r"|i understand|"
        r"what (?:you|is meant|exactly|the question|that means)|the question)\b"
        r"|\b(?:your|the|this) question (?:does not|doesn't) (?:specify|say|make sense|mention)\b"
        r"|\bneed(?:s)? (?:more|further|additional) (?:information|context|details?)"
    ),
}

_SOFT = {
    "not_sure": (
        r"\b(?:i'm|i am|we're|we are|am) (?:\w+ )?(?:not|un) ?(?:\w+ly |really |too |so |quite |100 ?% )*"
        r"(?:sure|certain|confident|positive)\b(?! (?:what (?:you|is meant)|(?:that )?i understand|(?:if "
        r"|whether |that )?i can|how to "
        r"answer))|\bunsure\b|^not (?:really |entirely |quite )*(?:sure|certain)\b"
        r"|\b(?:can't|cannot|can not) (?:be|say) (?:sure|certain|for (?:sure|certain))\b"
        r"|\b(?:do not|don't) (?:know|remember|recall)(?: \w+){0,2} (?:for (?:sure|certain)|exactly|precisely)\b"
        r"|\b(?:no one|nobody) (?:knows|is) (?:for )?(?:sure|certain)\b"
    ),
    "not_sure_languages": languages.SOFT,
}

_PREMISE = {
    "no_such": (
        r"\b(?:there (?:is|was|are|were|has been|have been)|there's|exists?) (?:no|not any|not a|never any) such\b"
        r"|\bno such (?:\w+ ){0,4}(?:exists?|existed|thing)\b|^no such\b"
        r"|\b(?:there (?:is|was|are|were) (?:no|not an?|not any)|there's no|there (?:isn't|aren't|wasn't|weren't) "
        r"(?:an?|any)|there (?:has|have) never been|there (?:has|have) been no) "
        r"(?!(?:single|one|definitive|definite|official|specific|exact|universal|clear|simple|doubt|agreed|consensus|"
        r"limit|need|difference|effect|harm|information|way|evidence that)\b)\w+"
        rf"|{languages.NO_SUCH}"
    ),
    "not_exist": (
        r"(?<!\bi )\b(?:does not|doesn't|do not|don't|did not|didn't|never) (?:actually |really "
        r"|currently )*exist(?:ed|s)?\b"
        r"|\b(?:is|are|was|were|appears to be|seems to be|seem to be) (?:a |an )?(?:purely |entirely )?"
        r"(?:fictional|fictitious|imaginary|made[- ]up|non-?existent|hypothetical)(?=$|[.,;]| (?:and|so|place"
        r"|country|city|island|material|substance|compound|metal|mineral|currency|"
        r"person|company|drug|medicine|product|organi\w+|event|concept|element|planet|state|king|queen)\b)"
        r"|\b(?:does not|doesn't|do not|don't) (?:appear|seem) to (?:be an? (?:real|actual|recogni[sz]ed|existing"
        r"|known)|exist)\b"
        r"|\b(?:is not|isn't|are not|aren't|was not|wasn't) (?:a |an )(?:real|actual|recognized|recognised"
        r"|existing|known)\b"
        rf"|{languages.NOT_EXIST}"
    ),
    "false_premise": (
        r"\b(?:appears?|seems?) to be (?:a |an |some )?(?:mistake|mix-?up|misunderstanding|error|confusion)\b|"
        r"\b(?:mistake|error) in (?:the|your|this) question\b|"
        r"\b(?:the|your|this) question is (?:mistaken|wrong|flawed|nonsens\w*|invalid|misleading|incorrect"
        r"|not valid|meaningless)\b|"
        r"\b(?:false|incorrect|mistaken|wrong|flawed|faulty) (?:premise|assumption|presupposition)\b"
        r"|\b(?:premise|assumption) (?:\w+ ){0,5}(?:is|are) (?:false|incorrect|mistaken|wrong|flawed|not correct)\b"
        r"|\bthe question (?:\w+ )?(?:assumes|presupposes|is based on|contains a|itself is wrong)\b"
        r"|\b(?:is a|common) misconception\b|\byou may be (?:thinking|confus|mistak)\w*|\byou might be (?:thinking"
        r"|confus)\w*"
    ),
    "unrecognised": (
        r"\bno (?:\w+ ){1,3}(?:by|of|with) (?:that|this|such an?) name\b"
        r"|\b(?:is not|isn't|was not|wasn't|not) (?:a |an )?(?:\w+ )?(?:that )?(?:i|we) "
        r"(?:recogni[sz]e|know of|have heard of)\b"
        r"|\bnever heard of\b|\b(?:is|was|were|are) (?:unsolved|an open (?:problem|question))\b"
        r"|\bremains (?:unsolved|an open (?:problem|question))\b"
        r"|\b(?:was|were|got) (?:cancelled|canceled|never held|never awarded)\b"
    ),
    "not_yet": (
        r"\b(?:has not|hasn't|have not|haven't|had not) (?:yet )?(?:happened|occurred|taken place|been (?:\w+ )?"
        r"(?:announced|released|held|determined|decided|awarded|discovered|proven|proved|solved|invented|found))\b"
        r"|\b(?:has not|hasn't|have not|haven't) (?:\w+ ){1,3}yet\b|\byet to (?:be|happen|take place|occur)\b"
        r"|\b(?:is|lies) (?:still )?in the future\b"
    ),
}


def _compiled(table: dict[str, str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(pattern)) for name, pattern in table.items())


SOFT = _compiled(_SOFT)
HARD = _compiled({"safety_refusal": _SAFETY} | _HARD)
_FOREIGN = ((SOFT[1:], False), (_compiled(languages.HARD), True))
_ENGLISH = ((SOFT[:1], False), (HARD, True))
PREMISE = _compiled(_PREMISE)
# The two that are slow to search for are only looked for beside one of these.
PREMISE_TRIGGERS = {
    "no_such": ("no", "n't", "never", "n'", "kein", "nicht", "nao", "geen", "aucun"),
    "not_exist": (
        *("exist", "fict", "fikt", "imagin", "made", "hypoth", "real", "actual", "recogn", "known"),
        *("besta", "esist", "erfund", "jamais"),
    ),
}

# What cancels an abstention that follows it directly: "it is not true that I don't know".
CANCEL = re.compile(
    r"(?:\bnot (?:true|the case|correct|right|as if|like|because) (?:that )?|\b(?:it's|is|was) not that |\bisn't that |"
    r"\b(?:false|untrue|a lie|a myth|nonsense) (?:to (?:say|claim) )?that |\bwrong to (?:say|claim|think) (?:that )?|"
    r"\b(?:don't|do not) (?:think|say|believe|mean)(?: that)? "
    r"|\b(?:never|not) (?:said|claimed|meant)(?: that)? |"
    rf"{languages.CANCEL})(?:i say )?$"
)
# A claim that outweighs an abstention before it.
BUT = re.compile(rf"\b(?:but|however|yet|though|although|nevertheless|that said|still|{languages.BUT})\b|[:;]| - ")
GUESS = re.compile(
    r"\b(?:i (?:do )?(?:think|believe|guess|suppose|suspect|assume)|i(?:'d| would) (?:say|guess|bet|go with)|"
    r"my (?:best |educated )?(?:guess|bet|answer|estimate)|probably|generally|typically|usually|in general"
    r"|most likely|(?:is|was) likely|presumably|"
    r"(?:i|we) (?:do )?(?:know|can (?:tell you|say|confirm)) (?:that|about)|i(?:'ve| have) heard that|"
    r"(?:i'm|i am) (?:pretty|fairly|quite|almost|sure|certain|confident) (?:\w+ )?(?:that|it)|"
    rf"{languages.GUESS})\b"
)
# A claim that stays a mere possibility: "it could be X" commits to nothing.
WEAK = re.compile(
    r"\b(?:could|might|(?<!\d )(?<!of )(?<!in )may(?! \d)|maybe|perhaps|possibly|potentially"  # not the month of May
    rf"|{languages.WEAK})\b"
)
# Sentences that speak of the speaker or the listener, not of the world.
SELF = re.compile(
    r"^(?:but |however,? |and |so |then |still,? )*(?:i|i'm|i've|i'd|i'll|we|my|you|your|please|if|feel free|let|"
    r"for (?:more|further|the (?:latest|most))|to (?:find|get|learn|know|answer)|it (?:is|would be|'s) (?:best|better|"
    r"recommended|advisable|important|possible|impossible)|it's (?:best|better|important)|would|could|can|do"
    r"|perhaps|maybe)\b"
)
FILLER = frozenset(
    word_list("""
    ai language model sorry unfortunately apologize apologise apology well hmm good great question answer
    information info context based provided available knowledge cutoff currently according exact exactly sure
    certain however thank interesting honest honestly frankly simply ok okay hello hi please data source text
    passage document tough tricky nice haha lol hm um uh oh thank afraid regret
""")
    + list(languages.FILLER)
)


# A part of every abstaining phrase above: without any of them there is nothing to look for. A test holds this.
_PARTS = (
    "no|n't|n'|nao|nad|ne |nich|nie|kein|geen|nul|nes|nin|don|idk|dunno|un|beats me|ignor|way|mind|myst|disput|"
    "impos|diffic|hard|declin|rather|lack|depen|please|you|need|question|refus|guidelin|polic|reason|illegal|"
    "unethic|harmful|dangerous|programming|principle|rules|safety|sans|aucun|incert|inciert|inconn|guess|lost|"
    "debate|early|access|darauf|davon|veuillez|bitte|sin |desco|hangt|sconosc|precis|clari|specif|indiq|fourn|"
    "angeb|aclarar|propor|esclar|forne|toelicht|aangeven|without|idee|insuf|subjectiv|matter of|personal|open |"
    "wish|search me|check|cutoff|cut-off|beyond|outside|let me|let's|abilit|look|get back"
)
_TRIGGERS = tuple(_PARTS.split("|"))


_WORD = re.compile(r"\w+")


MOST_CUES = 100  # of one sentence; a sentence with more repeats itself


def cues(answer: str) -> Iterator[tuple[int, int, str, bool]]:
    """(start, end, name, hard) of every abstaining phrase of a folded answer that nothing cancels."""
    offset = 0
    for sentence in sentences(answer):
        start = answer.find(sentence, offset)
        offset = max(offset, start)
        if not any(t in sentence for t in _TRIGGERS):
            continue
        taken: list[tuple[int, int]] = []
        foreign = not languages.HINTS.isdisjoint(_WORD.findall(sentence))
        for table, hard in (*_FOREIGN, *_ENGLISH) if foreign else _ENGLISH:
            for name, pattern in table:
                for match in pattern.finditer(sentence):
                    if len(taken) >= MOST_CUES:
                        return
                    if CANCEL.search(sentence[: match.start()]) or any(s <= match.start() < e for s, e in taken):
                        continue
                    taken.append(match.span())
                    yield offset + match.start(), offset + match.end(), name, hard
