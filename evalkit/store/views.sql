-- What people query. Joins, filters, counts and sums are made here; what has a distribution is made in Python.

-- How each planned ask ended (the last word on it, where it was asked again). Judges' asks are in judge_answers,
-- the questions that prove an endpoint's identity in canaries.
CREATE VIEW answers AS
SELECT * EXCLUDE (seq, happened_at, about) FROM answer_events
WHERE purpose = 'answer'
QUALIFY row_number() OVER (PARTITION BY run, ask ORDER BY seq DESC) = 1;

CREATE VIEW judge_answers AS
SELECT * EXCLUDE (seq, happened_at) FROM answer_events
WHERE purpose IN ('grade', 'relate')
QUALIFY row_number() OVER (PARTITION BY run, ask ORDER BY seq DESC) = 1;

CREATE VIEW attempts AS SELECT * FROM attempt_events;

-- Every finished grading of a run; `latest` marks the last one, or the one named by SET VARIABLE grading = '...'.
CREATE VIEW gradings AS
SELECT run, grading, happened_at, graders, judges,
       CASE WHEN getvariable('grading') IS NULL THEN row_number() OVER (PARTITION BY run ORDER BY seq DESC) = 1
            ELSE grading = getvariable('grading') END AS latest
FROM grading_events WHERE ended;

CREATE VIEW grades AS
SELECT g.* EXCLUDE (seq), v.latest FROM grade_events g JOIN gradings v USING (run, grading);

CREATE VIEW relations AS
SELECT r.* EXCLUDE (seq), v.latest FROM relation_events r JOIN gradings v USING (run, grading);

-- What each judge said of each item (an ask, or a pair of answers); no value: no vote, with why.
CREATE VIEW votes AS
SELECT v.* EXCLUDE (seq), g.latest FROM vote_events v JOIN gradings g USING (run, grading);

-- What people said of answers (kind outcome, item an ask) and of pairs (kind relation, item a|b): the last word of each.
CREATE VIEW labels AS
SELECT * EXCLUDE (seq) FROM label_events
QUALIFY row_number() OVER (PARTITION BY run, item, kind, annotator ORDER BY seq DESC) = 1;

-- The questions that were drawn, each with its chance and its stratum in the newest draw.
CREATE VIEW questions AS
SELECT q.*, d.pi, d.design_stratum
FROM run_questions q
JOIN (SELECT * FROM run_draws QUALIFY rank() OVER (PARTITION BY run ORDER BY seq DESC) = 1) d USING (run, question);
CREATE VIEW models AS SELECT * FROM run_models;

-- The looks of adaptive runs.
CREATE VIEW rounds AS SELECT * EXCLUDE (seq) FROM round_events;

-- One row an ask, with its latest grade and its question: what figures are made of.
CREATE VIEW outcomes AS
SELECT a.run, a.ask, a.model, a.question, a.repeat, a.condition, a.status, a.error_kind, a.final, a.confidence,
       a.on_protocol, a.reused, q.pi, q.answerable, q.reason, q.severity, q.exposure, q.stratum, q.cluster, q.design_stratum,
       g.grading, g.outcome, g.committed, g.why, g.stage, g.probability
FROM answers a
JOIN questions q USING (run, question)
LEFT JOIN grades g ON g.run = a.run AND g.ask = a.ask AND g.latest;

-- The four denominators, by model.
CREATE VIEW denominators AS
SELECT run, model, count(*) AS asked,
       count(*) FILTER (status = 'answered') AS answered,
       count(*) FILTER (status = 'vendor_filtered') AS vendor_filtered,
       count(*) FILTER (status = 'failed') AS failed,
       count(*) FILTER (outcome IS NOT NULL) AS graded,
       count(*) FILTER (status = 'answered' AND outcome IS NULL) AS ungraded,
       count(*) FILTER (NOT on_protocol) AS off_protocol,
       count(*) FILTER (reused IS NOT NULL) AS reused
FROM outcomes GROUP BY run, model;

-- Weighted and plain sums behind the rates, by model and answerability: weight = exposure / pi (without a risk profile).
CREATE VIEW rates AS
SELECT run, model, answerable, outcome, count(*) AS n, sum(exposure / pi) AS weight, sum((exposure / pi) ** 2) AS weight_squared
FROM outcomes WHERE outcome IS NOT NULL GROUP BY run, model, answerable, outcome;

-- One row a pair of committed answers of two models (or two repeats of one), with both outcomes. model_a <= model_b.
CREATE VIEW pairs AS
SELECT r.run, r.question, a.repeat, a.model AS model_a, b.model AS model_b, b.repeat AS repeat_b, r.a, r.b, r.kind, r.why, r.stage, r.probability,
       a.outcome AS outcome_a, b.outcome AS outcome_b, a.final AS final_a, b.final AS final_b,
       a.confidence AS confidence_a, b.confidence AS confidence_b,
       a.answerable, a.cluster, a.exposure, a.pi
FROM relations r
JOIN outcomes a ON a.run = r.run AND a.ask = r.a
JOIN outcomes b ON b.run = r.run AND b.ask = r.b
WHERE r.latest;

