"""Statistics, a PURE room: arrays in, estimates with intervals out. It knows no names, no files, no clock.

How every figure is made:

- Value: Hajek, sum(w/pi y) / sum(w/pi d), `unweighted` the same with all weights 1; `n_eff` is Kish's size of the
  rows in the denominator. No data gives None.
- Interval: every figure is linearised over clusters of questions (`ratios.Linearised`), the sampling design turns that
  into a variance (`design.Design`), and the standard error goes into an interval that stays within the figure's range
  (`intervals.bounded_interval` says which and why). One contributing cluster gives a value without an interval.
- Comparisons (`comparison`): paired, with a joint level over all pairs; verdicts and ranks follow from the joint intervals.
- The grader's errors (`correction`, `corrected`): PPI++ and Rogan-Gladen, as figures that comparisons take like any other.
- Money (`loss`), thresholds of confidence (`coverage_curve`), questions against repeats (`components`), planning (`power`),
  stopping (`sequential`). What each was measured at: VALIDITY.md.
- Counts: `n_asked`, `n_answered` are the asks in the figure's scope (answerable, unanswerable or all questions;
  pairs of asks for relations). `n_graded`: for rates over outcomes, the graded answers in scope, abstentions
  included; for figures of committed answers and of relations, those that enter (committed, and compared,
  confident or with a stated confidence as the figure demands).
- Bounds: the figure's extremes if the missing ones (failed, vendor_filtered, ungraded, undecided) had been
  anything. None for figures that are not rates (calibration, contradicted share, entropy, excess divergence).
- Accuracy, its relatives and over-abstention are over answerable questions. Abstention precision and F1 are null
  unless both kinds of question have graded answers; an F1 of a model that never abstains, or never attempts, is 0.
- Calibration is over committed, graded answers with a stated confidence, those to unanswerable questions
  included (never right); a partial answer is not correct.
- Confidence: `confident_at` and above, stated, never inferred; without any stated one these figures are None.
"""

from evalkit.statistics.arrays import Entropies, Outcomes, Pairs, SelfPairs
from evalkit.statistics.design import Design
from evalkit.statistics.models import model_metrics
from evalkit.statistics.pairwise import WHO_WAS_RIGHT, PairMetrics, pair_metrics
from evalkit.statistics.panel import meaning_entropy, panel_metrics
from evalkit.statistics.specs import METRICS, PAIR_METRICS, PANEL_METRICS, MetricSpec

__all__ = [
    "METRICS",
    "PAIR_METRICS",
    "PANEL_METRICS",
    "WHO_WAS_RIGHT",
    "Design",
    "Entropies",
    "MetricSpec",
    "Outcomes",
    "PairMetrics",
    "Pairs",
    "SelfPairs",
    "meaning_entropy",
    "model_metrics",
    "pair_metrics",
    "panel_metrics",
]
