"""What people and models say when they commit to nothing, in French, German, Spanish, Italian, Portuguese and Dutch.

Beside the English patterns of `phrases`, in the same form: they run on folded text (no accents, `ß` as `ss`). Each
language has its own name, which ends up in the verdict's stage.
"""

from __future__ import annotations

from evalkit.text.words import word_list

# Says that it doesn't or can't know, or asks for what is missing.
HARD = {
    "fr": (
        r"\bje (?:ne |n')?(?:le |l')?(?:sais|connais) (?:vraiment |malheureusement "
        r"|absolument )?pas\b(?! pourquoi (?:on|tu|vous))"
        r"|\b(?:aucune|pas la moindre|n'ai pas d') ?idee\b|\bje l'ignore\b|\bj'ignore\b|\bje n'en (?:sais"
        r"|ai) (?:rien|aucune)"
        r"|\b(?:on|nous) (?:ne |n')?(?:le |en )?(?:sait|savons|peut|pouvons|dispose|avons)(?: \w+)? pas\b"
        r"|\bpersonne ne (?:le )?(?:sait|peut)\b"
        r"|\b(?:impossible|pas possible|difficile) (?:de|a|d') ?(?:le )?(?:savoir|dire|repondre|determiner"
        r"|predire|prevoir|etablir)"
        r"|\bje ne (?:peux|puis|suis|saurais)(?: \w+)?(?: pas)? (?:pas )?(?:en mesure de |capable de )?"
        r"(?:repondre|savoir|dire|determiner|fournir|donner|predire|confirmer|trouver)"
        r"|\b(?:est|sont|reste|restent|demeure) (?:encore |toujours |a ce jour )?(?:inconnue?s?|pas connue?s?"
        r"|incertaine?s?)\b"
        r"|\b(?:pas|plus|aucune|assez|suffisamment) (?:d'|de )?(?:informations?|donnees|opinion|commentaires?|avis)\b"
        r"|\bje n'ai (?:pas|aucune?)\b.{0,24}\b(?:reponse|information|acces|donnees|opinion)|\b(?:sans"
        r"|aucun) commentaire\b"
        r"|\b(?:pouvez|pourriez|peux|pourrais)-(?:vous|tu)\b.{0,40}(?:preciser|clarifier|indiquer|fournir|donner)"
        r"|\bveuillez (?:me )?(?:preciser|indiquer|fournir)\b|\bcela depend (?:de|du|des)\b|\bn'est pas connue?\b"
    ),
    "de": (
        r"\b(?:ich )?weiss (?:ich )?(?:es |das )?(?:leider |wirklich |auch )*nicht\b|\bweiss ich (?:leider )?nicht\b"
        r"|\bkeine ahnung\b|\bniemand (?:weiss|kann)\b|\b(?:weiss|kann) niemand\b|\bich habe keinen (?:schimmer"
        r"|blassen)"
        r"|\b(?:ist|sind|bleibt|wurde) (?:mir )?(?:leider |derzeit |noch |bisher |bis heute )*"
        r"(?:nicht (?:genau |offentlich )?(?:bekannt|geklart|bekanntgegeben)|unbekannt|ungeklart|unklar|ungewiss)\b"
        r"|\b(?:kann|konnen|konnte|lasst|lassen)\b(?: \S+){0,6}? nicht (?:\w+ )?(?:beantwort\w+|sagen|wissen"
        r"|beurteil\w+|"
        r"bestimm\w+|vorherseh\w+|vorhersag\w+|finden|feststell\w+|festleg\w+|angeb\w+)"
        r"|\b(?:ich )?(?:habe|verfuge|liegen|gibt es)(?: \w+){0,3} (?:keine|keinen|uber keine)(?: \w+)? "
        r"(?:informationen?|daten|kenntnis\w*|angaben|zugriff|meinung|antwort)\b|\bkein kommentar\b"
        r"|\b(?:konnen|konnten|kannst|konntest) (?:sie|du)\b.{0,40}(?:prazisier\w+|angeben|klar\w+|nennen"
        r"|mitteilen|sagen)"
        r"|\bbitte (?:geben|nennen|prazisier\w+|teilen) sie\b|\bunmoglich zu (?:sagen|wissen|beantworten)\b"
        r"|\bnicht genug(?:end)? informationen\b|\bes kommt (?:\w+ )?darauf an\b|\bdas hangt (?:davon|von) "
    ),
    "es": (
        r"^(?:lo siento,? ?(?:pero )?|perdon,? |pues,? )?(?:yo )?no (?:lo )?se(?:[.,;!]|$)|\bno lo se\b"
        r"|\b(?:yo )?no se (?:quien|cual|que|cuando|donde|como|cuant\w+|por que|la respuesta|nada)\b"
        r"|\bno tengo (?:ni |ninguna? |suficiente |mas |acceso |la )*(?:idea|informacion|datos|respuesta|acceso"
        r"|opinion|conocimiento)\b"
        r"|\bni idea\b|\bnadie (?:lo )?(?:sabe|puede)\b|\bse desconocen?\b|\bdesconozco\b|\bno se sabe\b|\bno conozco\b"
        r"|\b(?:es|son|sigue siendo|siguen siendo|resulta) (?:un |una )?(?:desconocid[oa]s?|inciert[oa]s?|misterio)\b"
        r"|\bno (?:me |le |te )?(?:puedo|es posible|se puede|soy capaz de|podria|podemos) "
        r"(?:responder|saber(?:lo)?|decir(?:lo)?|determinar(?:lo)?|contestar|predecir(?:lo)?|proporcionar"
        r"|confirmar|encontrar)"
        r"|\b(?:es )?imposible (?:de )?(?:saber|decir|determinar|predecir|responder)"
        r"|\b(?:puede|puedes|podria|podrias) (?:\w+ )?(?:especificar|aclarar|precisar|proporcionar|indicar|decirme)"
        r"|\b(?:sin|no hay) (?:comentarios?|suficiente informacion|informacion)\b|\bdepende de\b"
    ),
    "it": (
        r"\b(?:io )?non (?:lo |ne )?so(?:[.,;!]|$| (?:nulla|niente|chi|quale?|quando|dove|come|se|quant\w"
        r"|la risposta|rispondere))"
        r"|\bnon ne ho idea\b|\bnon ho (?:la minima |idea|alcuna? |nessuna? |abbastanza |informazion)"
        r"|\bnon (?:conosco|saprei)\b"
        r"|\bnessuno (?:lo )?(?:sa|puo)\b|\b(?:e|sono|resta|rimane) (?:ancora )?(?:sconosciut[oaie]|ignot[oaie]"
        r"|incert[oaie])\b"
        r"|\bnon (?:e possibile|si puo|posso|sono in grado di|riesco a|si sa|e not[oa])\b"
        r"(?: (?:saper\w*|dire|determinar\w*|rispondere|prevedere|fornire|trovare|conoscere))?"
        r"|\b(?:potrebbe|puo|puoi|potresti) (?:\w+ )?(?:specificar\w*|precisar\w*|chiarir\w*|fornir\w*|indicar\w*)\b"
        r"|\bnessun commento\b|\bimpossibile (?:da )?(?:sapere|dire|determinare|prevedere)\b|\bdipende (?:da|dal\w*)\b"
    ),
    "pt": (
        r"\b(?:eu )?nao (?:o )?sei\b(?! por que (?:as pessoas|voce))|\bnao faco (?:a menor )?ideia\b|\bdesconheco\b"
        r"|\bnao (?:tenho|possuo|ha|existem?) (?:nenhuma? |a menor |mais |acesso |a |informacoes |suficientes )*"
        r"(?:ideia|informac\w+|dados|resposta|acesso|opiniao|conhecimento|comentarios?)\b"
        r"|\bninguem (?:sabe|pode)\b|\b(?:e|sao|permanece|continua) (?:ainda )?(?:desconhecid[oa]s?"
        r"|incert[oa]s?)\b|\bnao se sabe\b"
        r"|\bnao (?:e possivel|posso|consigo|sou capaz de|se pode) (?:\w+ )?"
        r"(?:saber|dizer|determinar|responder|prever|fornecer|encontrar|confirmar)\b|\bnao conheco\b"
        r"|\bsem comentarios?\b"
        r"|\b(?:pode|poderia|podes|voce pode) (?:\w+ )?(?:especificar|esclarecer|precisar|fornecer|indicar)\b"
        r"|\bdepende d[aeo]s?\b"
    ),
    "nl": (
        r"\b(?:ik )?weet (?:ik )?(?:het |dat )?(?:echt |helaas )?niet\b|\bgeen (?:flauw )?idee\b"
        r"|\bniemand (?:weet|kan)\b"
        r"|\b(?:is|zijn|blijft) (?:nog |helaas |momenteel )*(?:niet (?:precies |openbaar )?bekend|onbekend"
        r"|onduidelijk|onzeker)\b"
        r"|\bik heb (?:hier |daar |er )?(?:\w+ )?(?:geen|onvoldoende|niet genoeg) (?:\w+ )?(?:informatie|idee"
        r"|gegevens|antwoord|toegang|mening)"
        r"|\bkan (?:ik )?(?:\S+ ){0,5}?niet (?:\w+ )?(?:zeggen|beantwoorden|weten|bepalen|voorspellen|vinden|geven)\b"
        r"|\b(?:kunt u|kun je|zou u|zou je)\b.{0,40}(?:specificeren|verduidelijken|aangeven|toelichten)"
        r"|\bgeen commentaar\b"
        r"|\bonmogelijk (?:om )?te (?:zeggen|weten|bepalen|voorspellen)\b|\bhet hangt (?:er)?(?:van)? ?af\b"
        r"|\bdat hangt af van\b"
    ),
}

