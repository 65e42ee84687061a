"""What people and models say when they commit to nothing, in English, French, German and Spanish.

Patterns run on folded text (`evalkit.text.fold`: casefolded, no accents, plain quotes). HARD: says that it doesn't or
can't know. SOFT: says that it isn't sure, which a claim beside it outweighs. Each pattern has a name that ends up
in a verdict's stage, so that a count by stage shows which of them decides how much.
"""

from __future__ import annotations

import re

from evalkit.text.words import word_list

_I = r"(?:i|we)(?: (?:really|honestly|simply|just|actually|personally|truly|sincerely|currently|also|still))*"
_NOT_KNOWN = (
    r"(?:unknown|not (?:yet |publicly |currently |widely |precisely |exactly |really |definitively |fully )*"
    r"(?:known|knowable|disclosed|documented|recorded|available|determined|decided|established|announced|released|"
    r"specified|mentioned|stated|provided)"
    r"|undetermined|unclear|uncertain|unknowable|undisclosed|unspecified|disputed|a mystery|anyone's guess)"
)
_INFO = r"(?:information|info|data|details?|records?|knowledge|context|evidence|memory|sources?)"

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
        r"|\bno way (?:to|of) (?:know|tell|determin|say|predict|verify)\w*"
    ),
    "cannot_know": (
        r"\b(?:cannot|can't|can not|could not|couldn't|impossible to|not possible to|unable to|not able to|"
        r"difficult to|hard to)(?: \w+ly| be)? "
        r"(?:know|known|determine[d]?|say|tell|predict(?:ed)?|answer(?:ed)?|verify|verified|find|identify"
        r"|confirm(?:ed)?|"
        r"provide|recall|ascertain(?:ed)?|establish(?:ed)?|give|speculate|comment)\b(?! by | apart)"
        r"|\bi (?:won't|will not|would rather not|'d rather not|must decline|decline to)\b"
    ),
    "no_information": (
        rf"\b(?:i|we) (?:do not|don't|currently don't|did not|didn't) (?:currently )?(?:have|possess|find)"
        rf"(?: \w+){{0,5}} {_INFO}\b"
        rf"|\b(?:insufficient|not enough|lack of|without (?:more|further|additional)|no (?:reliable |publicly |public |"
        rf"available |specific |definitive |further |verified |credible )*) ?{_INFO}\b(?: \w+){{0,3}}"
        r"|\bno (?:comment|opinion)\b|\b(?:i|we) (?:don't|do not) have (?:any )?(?:personal )?"
        r"(?:opinions?|beliefs|preferences|feelings|a favou?rite|access|a comment|a view)\b"
        r"|\b(?:not|isn't|aren't|am not|i'm not) (?:aware|familiar)\b|\bno knowledge of\b|\bdo not have access\b"
        r"|\b(?:does not|doesn't|do not|don't) (?:say|mention|specify|state|provide|contain|indicate|reveal)\b"
        r"|\bnot (?:mentioned|stated|specified|provided|given) in\b"
    ),
    "is_unknown": (
        r"\b(?:is|are|was|were|remains?|it's|still|stays?|be|been) (?:still |currently |largely |a )*"
        rf"{_NOT_KNOWN}\b"
    ),
    "no_single_answer": (
        r"\b(?:there is|there's|there are|there isn't|there is not|there was) (?:no|not|not a|a)? ?(?:single|one"
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
        r"|\bneed(?:s)? (?:more|further|additional) (?:information|context|details?)"
    ),
    "fr": (
        r"\bje (?:ne |n')?(?:le )?(?:sais|connais) (?:vraiment )?pas\b|\baucune idee\b|\bje l'ignore\b|\bj'ignore\b"
        r"|\b(?:on|nous) ne (?:sait|savons|peut|pouvons) pas\b|\bpersonne ne (?:le )?sait\b|\bimpossible (?:de|a) "
        r"(?:savoir|dire|repondre|determiner|predire)\b|\bje ne (?:peux|puis|suis) pas (?:en mesure de )?"
        r"(?:repondre|savoir|dire|determiner|capable)"
        r"|\b(?:est|sont|reste|demeure) inconnue?s?\b|\bpas d'informations?\b|\baucune information\b"
        r"|\b(?:pouvez|pourriez|peux)-(?:vous|tu)\b.{0,30}(?:preciser|clarifier|indiquer|fournir)|\bveuillez preciser\b"
    ),
    "de": (
        r"\b(?:ich )?weiss (?:ich )?(?:es |das )?(?:leider )?nicht\b|\bkeine ahnung\b|\bniemand weiss\b"
        r"|\b(?:ist|sind|bleibt) (?:leider |derzeit |noch )?(?:nicht bekannt|unbekannt|ungeklart)\b"
        r"|\bkann (?:ich )?(?:\w+ ){0,4}?nicht (?:beantworten|sagen|wissen|beurteilen|bestimmen)\b"
        r"|\bich (?:habe|verfuge) (?:\w+ )?(?:keine|uber keine) (?:information|daten|kenntnis)\w*"
        r"|\b(?:konnen|konnten|kannst|konntest) (?:sie|du)\b.{0,40}(?:prazisieren|angeben|klaren|nennen)"
    ),
    "es": (
        r"^(?:lo siento,? ?(?:pero )?)?(?:yo )?no (?:lo )?se(?:[.,;!]|$)|\bno lo se\b|\bno se (?:quien|cual|que"
        r"|cuando|donde|"
        r"como|la respuesta)\b|\bno tengo (?:ni |ninguna )?(?:idea|informacion|datos)\b|\bnadie (?:lo )?sabe\b"
        r"|\bse desconoce\b|\b(?:es|son|sigue siendo) desconocid[oa]s?\b|\bno se sabe\b|\bno conozco\b"
        r"|\bno (?:puedo|es posible|se puede) (?:responder|saber|decir|determinar|contestar)\b"
        r"|\b(?:puede|puedes|podria|podrias) (?:\w+ )?(?:especificar|aclarar|precisar|proporcionar)\b"
    ),
}

