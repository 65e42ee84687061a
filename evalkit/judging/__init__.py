"""Judges as a panel: who may judge whom, what is asked a second time, how votes become one verdict, how far they agree.

Nothing here knows a prompt: `graders.judge`, `divergence.judge` and `divergence.listwise` hold the prompt/read pairs.
`judging.agreement` (alpha, confusion) is imported by itself, since it loads numpy.
"""

from evalkit.judging.panel import Bench, JudgeVote, decide, log_odds, recused, seat, vote
from evalkit.judging.plan import needs_call, pairs_to_recheck, settle, sure

__all__ = [
    "Bench",
    "JudgeVote",
    "decide",
    "log_odds",
    "needs_call",
    "pairs_to_recheck",
    "recused",
    "seat",
    "settle",
    "sure",
    "vote",
]
