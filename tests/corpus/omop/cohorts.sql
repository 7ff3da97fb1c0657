-- # people-by-sex
SELECT gender_concept_id, COUNT(*) AS people FROM person GROUP BY gender_concept_id
-- # birth-years
SELECT AVG(year_of_birth) AS born FROM person
-- # decades
SELECT year_of_birth / 10 * 10 AS decade, COUNT(*) AS people FROM person GROUP BY year_of_birth / 10 * 10
-- # conditions-learned
SELECT condition_concept_id, COUNT(DISTINCT person_id) AS people FROM condition_occurrence
GROUP BY condition_concept_id ORDER BY people DESC
-- # conditions-named
SELECT c.concept_name, COUNT(DISTINCT o.person_id) AS people
FROM condition_occurrence AS o JOIN concept AS c ON o.condition_concept_id = c.concept_id
GROUP BY c.concept_name
-- # visits-by-kind
SELECT visit_concept_id, COUNT(*) AS visits, COUNT(DISTINCT person_id) AS people FROM visit_occurrence
GROUP BY visit_concept_id
-- # visits-by-sex
SELECT p.gender_concept_id, COUNT(*) AS visits FROM visit_occurrence AS v JOIN person AS p ON v.person_id = p.person_id
GROUP BY p.gender_concept_id
-- # visits-of-the-left
SELECT p.gender_concept_id, COUNT(v.visit_occurrence_id) AS visits
FROM person AS p LEFT JOIN visit_occurrence AS v ON p.person_id = v.person_id GROUP BY p.gender_concept_id
-- # right-join
SELECT COUNT(*) AS n FROM visit_occurrence AS v RIGHT JOIN person AS p ON v.person_id = p.person_id
-- # full-join
SELECT COUNT(*) AS n FROM visit_occurrence AS v FULL JOIN person AS p ON v.person_id = p.person_id
-- fixed
SELECT COUNT(*) AS n FROM person AS p LEFT JOIN visit_occurrence AS v ON v.person_id = p.person_id
-- # with-diabetes-in
SELECT gender_concept_id, COUNT(*) AS people FROM person
WHERE person_id IN (SELECT person_id FROM condition_occurrence WHERE condition_concept_id = 3)
GROUP BY gender_concept_id
-- # with-and-with
SELECT COUNT(*) AS people FROM person
WHERE person_id IN (SELECT person_id FROM condition_occurrence WHERE condition_concept_id = 3)
AND person_id IN (SELECT person_id FROM drug_exposure WHERE drug_concept_id = 2)
-- # with-and-without
SELECT COUNT(*) AS people FROM person
WHERE person_id IN (SELECT person_id FROM condition_occurrence WHERE condition_concept_id = 3)
AND person_id NOT IN (SELECT person_id FROM drug_exposure WHERE drug_concept_id = 2)
-- # exists-correlated
SELECT COUNT(*) AS people FROM person AS p WHERE EXISTS
(SELECT 1 FROM visit_occurrence AS v WHERE v.person_id = p.person_id AND v.visit_concept_id = 9201)
-- # exists-not-correlated
SELECT COUNT(*) AS people FROM person WHERE EXISTS (SELECT 1 FROM visit_occurrence WHERE visit_concept_id = 9201)
-- fixed
SELECT COUNT(*) AS people FROM person
WHERE person_id IN (SELECT person_id FROM visit_occurrence WHERE visit_concept_id = 9201)
-- # exists-off-the-unit
SELECT COUNT(*) AS people FROM person AS p WHERE EXISTS
(SELECT 1 FROM visit_occurrence AS v WHERE v.visit_concept_id = p.gender_concept_id)
-- fixed
SELECT COUNT(*) AS people FROM person WHERE person_id IN (SELECT person_id FROM visit_occurrence)
-- # in-a-public-list
SELECT COUNT(*) AS n FROM condition_occurrence
WHERE condition_concept_id IN (SELECT concept_id FROM concept WHERE concept_name = 'fever')
-- # public-in-owned
SELECT COUNT(*) AS n FROM concept WHERE concept_id IN (SELECT condition_concept_id FROM condition_occurrence)
-- fixed
SELECT COUNT(*) AS n FROM condition_occurrence WHERE condition_concept_id IN (SELECT concept_id FROM concept)
-- # public-left-owned
SELECT c.concept_name, COUNT(*) AS n FROM concept AS c
LEFT JOIN condition_occurrence AS o ON o.condition_concept_id = c.concept_id GROUP BY c.concept_name
-- fixed
SELECT c.concept_name, COUNT(*) AS n FROM condition_occurrence AS o
LEFT JOIN concept AS c ON o.condition_concept_id = c.concept_id GROUP BY c.concept_name
-- # cross-join
SELECT COUNT(*) AS n FROM person CROSS JOIN concept
-- # public-only
SELECT COUNT(*) AS n FROM concept
-- fixed
SELECT COUNT(*) AS n FROM condition_occurrence AS o JOIN concept AS c ON o.condition_concept_id = c.concept_id
-- # three-owned-tables
SELECT COUNT(*) AS n FROM person AS p
JOIN visit_occurrence AS v ON p.person_id = v.person_id
JOIN condition_occurrence AS o ON p.person_id = o.person_id AND v.visit_occurrence_id = o.visit_occurrence_id
-- # four-owned-tables
SELECT COUNT(*) AS n FROM person AS p
JOIN visit_occurrence AS v ON p.person_id = v.person_id
JOIN condition_occurrence AS o ON p.person_id = o.person_id
JOIN drug_exposure AS d ON p.person_id = d.person_id
-- fixed
SELECT COUNT(*) AS n FROM person AS p
JOIN visit_occurrence AS v ON p.person_id = v.person_id
WHERE p.person_id IN (SELECT person_id FROM condition_occurrence)
AND p.person_id IN (SELECT person_id FROM drug_exposure)
-- # join-without-the-unit
SELECT COUNT(*) AS n FROM visit_occurrence AS v JOIN condition_occurrence AS o
ON v.visit_occurrence_id = o.visit_occurrence_id
-- fixed
SELECT COUNT(*) AS n FROM visit_occurrence AS v JOIN condition_occurrence AS o
ON v.visit_occurrence_id = o.visit_occurrence_id AND v.person_id = o.person_id
-- # join-on-an-inequality
SELECT COUNT(*) AS n FROM person AS p JOIN visit_occurrence AS v ON p.person_id <> v.person_id
-- fixed
SELECT COUNT(*) AS n FROM person AS p JOIN visit_occurrence AS v ON p.person_id = v.person_id
-- # comma-join
SELECT COUNT(*) AS n FROM person AS p, visit_occurrence AS v WHERE p.person_id = v.person_id
-- # natural-join
SELECT COUNT(*) AS n FROM person NATURAL JOIN death
-- # deaths
SELECT COUNT(*) AS deaths FROM death WHERE death_date >= DATE '2010-01-01'
-- # pain
SELECT AVG(value_as_number) AS pain FROM measurement WHERE measurement_concept_id = 5
-- # drugs-and-days
SELECT drug_concept_id, SUM(days_supply) AS days, AVG(quantity) AS units FROM drug_exposure GROUP BY drug_concept_id
-- # another-datasets-table
SELECT COUNT(*) AS n FROM rand_hie
-- # text-keys
SELECT stop_reason, COUNT(*) AS n FROM drug_exposure GROUP BY stop_reason
-- # text-tests
SELECT COUNT(*) AS n FROM drug_exposure WHERE stop_reason LIKE 'a%' OR UPPER(stop_reason) = 'FEVER'
-- # text-length
SELECT AVG(clamp(LENGTH(drug_source_value), 0, 50)) AS length FROM drug_exposure
