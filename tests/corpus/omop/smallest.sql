-- # learned-conditions-of-eleven
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 5, delta = 1e-5, min_units = 11) condition_concept_id, COUNT(*) AS n
FROM condition_occurrence GROUP BY condition_concept_id
-- # learned-conditions-of-one
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 20, delta = 1e-3, min_units = 1) condition_concept_id,
  COUNT(DISTINCT person_id) AS people FROM condition_occurrence GROUP BY condition_concept_id
-- # learned-drugs-of-two
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 50, delta = 1e-3, min_units = 2) drug_concept_id,
  SUM(days_supply) AS days FROM drug_exposure GROUP BY drug_concept_id
-- # visits-of-small-kinds
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 2, min_units = 5) visit_concept_id, COUNT(*) AS n
FROM visit_occurrence GROUP BY visit_concept_id
-- # people-of-small-groups
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 2, min_units = 11) gender_concept_id, race_concept_id,
  COUNT(DISTINCT person_id) AS people FROM person GROUP BY gender_concept_id, race_concept_id
