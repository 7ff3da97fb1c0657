-- # learned-conditions-and-their-total
SELECT condition_concept_id, GROUPING(condition_concept_id) AS total, COUNT(*) AS n FROM condition_occurrence
GROUP BY ROLLUP (condition_concept_id)
-- # public-and-learned-sets
SELECT visit_concept_id, provider_id, COUNT(DISTINCT person_id) AS people FROM visit_occurrence
GROUP BY GROUPING SETS ((visit_concept_id), (provider_id))
-- # learned-conditions-listed
SELECT DISTINCT condition_concept_id FROM condition_occurrence
-- # learned-pairs-listed
SELECT DISTINCT drug_concept_id, refills > 0 AS refilled FROM drug_exposure
-- # listed-keys-that-are-declared
SELECT DISTINCT gender_concept_id FROM person
-- fixed
SELECT gender_concept_id, COUNT(DISTINCT person_id) AS people FROM person GROUP BY gender_concept_id
-- # named-conditions
SELECT c.concept_name, t.n FROM (SELECT condition_concept_id, COUNT(*) AS n FROM condition_occurrence
GROUP BY condition_concept_id) AS t JOIN concept AS c ON c.concept_id = t.condition_concept_id
-- # decades-of-birth
SELECT decade, gender_concept_id, COUNT(DISTINCT person_id) AS people
FROM (SELECT person_id, gender_concept_id, year_of_birth / 10 AS decade FROM person) AS p
GROUP BY ROLLUP (decade, gender_concept_id)