-- Counts by pair of models: contradictions, decided pairs, and who was right where they contradict.
CREATE VIEW contradictions AS
SELECT run, model_a, model_b, count(*) AS pairs, count(kind) AS decided,
       count(*) FILTER (kind = 'contradict') AS contradict,
       count(*) FILTER (kind = 'equivalent') AS equivalent,
       count(*) FILTER (kind = 'compatible') AS compatible,
       count(*) FILTER (kind = 'contradict' AND answerable AND outcome_a = 'correct' AND outcome_b <> 'correct') AS a_right,
       count(*) FILTER (kind = 'contradict' AND answerable AND outcome_b = 'correct' AND outcome_a <> 'correct') AS b_right,
       count(*) FILTER (kind = 'contradict' AND answerable AND outcome_a = 'incorrect' AND outcome_b = 'incorrect') AS both_wrong,
       count(*) FILTER (kind = 'contradict' AND NOT answerable) AS unknowable
FROM pairs WHERE model_a <> model_b GROUP BY run, model_a, model_b;

-- What each endpoint said when a run began and ended (`about`: start.1, end.1, ...), at temperature 0.
CREATE VIEW canaries AS
SELECT run, model, happened_at, about, status, final, text, returned_model, fingerprint FROM answer_events
WHERE purpose = 'canary'
QUALIFY row_number() OVER (PARTITION BY run, ask ORDER BY seq DESC) = 1;

-- Who answered, by what the replies named: more than one row a model is a change of the endpoint in mid-run.
-- `answers` counts answered asks of any purpose; reused ones came of another run.
CREATE VIEW identities AS
SELECT run, model, returned_model, fingerprint, min(happened_at) AS first_at, max(happened_at) AS last_at,
       count(DISTINCT ask) AS answers
FROM answer_events WHERE status = 'answered' AND reused IS NULL
GROUP BY run, model, returned_model, fingerprint;

-- What was sent and what it cost, by model and purpose. Every time that an ask was asked counts, in whichever opening of
-- the run; what was reused was not sent, so that it counts in `asks` and `reused` alone. No model or purpose: attempts at
-- asks that never ended, of journals that didn't say whose. `at_risk`: what failed attempts may have cost besides.
CREATE VIEW spending AS
WITH ends AS (
    SELECT run, ask, any_value(model) AS model, any_value(purpose) AS purpose, bool_or(reused IS NOT NULL) AS reused,
           count(*) FILTER (reused IS NULL) AS sent, max(currency) AS currency,
           fsum(cost) FILTER (reused IS NULL) AS cost,
           sum(input_tokens) FILTER (reused IS NULL) AS input_tokens,
           sum(cached_input_tokens) FILTER (reused IS NULL) AS cached_input_tokens,
           sum(tool_tokens) FILTER (reused IS NULL) AS tool_tokens,
           sum(output_tokens) FILTER (reused IS NULL) AS output_tokens,
           sum(reasoning_tokens) FILTER (reused IS NULL) AS reasoning_tokens
    FROM answer_events GROUP BY run, ask
), opened AS (  -- within an opening an ask's attempts are numbered from 1, so that the highest number is their count
    SELECT run, ask, any_value(model) AS model, any_value(purpose) AS purpose, max(n) AS n, sum(at_risk) AS at_risk,
           sum(at_risk_tokens) AS at_risk_tokens
    FROM (
        SELECT run, ask, seq >> 52 AS opening, model, purpose, attempts AS n, NULL AS at_risk, NULL AS at_risk_tokens
        FROM answer_events WHERE reused IS NULL
        UNION ALL
        SELECT run, ask, seq >> 52, model, purpose, attempt, at_risk, at_risk_tokens FROM attempt_events
    ) GROUP BY run, ask, opening
), tries AS (
    SELECT run, ask, any_value(model) AS model, any_value(purpose) AS purpose, sum(n) AS attempts, sum(at_risk) AS at_risk,
           sum(at_risk_tokens) AS at_risk_tokens
    FROM opened GROUP BY run, ask
), whole AS (
    SELECT coalesce(e.run, t.run) AS run, coalesce(e.model, t.model) AS model, coalesce(e.purpose, t.purpose) AS purpose,
           e.* EXCLUDE (run, ask, model, purpose), t.attempts, t.at_risk, t.at_risk_tokens
    FROM ends e FULL JOIN tries t ON t.run = e.run AND t.ask = e.ask
)
SELECT run, model, purpose, count(*) AS asks, count(*) FILTER (reused) AS reused,
       coalesce(sum(attempts), 0)::BIGINT AS attempts,
       if(coalesce(sum(sent), 0) = 0 AND count(*) FILTER (reused) > 0, 0, fsum(cost)) AS cost, max(currency) AS currency,
       sum(input_tokens)::BIGINT AS input_tokens, sum(cached_input_tokens)::BIGINT AS cached_input_tokens,
       sum(tool_tokens)::BIGINT AS tool_tokens, sum(output_tokens)::BIGINT AS output_tokens,
       sum(reasoning_tokens)::BIGINT AS reasoning_tokens, sum(at_risk) AS at_risk,
       sum(at_risk_tokens)::BIGINT AS at_risk_tokens
FROM whole GROUP BY run, model, purpose;

-- How fast each model answered the questions (not those reused). Time to the first token and tokens a second after it
-- are known of streamed answers alone.
CREATE VIEW speeds AS
SELECT run, model, count(*) AS answers, count(first_token_s) AS streamed,
       median(first_token_s) AS first_token_s_median, quantile_cont(first_token_s, 0.95) AS first_token_s_p95,
       median(rate) AS tokens_per_s_median, quantile_cont(rate, 0.95) AS tokens_per_s_p95,
       median(latency_s) AS latency_s_median
FROM (
    SELECT *, CASE WHEN output_tokens > 1 AND latency_s > first_token_s
                   THEN (output_tokens - 1) / (latency_s - first_token_s) END AS rate
    FROM answers WHERE status = 'answered' AND reused IS NULL
) GROUP BY run, model;