# A sentence without any of these words is in none of the languages above (or says nothing that they look for).
HINTS = frozenset(
    word_list("""
    je j n ne pas aucune aucun personne est sont reste restent demeure sans veuillez pouvez pourriez peux pourrais cela idee
    on nous de le savoir dire connue inconnue
    ich weiss nicht keine keinen kein niemand ist sind kann konnen konnten kannst konntest lasst lassen bitte das es unmoglich
    bleibt wurde unbekannt ungeklart unklar
    lo se ni nadie tengo conozco desconozco desconoce desconocen sin depende puede puedes podria podrias imposible puedo son
    sigue resulta hay suficiente
    non nessuno so puo puoi potrebbe potresti dipende impossibile e sono resta rimane
    nao ninguem desconheco sem pode podes poderia sao permanece continua
    ik weet geen niet kan kunt kun zou onmogelijk hangt onbekend onduidelijk onzeker blijft zijn
""")
)

# Says that it isn't sure, which a claim beside it outweighs.
SOFT = (
    r"\bje (?:ne |n'en )?suis pas (?:\w+ )?(?:sure?|certaine?)\b|\bpas (?:tout a fait |vraiment )?(?:sure?|certaine?)\b"
    r"|\b(?:ich )?bin (?:ich )?(?:mir )?(?:\w+ ){0,2}(?:nicht|un) ?(?:\w+ )?sicher\b|\bno estoy (?:\w+ )?segur[oa]\b"
    r"|\bnon (?:ne )?sono (?:\w+ )?sicur[oa]\b|\bnao (?:estou|tenho) (?:\w+ )?(?:cert[oa]|certeza|segur[oa])\b"
    r"|\b(?:ik )?(?:weet|ben) (?:ik )?(?:het )?(?:er )?niet (?:\w+ )?zeker\b"
)

