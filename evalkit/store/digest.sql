-- One run under one grading, made ready for looking at: what pages filter, count and page over. Made from the store
-- (attached as `store`) by `digest.py`, never changed, thrown away when the run or the grading does. Questions and models go
-- by their number (`ordinal` of the suite, of the panel), so that joins are over small integers; tables are in the
-- questions' order, so that a page of questions reads a small part of each.
CREATE TABLE models AS
SELECT ordinal AS model, model AS name, family, tier, simulated FROM store.models WHERE run = $run ORDER BY ordinal;

CREATE TABLE answers AS
SELECT q.ordinal, m.model, o.repeat, o.ask, o.status, o.error_kind, o.final, o.confidence, o.outcome, o.committed, o.why, o.stage,
       o.probability, o.answerable
FROM store.outcomes o JOIN models m ON m.name = o.model JOIN store.run_questions q ON q.run = o.run AND q.question = o.question
WHERE o.run = $run ORDER BY q.ordinal, m.model, o.repeat;

-- Pairs of committed answers, the panel's earlier model (or the earlier repeat of one) first. `who`: who was right where two
-- models contradict each other, as in `statistics.PairMetrics`.
CREATE TABLE pairs AS
SELECT ordinal, a, b, repeat, repeat_b, kind, why, stage, probability, coalesce(confident, FALSE) AS confident,
       CASE WHEN kind <> 'contradict' OR kind IS NULL OR a = b THEN NULL
            WHEN NOT answerable THEN 'unknowable'
            WHEN outcome_a = 'correct' AND outcome_b IN ('partial', 'incorrect', 'abstained') THEN 'a_right'
            WHEN outcome_b = 'correct' AND outcome_a IN ('partial', 'incorrect', 'abstained') THEN 'b_right'
            WHEN outcome_a = 'incorrect' AND outcome_b = 'incorrect' THEN 'both_wrong'
            ELSE 'ungraded' END::ENUM('a_right', 'b_right', 'both_wrong', 'unknowable', 'ungraded') AS who
FROM (
    SELECT (x.model, x.repeat) > (y.model, y.repeat) AS turned, x.ordinal, x.answerable, x.confidence >= 80 OR y.confidence >= 80 AS confident, r.kind, r.why, r.stage, r.probability,
           if(turned, y.model, x.model) AS a, if(turned, x.model, y.model) AS b,
           if(turned, y.repeat, x.repeat) AS repeat, if(turned, x.repeat, y.repeat) AS repeat_b,
           if(turned, y.outcome, x.outcome) AS outcome_a, if(turned, x.outcome, y.outcome) AS outcome_b
    FROM store.relations r JOIN answers x ON x.ask = r.a JOIN answers y ON y.ask = r.b
    WHERE r.run = $run AND r.latest
) ORDER BY ordinal, a, b, repeat, repeat_b;

-- One row an answer with what speaks against it: how many other models' answers, and whether it or one of them is confident.
CREATE TABLE against AS
SELECT ordinal, model, repeat, count(*) AS contradicted, count(*) FILTER (confident) AS confident
FROM (
    SELECT ordinal, a AS model, repeat, confident FROM pairs WHERE who IS NOT NULL
    UNION ALL
    SELECT ordinal, b, repeat_b, confident FROM pairs WHERE who IS NOT NULL
) GROUP BY ALL ORDER BY ALL;

-- Each question with how its answers came out. `haystack`: what a search looks through, in small letters.
CREATE TABLE questions AS
WITH judged AS (
    SELECT ordinal, count(*) AS asked, count(*) FILTER (outcome = 'incorrect') AS wrong,
           count(*) FILTER (outcome = 'incorrect' AND NOT answerable) AS fabricated,
           count(*) FILTER (committed) AS committed, count(*) FILTER (outcome IS NOT NULL) AS graded,
           count(*) FILTER (status = 'answered' AND outcome IS NULL) AS ungraded,
           string_agg(DISTINCT final, chr(10)) AS finals
    FROM answers GROUP BY ordinal
), clashing AS (
    SELECT ordinal, count(*) AS contradictions, count(*) FILTER (confident) AS confident FROM pairs WHERE who IS NOT NULL GROUP BY ordinal
)
SELECT q.* EXCLUDE (run), coalesce(j.asked, 0) AS asked, coalesce(j.wrong, 0) AS wrong, coalesce(j.fabricated, 0) AS fabricated,
       coalesce(j.committed, 0) AS committed, coalesce(j.graded, 0) AS graded, coalesce(j.ungraded, 0) AS ungraded,
       coalesce(c.contradictions, 0) AS contradictions, coalesce(c.confident, 0) AS confident,
       lower(concat_ws(chr(10), q.question, q.text, j.finals)) AS haystack
FROM store.questions q LEFT JOIN judged j USING (ordinal) LEFT JOIN clashing c USING (ordinal)
WHERE q.run = $run ORDER BY q.ordinal;

-- How every ask ended: one row a model and kind of question. Weights are exposure / pi, without a risk profile.
CREATE TABLE cells AS
SELECT model, q.stratum, q.severity, q.answerable, q.reason, status, outcome, count(*) AS n, sum(q.exposure / q.pi) AS weight
FROM answers a JOIN questions q USING (ordinal) GROUP BY ALL ORDER BY ALL;

-- Contradictions by pair of models and kind of question, by who was right.
CREATE TABLE clashes AS
SELECT a, b, q.stratum, q.severity, q.answerable, q.reason, who, count(*) AS n
FROM pairs JOIN questions q USING (ordinal) WHERE who IS NOT NULL GROUP BY ALL ORDER BY ALL;

-- Twins: an answerable question and its unanswerable one, both drawn; and each model's outcomes on the two.
CREATE TABLE twins AS
SELECT DISTINCT if(q.answerable, q.ordinal, t.ordinal) AS known, if(q.answerable, t.ordinal, q.ordinal) AS unknown
FROM questions q JOIN questions t ON t.question = q.twin AND t.answerable <> q.answerable ORDER BY ALL;

CREATE TABLE twin_outcomes AS
SELECT t.known AS ordinal, t.unknown AS twin, k.model, k.repeat, q.stratum, q.severity,
       if(k.status = 'answered', coalesce(k.outcome::VARCHAR, 'ungraded'), k.status::VARCHAR) AS known,
       if(u.status = 'answered', coalesce(u.outcome::VARCHAR, 'ungraded'), u.status::VARCHAR) AS unknown
FROM twins t JOIN questions q ON q.ordinal = t.known JOIN answers k ON k.ordinal = t.known
JOIN answers u ON u.ordinal = t.unknown AND u.model = k.model AND u.repeat = k.repeat ORDER BY ALL;
