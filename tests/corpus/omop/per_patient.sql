-- # visits-per-patient
SELECT AVG(n) AS visits FROM
(SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS people
-- fixed
SELECT AVG(clamp(n, 0, 50)) AS visits FROM
(SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS people
-- # visits-per-patient-clamped
SELECT AVG(clamp(n, 0, 50)) AS visits FROM
(SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS people
-- # visits-per-patient-spread
SELECT n, COUNT(*) AS people FROM
(SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS people
WHERE n <= 5 GROUP BY n
-- # days-of-supply-per-patient
SELECT AVG(days) AS days FROM
(SELECT person_id, SUM(days_supply) AS days FROM drug_exposure GROUP BY person_id) AS people
-- fixed
SELECT AVG(clamp(days, 0, 1000)) AS days FROM
(SELECT person_id, SUM(days_supply) AS days FROM drug_exposure GROUP BY person_id) AS people
-- # pain-per-patient
SELECT AVG(worst) AS worst, AVG(mean) AS mean FROM
(SELECT person_id, MAX(value_as_number) AS worst, AVG(value_as_number) AS mean FROM measurement GROUP BY person_id) AS people
-- # feature-joined-to-people
SELECT p.gender_concept_id, AVG(f.n) AS visits FROM person AS p
JOIN (SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS f ON p.person_id = f.person_id
GROUP BY p.gender_concept_id
-- fixed
SELECT p.gender_concept_id, AVG(clamp(f.n, 0, 50)) AS visits FROM person AS p
JOIN (SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS f ON p.person_id = f.person_id
GROUP BY p.gender_concept_id
-- # feature-of-people-without-visits
SELECT AVG(COALESCE(f.n, 0)) AS visits FROM person AS p
LEFT JOIN (SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS f ON p.person_id = f.person_id
-- fixed
SELECT AVG(clamp(COALESCE(f.n, 0), 0, 50)) AS visits FROM person AS p
LEFT JOIN (SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS f ON p.person_id = f.person_id
-- # first-visit-of-each-patient
SELECT visit_concept_id, COUNT(*) AS people FROM
(SELECT person_id, visit_concept_id,
ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY visit_start_date) AS place FROM visit_occurrence) AS visits
WHERE place = 1 GROUP BY visit_concept_id
-- # days-since-the-previous-dispensation
SELECT AVG(clamp(gap, 0, 365)) AS days FROM
(SELECT drug_exposure_start_date - LAG(drug_exposure_start_date) OVER
(PARTITION BY person_id ORDER BY drug_exposure_start_date) AS gap FROM drug_exposure) AS gaps
-- # earlier-visit-by-lag
SELECT COUNT(*) AS returns FROM
(SELECT visit_concept_id, LAG(visit_concept_id) OVER (PARTITION BY person_id ORDER BY visit_start_date) AS before
FROM visit_occurrence) AS visits WHERE before = 9201
-- # rank-of-a-visit
SELECT place, COUNT(*) AS n FROM
(SELECT DENSE_RANK() OVER (PARTITION BY person_id ORDER BY visit_start_date) AS place FROM visit_occurrence) AS visits
WHERE place <= 3 GROUP BY place
-- # window-not-by-person
SELECT COUNT(*) AS n FROM
(SELECT ROW_NUMBER() OVER (PARTITION BY visit_concept_id ORDER BY visit_start_date) AS place FROM visit_occurrence) AS visits
WHERE place = 1
-- fixed
SELECT visit_concept_id, COUNT(DISTINCT person_id) AS people FROM visit_occurrence GROUP BY visit_concept_id
-- # window-count-per-person
SELECT AVG(clamp(n, 0, 20)) AS n FROM
(SELECT COUNT(*) OVER (PARTITION BY person_id) AS n FROM visit_occurrence) AS visits
-- # first-condition-value
SELECT first, COUNT(*) AS people FROM
(SELECT person_id, FIRST_VALUE(condition_concept_id) OVER (PARTITION BY person_id ORDER BY condition_start_date) AS first
FROM condition_occurrence) AS firsts GROUP BY first
-- # per-patient-distinct
SELECT AVG(clamp(n, 0, 20)) AS conditions FROM
(SELECT person_id, COUNT(DISTINCT condition_concept_id) AS n FROM condition_occurrence GROUP BY person_id) AS people
-- # per-patient-and-condition
SELECT condition_concept_id, AVG(clamp(n, 0, 10)) AS records FROM
(SELECT person_id, condition_concept_id, COUNT(*) AS n FROM condition_occurrence
GROUP BY person_id, condition_concept_id) AS pairs GROUP BY condition_concept_id
-- # not-by-patient-below
SELECT AVG(n) AS people FROM
(SELECT condition_concept_id, COUNT(*) AS n FROM condition_occurrence GROUP BY condition_concept_id) AS counts
-- # released-joined-back
SELECT COUNT(*) AS n FROM drug_exposure AS d
JOIN (SELECT drug_concept_id, COUNT(DISTINCT person_id) AS people FROM drug_exposure GROUP BY drug_concept_id) AS common
ON d.drug_concept_id = common.drug_concept_id WHERE common.people > 3
-- # patients-with-two-features
SELECT COUNT(*) AS people FROM
(SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id) AS v
JOIN (SELECT person_id, COUNT(*) AS n FROM drug_exposure GROUP BY person_id) AS d ON v.person_id = d.person_id
WHERE v.n > 2 AND d.n > 2
-- # visits-with-a-condition
SELECT v.visit_concept_id, COUNT(DISTINCT v.person_id) AS people FROM visit_occurrence AS v
JOIN condition_occurrence AS o ON o.person_id = v.person_id AND o.visit_occurrence_id = v.visit_occurrence_id
GROUP BY v.visit_concept_id
-- # union-of-events
SELECT COUNT(DISTINCT person_id) AS people FROM
(SELECT person_id, condition_start_date AS day FROM condition_occurrence
UNION ALL SELECT person_id, drug_exposure_start_date AS day FROM drug_exposure) AS events
-- # union-by-kind
SELECT kind, COUNT(*) AS n FROM
(SELECT person_id, 'condition' AS kind FROM condition_occurrence
UNION ALL SELECT person_id, 'drug' AS kind FROM drug_exposure) AS events GROUP BY kind
-- # union-distinct
SELECT COUNT(*) AS n FROM
(SELECT person_id FROM condition_occurrence UNION SELECT person_id FROM drug_exposure) AS people
-- # intersect
SELECT COUNT(*) AS n FROM
(SELECT person_id FROM condition_occurrence INTERSECT SELECT person_id FROM drug_exposure) AS people
-- fixed
SELECT COUNT(DISTINCT person_id) AS n FROM condition_occurrence
WHERE person_id IN (SELECT person_id FROM drug_exposure)
-- # except
SELECT COUNT(*) AS n FROM
(SELECT person_id FROM condition_occurrence EXCEPT SELECT person_id FROM drug_exposure) AS people
-- fixed
SELECT COUNT(DISTINCT person_id) AS n FROM condition_occurrence
WHERE person_id NOT IN (SELECT person_id FROM drug_exposure)
-- # years-of-visits
SELECT EXTRACT(YEAR FROM visit_start_date) AS year, COUNT(*) AS visits FROM visit_occurrence
GROUP BY EXTRACT(YEAR FROM visit_start_date)
-- # months-of-deaths
SELECT date_trunc('month', death_date) AS month, COUNT(*) AS deaths FROM death GROUP BY date_trunc('month', death_date)
-- # age-at-visit
SELECT AVG(clamp(EXTRACT(YEAR FROM v.visit_start_date) - p.year_of_birth, 0, 110)) AS age
FROM visit_occurrence AS v JOIN person AS p ON v.person_id = p.person_id
-- # length-of-stay
SELECT AVG(clamp(visit_end_date - visit_start_date, 0, 60)) AS days FROM visit_occurrence WHERE visit_concept_id = 9201
-- # within-thirty-days
SELECT COUNT(DISTINCT d.person_id) AS people FROM drug_exposure AS d
JOIN condition_occurrence AS o ON d.person_id = o.person_id
WHERE d.drug_exposure_start_date BETWEEN o.condition_start_date AND o.condition_start_date + INTERVAL '30 days'