_SOFT = {
    "not_sure": (
        r"\b(?:i'm|i am|we're|we are|am) (?:\w+ )?(?:not|un) ?(?:\w+ly |really |too |so |quite |100 ?% )*"
        r"(?:sure|certain|confident|positive)\b|\bunsure\b|^not (?:really |entirely |quite )*(?:sure|certain)\b"
        r"|\b(?:can't|cannot|can not) (?:be|say) (?:sure|certain|for (?:sure|certain))\b"
        r"|\b(?:do not|don't) (?:know|remember|recall)(?: \w+){0,2} (?:for (?:sure|certain)|exactly|precisely)\b"
        r"|\b(?:no one|nobody) (?:knows|is) (?:for )?(?:sure|certain)\b"
        r"|\bje ne suis pas (?:\w+ )?(?:sure?|certaine?)\b"
        r"|\b(?:ich )?bin (?:mir )?(?:\w+ )?nicht (?:\w+ )?sicher\b|\bno estoy (?:\w+ )?segur[oa]\b"
    ),
}

_PREMISE = {
    "no_such": (
        r"\b(?:there (?:is|was|are|were|has been|have been)|there's|exists?) (?:no|not any|not a|never any) such\b"
        r"|\bno such (?:\w+ ){0,4}(?:exists?|existed|thing)\b|^no such\b"
        r"|\b(?:there (?:is|was|are|were) (?:no|not an?|not any)|there's no|there (?:isn't|aren't|wasn't|weren't) "
        r"(?:an?|any)|there (?:has|have) never been|there (?:has|have) been no) "
        r"(?!(?:single|one|definitive|definite|official|specific|exact|universal|clear|simple|doubt|agreed|consensus|"
        r"limit|need|difference|effect|harm|information|way|evidence that)\b)\w+"
    ),
    "not_exist": (
        r"(?<!\bi )\b(?:does not|doesn't|do not|don't|did not|didn't|never) (?:actually |really "
        r"|currently )*exist(?:ed|s)?\b"
        r"|\b(?:is|are|was|were|appears to be|seems to be|seem to be) (?:a |an )?(?:purely |entirely )?"
        r"(?:fictional|fictitious|imaginary|made[- ]up|non-?existent|hypothetical)(?=$|[.,;]| (?:and|so|place"
        r"|country|city|island|"
        r"person|company|drug|medicine|product|organi\w+|event|concept|element|planet|state|king|queen)\b)"
        r"|\b(?:is not|isn't|are not|aren't|was not|wasn't) (?:a |an )(?:real|actual|recognized|recognised"
        r"|existing|known)\b"
        r"|\bn'existe(?:nt)? pas\b|\bil n'(?:y a|existe) (?:pas|aucun)|\bexistiert nicht\b|\bgibt es nicht\b"
        r"|\bes gibt kein"
        r"|\bno existen?\b|\bno hay (?:ningun|tal)"
    ),
    "false_premise": (
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
        r"|\b(?:is|lies) (?:still )?in the future\b"
    ),
}


def _compiled(table: dict[str, str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(pattern)) for name, pattern in table.items())


SOFT = _compiled(_SOFT)
HARD = _compiled(_HARD)
PREMISE = _compiled(_PREMISE)

# What cancels an abstention that follows it directly: "it is not true that I don't know".
CANCEL = re.compile(
    r"(?:\bnot (?:true|the case|correct|right|as if|like|because) (?:that )?|\b(?:it's|is|was) not that |\bisn't that |"
    r"\bfalse (?:to say )?that |\bwrong to say (?:that )?|\bil n'est pas vrai que |\bes ist nicht wahr,? dass |"
    r"\bno es (?:cierto|verdad) que )(?:i say )?$"
)
# A claim that outweighs an abstention before it.
BUT = re.compile(
    r"\b(?:but|however|yet|though|although|nevertheless|that said|still|mais|aber|pero|sondern)\b|[:;]| - "
)
GUESS = re.compile(
    r"\b(?:i (?:do )?(?:think|believe|guess|suppose|suspect|assume)|i(?:'d| would) (?:say|guess|bet|go with)|"
    r"my (?:best |educated )?(?:guess|bet|answer|estimate)|probably|generally|typically|usually|in general"
    r"|most likely|(?:is|was) likely|presumably|"
    r"je (?:crois|pense)|ich (?:glaube|denke)|creo que|pienso que)\b"
)
# A claim that stays a mere possibility: "it could be X" commits to nothing.
WEAK = re.compile(
    r"\b(?:could|might|may|maybe|perhaps|possibly|potentially|peut-etre|pourrait|vielleicht|konnte|quizas?|podria"
    r"|tal vez)\b"
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
    passage document
""")
)