NO_SUCH = (
    r"\bil n'(?:y a|existe) (?:pas|aucun\w*|jamais)\b|\bes gibt (?:\w+ )?kein\w*\b|\bno hay (?:ningun\w*|tal)\b"
    r"|\bnon (?:c'e|ci sono|esiste) (?:alcun\w*|nessun\w*)\b|\bnao (?:ha|existe) (?:nenhum\w*|tal)\b|\ber (?:is"
    r"|zijn|bestaat) geen\b"
    r"|\bgibt es (?:\w+ )?(?:nicht|kein\w*)\b|\b(?:aucun|aucune) \w+ (?:de ce nom|n'existe)\b"
    r"|\bkein \w+ (?:dieses namens|mit diesem)\b"
)

NOT_EXIST = (
    r"\bn'existe(?:nt)? (?:pas|plus)\b|\bn'a jamais (?:existe|eu lieu)\b|\bexistier(?:t|en|te"
    r"|ten) (?:\w+ )?nicht\b|\bhat nie existiert\b"
    r"|\bno existen?\b|\bno existio\b|\bnunca existio\b|\bnon esist(?:e|ono)\b|\bnon e mai esistit[oa]\b"
    r"|\bnao existem?\b|\bnunca existiu\b"
    r"|\bbesta(?:at|an) (?:\w+ )?niet\b|\bist (?:ein |eine )?(?:fiktiv\w*|erfunden\w*)\b|\best (?:un "
    r"|une )?(?:\w+ )?fictif\b|\bes ficticio\b"
)

