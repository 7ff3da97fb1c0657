-- # conditions
SELECT COUNT(DISTINCT condition_concept_id) AS conditions FROM condition_occurrence
-- # conditions-by-sex
SELECT p.gender_concept_id, COUNT(DISTINCT c.condition_concept_id) AS conditions
FROM condition_occurrence AS c JOIN person AS p ON c.person_id = p.person_id GROUP BY p.gender_concept_id
-- # days-of-visits
SELECT visit_concept_id, COUNT(DISTINCT visit_start_date) AS days FROM visit_occurrence GROUP BY visit_concept_id
-- # moments
SELECT COUNT(DISTINCT visit_start_datetime) AS moments FROM visit_occurrence
-- # texts
SELECT visit_concept_id, COUNT(DISTINCT visit_source_value) AS texts FROM visit_occurrence GROUP BY visit_concept_id
-- # providers-per-condition
SELECT condition_concept_id, COUNT(DISTINCT provider_id) AS providers FROM condition_occurrence GROUP BY condition_concept_id
-- # years-and-people
SELECT COUNT(DISTINCT year_of_birth) AS years, COUNT(DISTINCT person_id) AS people FROM person
-- # a-redefined-unit-is-a-value
SELECT COUNT(DISTINCT person_id) AS n FROM (SELECT person_id % 7 AS person_id FROM person) AS p
-- # of-a-feature
SELECT COUNT(DISTINCT n) AS numbers FROM (SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS v
-- # null-in-a-tuple
SELECT COUNT(DISTINCT gender_source_value || race_source_value) AS pairs FROM person
