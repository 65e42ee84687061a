"""Reading text without a model: normal form, tokens, sentences, numbers and dates, names, and judges' replies.

Everything here is a pure function of its arguments and knows nothing of questions or grades. English, French,
German and Spanish are understood for articles, number words and months; other scripts pass through whole (Chinese
and Japanese characters become single tokens, since nothing separates their words).
"""

from evalkit.text.dates import Date, dates
from evalkit.text.names import TITLES, numeral_clash, same_given
from evalkit.text.numbers import Number, numbers
from evalkit.text.replies import delimit, nonce, read_choice
from evalkit.text.words import STOPWORDS, content_tokens, fold, normalise, sentences, stem, tidy, tokens

__all__ = [
    "STOPWORDS",
    "TITLES",
    "Date",
    "Number",
    "content_tokens",
    "dates",
    "delimit",
    "fold",
    "nonce",
    "normalise",
    "numbers",
    "numeral_clash",
    "read_choice",
    "same_given",
    "sentences",
    "stem",
    "tidy",
    "tokens",
]