# Refusing for safety, law or policy, which is not the same as not knowing.
SAFETY = (
    r"\b(?:je ne (?:peux|puis) pas|il m'est impossible de) (?:vous |t')?(?:aider|assister|participer)\b"
    r"|\b(?:dabei|damit|hierbei|bei dieser (?:anfrage|bitte)) (?:kann|darf"
    r"|werde) ich (?:\w+ ){0,3}nicht (?:helfen|behilflich)"
    r"|\bkann (?:ich )?(?:\w+ ){0,4}nicht (?:helfen|behilflich)\b"
    r"|\bno (?:te |le |os |les )?puedo (?:ayudar\w*|asistir\w*|colaborar)\b"
    r"|\bnon (?:ti |vi |la )?posso (?:aiutar\w*|assister\w*)\b|\bnao (?:te |lhe |o )?posso (?:ajudar|ajuda-lo"
    r"|auxiliar)\b"
    r"|\b(?:daar|hier)(?:bij|mee) kan ik (?:\w+ ){0,3}niet helpen\b|\bkan (?:ik )?(?:\w+ ){0,3}niet (?:mee "
    r"|bij )?helpen\b"
)

CANCEL = (
    r"\bil (?:n'est pas|est faux) (?:vrai )?que |\bil est faux de dire que |\bes (?:ist"
    r"|stimmt) nicht (?:wahr)?,? ?dass "
    r"|\bes (?:falso|mentira) que |\bno es (?:cierto|verdad) que |\bnon e vero che |\bnao e verdade que "
    r"|\bhet is niet waar dat "
)
BUT = (
    r"mais|cependant|toutefois|aber|allerdings|jedoch|sondern|pero|sin embargo|no obstante|ma|pero|tuttavia|mas|porem|"
    r"contudo|maar|echter"
)
GUESS = (
    r"je (?:crois|pense|dirais)|a mon avis|probablement|sans doute|ich (?:glaube|denke|vermute|tippe)|vermutlich|"
    r"wahrscheinlich|meiner meinung nach|creo que|pienso que|diria que|probablemente|credo (?:che|sia)"
    r"|penso (?:che|sia)|"
    r"direi|probabilmente|(?:eu )?(?:acho|creio|penso) que|provavelmente|ik (?:denk|geloof|vermoed)|volgens mij"
    r"|waarschijnlijk"
)
WEAK = (
    r"peut-etre|pourrait|pourraient|il se peut|vielleicht|konnten?|moglicherweise|quizas?|podria|tal vez"
    r"|puede (?:que|ser)|"
    r"a lo mejor|forse|potrebbe|magari|talvez|poderia|pode ser|misschien|zou kunnen|mogelijk"
)
# Apologies, and what a model calls itself: no part of an answer.
FILLER = frozenset(
    word_list("""
    desole desolee malheureusement regrette excusez pardon modele langage intelligence artificielle question reponse
    leider tut mir leid entschuldigung bedaure bedauerlicherweise ki sprachmodell frage antwort ehrlich gesagt ich es
    lo siento lamento lamentablemente desafortunadamente perdon modelo lenguaje inteligencia artificial pregunta respuesta
    mi dispiace purtroppo scusa scusi modello linguistico intelligenza artificiale domanda risposta
    desculpe desculpa infelizmente sinto muito linguagem pergunta resposta
    helaas sorry spijt het me taalmodel vraag antwoord je ik ne
""")
)
YES_NO = r"oui|non|ja|nein|doch|sim|nao|nee"
POLAR = (
    r"est-ce que|est-il|est-elle|y a-t-il|existe-t-il|ist|sind|war|waren|hat|haben|hatte|kann|konnen|gibt es|wird"
    r"|werden|es|son|"
    r"fue|fueron|hay|tiene|tienen|puede|existe|esiste|ha|hanno|sono|ci sono|foi|tem|pode|zijn|heeft|hebben"
    r"|bestaat|kunnen"
)
