-- What journals hold, as tables. Append-only: a row is never changed, a later event adds a row (the exceptions are
-- `journals`, how far each file has been read, and a run's state). NULL means missing. NaN is never stored.
-- `seq` orders all events of a run, over its journal and its parts: opening << 52 | place << 31 | line, where the place is
-- 0 for an opening's own event, (shard + 1) << 9 | attempt for a part, and the highest for the rest of the main journal.
CREATE TYPE status AS ENUM ('answered', 'vendor_filtered', 'failed');
CREATE TYPE outcome AS ENUM ('correct', 'partial', 'incorrect', 'abstained');
CREATE TYPE relation AS ENUM ('equivalent', 'compatible', 'contradict');
CREATE TYPE purpose AS ENUM ('answer', 'grade', 'relate', 'canary');

CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR);
INSERT INTO meta VALUES ('schema', '4');

CREATE TABLE runs (
    run VARCHAR PRIMARY KEY,
    created_at TIMESTAMP,
    state VARCHAR,              -- running, complete, interrupted: as the last event said
    suite VARCHAR, suite_version VARCHAR, suite_hash VARCHAR, panel VARCHAR,
    simulated BOOLEAN,
    evalkit VARCHAR,
    header VARCHAR              -- JSON: the first event without its questions and its sample: suite, panel, configuration, versions
);
-- How far each file of a run is loaded, and the hash to go on from. `part`: '' is the main journal, 'E.S.A' a part;
-- `opening`: the openings seen so far in the main journal, the one that a part belongs to.
CREATE TABLE journals (
    run VARCHAR, part VARCHAR, opening BIGINT, lines BIGINT, bytes BIGINT, head VARCHAR, PRIMARY KEY (run, part)
);
CREATE TABLE run_questions (
    run VARCHAR, ordinal INTEGER, question VARCHAR, text VARCHAR, answerable BOOLEAN, gold VARCHAR[], tolerance DOUBLE,
    reason VARCHAR, severity TINYINT, exposure DOUBLE, stratum VARCHAR, cluster VARCHAR, twin VARCHAR, context VARCHAR,
    source VARCHAR, as_of VARCHAR
);
-- The sample: every draw is whole, the newest of a run holds (an adaptive run draws again after each round).
CREATE TABLE run_draws (
    run VARCHAR, seq BIGINT, question VARCHAR, pi DOUBLE,
    design_stratum VARCHAR      -- what was drawn apart from the others; '' without strata
);
-- Each look of an adaptive run: what it had asked, how wide its widest main interval was, what followed.
CREATE TABLE round_events (
    run VARCHAR, seq BIGINT, happened_at TIMESTAMP, round INTEGER, questions INTEGER, widest DOUBLE,
    decision VARCHAR, seen JSON, told JSON
);
CREATE TABLE run_models (
    run VARCHAR, ordinal INTEGER, model VARCHAR, family VARCHAR, tier VARCHAR, provider VARCHAR, simulated BOOLEAN,
    currency VARCHAR, spec JSON
);
CREATE TABLE answer_events (
    run VARCHAR, seq BIGINT, happened_at TIMESTAMP, ask VARCHAR, model VARCHAR, question VARCHAR, purpose purpose, repeat INTEGER,
    condition VARCHAR, about VARCHAR, pi DOUBLE, status status, text VARCHAR, final VARCHAR, confidence DOUBLE,
    on_protocol BOOLEAN, reasoning VARCHAR, error_kind VARCHAR, error VARCHAR, attempts INTEGER, finish_reason VARCHAR,
    returned_model VARCHAR, fingerprint VARCHAR, input_tokens BIGINT, output_tokens BIGINT, cost DOUBLE, currency VARCHAR,
    latency_s DOUBLE, cached_input_tokens BIGINT, tool_tokens BIGINT, reasoning_tokens BIGINT, first_token_s DOUBLE,
    reused VARCHAR              -- the earlier run whose answer this is; nothing was sent for it here
);
CREATE TABLE attempt_events (
    run VARCHAR, seq BIGINT, happened_at TIMESTAMP, ask VARCHAR, attempt INTEGER, kind VARCHAR, error VARCHAR, wait_s DOUBLE,
    at_risk DOUBLE, at_risk_tokens BIGINT,  -- what the failed attempt may have cost all the same
    model VARCHAR, purpose purpose
);
CREATE TABLE grading_events (
    run VARCHAR, seq BIGINT, happened_at TIMESTAMP, grading VARCHAR, ended BOOLEAN, graders JSON, judges VARCHAR[]
);
CREATE TABLE vote_events (run VARCHAR, seq BIGINT, grading VARCHAR, item VARCHAR, judge VARCHAR, value VARCHAR, why VARCHAR);
CREATE TABLE label_events (
    run VARCHAR, seq BIGINT, happened_at TIMESTAMP, item VARCHAR, kind VARCHAR, annotator VARCHAR, label VARCHAR, pi DOUBLE
);
CREATE TABLE grade_events (
    run VARCHAR, seq BIGINT, grading VARCHAR, ask VARCHAR, outcome outcome, committed BOOLEAN, why VARCHAR, stage VARCHAR,
    probability DOUBLE
);
CREATE TABLE relation_events (
    run VARCHAR, seq BIGINT, grading VARCHAR, question VARCHAR, a VARCHAR, b VARCHAR, kind relation, why VARCHAR,
    stage VARCHAR, probability DOUBLE
);
