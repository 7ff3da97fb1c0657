-- # star
SELECT * FROM person
-- fixed
SELECT COUNT(*) AS people FROM person
-- # unit-in-the-output
SELECT person_id FROM person ORDER BY person_id LIMIT 1
-- fixed
SELECT COUNT(*) AS people FROM person
-- # unit-as-key
SELECT person_id, COUNT(*) AS n FROM visit_occurrence GROUP BY person_id
-- fixed
SELECT COUNT(*) AS n, COUNT(DISTINCT person_id) AS people FROM visit_occurrence
-- # unit-as-text-key
SELECT CAST(person_id AS VARCHAR) AS who, COUNT(*) AS n FROM visit_occurrence GROUP BY CAST(person_id AS VARCHAR)
-- # raw-maximum
SELECT MAX(value_as_number) AS most FROM measurement
-- fixed
SELECT AVG(value_as_number) AS mean FROM measurement
-- # raw-minimum-of-the-unit
SELECT MIN(person_id) AS first FROM person
-- fixed
SELECT COUNT(*) AS people FROM person
-- # array-agg
SELECT array_agg(person_id) AS everybody FROM person
-- fixed
SELECT COUNT(DISTINCT person_id) AS everybody FROM person
-- # string-agg
SELECT string_agg(person_source_value, ',') AS everybody FROM person
-- fixed
SELECT COUNT(DISTINCT person_id) AS everybody FROM person
-- # first-value
SELECT first_value(person_id) AS one FROM person
-- fixed
SELECT COUNT(DISTINCT person_id) AS people FROM person
-- # nth-value
SELECT nth_value(person_id, 3) AS one FROM person
-- fixed
SELECT COUNT(DISTINCT person_id) AS people FROM person
-- # copy
COPY person TO 'person.csv'
-- fixed
SELECT COUNT(*) AS people FROM person
-- # create-external-table
CREATE EXTERNAL TABLE p STORED AS PARQUET LOCATION '../data/demo/person.parquet'
-- fixed
SELECT COUNT(*) AS people FROM person
-- # create-view
CREATE VIEW everybody AS SELECT * FROM person
-- fixed
SELECT COUNT(*) AS people FROM person
-- # set
SET datafusion.execution.target_partitions = 1
-- fixed
SELECT COUNT(*) AS people FROM person
-- # show-tables
SHOW TABLES
-- fixed
SELECT COUNT(*) AS people FROM person
-- # explain
EXPLAIN SELECT COUNT(*) FROM person
-- fixed
SELECT COUNT(*) AS people FROM person
-- # explain-analyze
EXPLAIN ANALYZE SELECT COUNT(*) FROM person
-- fixed
SELECT COUNT(*) AS people FROM person
-- # information-schema
SELECT COUNT(*) AS n FROM information_schema.tables
-- fixed
SELECT COUNT(*) AS people FROM person
-- # file-as-table
SELECT COUNT(*) AS n FROM '../data/demo/person.parquet'
-- fixed
SELECT COUNT(*) AS n FROM person
-- # url-as-table
SELECT COUNT(*) AS n FROM "https://example.org/person.parquet"
-- fixed
SELECT COUNT(*) AS n FROM person
-- # table-function
SELECT COUNT(*) AS n FROM generate_series(1, 1000000000)
-- fixed
SELECT COUNT(*) AS n FROM person
-- # table-function-of-a-file
SELECT * FROM read_parquet('../data/demo/person.parquet')
-- fixed
SELECT COUNT(*) AS n FROM person
-- # unnest
SELECT COUNT(*) AS n FROM UNNEST([1, 2, 3])
-- fixed
SELECT COUNT(*) AS n FROM person
-- # prepare
PREPARE q AS SELECT COUNT(*) FROM person
-- fixed
SELECT COUNT(*) AS n FROM person
-- # placeholder
SELECT COUNT(*) AS n FROM person WHERE year_of_birth = $1
-- fixed
SELECT COUNT(*) AS n FROM person WHERE year_of_birth = 1950
-- # several-statements
SELECT COUNT(*) AS n FROM person; SELECT COUNT(*) AS n FROM death
-- fixed
SELECT COUNT(*) AS n FROM person
-- # recursive
WITH RECURSIVE numbers AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers) SELECT COUNT(*) AS n FROM numbers
-- fixed
WITH numbers AS (SELECT 1 AS n) SELECT a.n AS people FROM (SELECT COUNT(*) AS n FROM person) AS a
-- # lateral
SELECT COUNT(*) AS n FROM person AS p, LATERAL (SELECT * FROM death AS d WHERE d.person_id = p.person_id) AS l
-- fixed
SELECT COUNT(*) AS n FROM person AS p JOIN death AS d ON d.person_id = p.person_id
-- # correlated-scalar-subquery
SELECT SUM((SELECT COUNT(*) FROM visit_occurrence AS v WHERE v.person_id = p.person_id)) AS n FROM person AS p
-- fixed
SELECT COUNT(*) AS n FROM visit_occurrence
-- # cube
SELECT gender_concept_id, race_concept_id, COUNT(*) AS n FROM person GROUP BY CUBE (gender_concept_id, race_concept_id)
-- # quoted-name
SELECT COUNT(*) AS n FROM "person" WHERE "year_of_birth" > 1950
-- # quoted-wrong-case
SELECT COUNT(*) AS n FROM "Person"
-- fixed
SELECT COUNT(*) AS n FROM person
-- # look-alike
SELECT COUNT(*) AS n FROM pеrson
-- fixed
SELECT COUNT(*) AS n FROM person
-- # engine-names
SELECT __u0 FROM __release_0
-- fixed
SELECT COUNT(*) AS n FROM person
-- # random
SELECT COUNT(*) AS n FROM person WHERE random() < 0.5
-- fixed
SELECT COUNT(*) AS n FROM person
-- # clock
SELECT COUNT(*) AS n FROM person WHERE birth_datetime < now()
-- fixed
SELECT COUNT(*) AS n FROM person WHERE year_of_birth < 2000
-- # input-file
SELECT input_file_name() AS file, COUNT(*) AS n FROM person GROUP BY 1
-- fixed
SELECT COUNT(*) AS n FROM person
-- # repeat
SELECT COUNT(*) AS n FROM person WHERE repeat('x', CASE WHEN person_id = 7 THEN 1000000000 ELSE 1 END) = 'x'
-- fixed
SELECT COUNT(*) AS n FROM person
-- # regular-expression
SELECT COUNT(*) AS n FROM person WHERE person_source_value ~ '(a+)+$'
-- fixed
SELECT COUNT(*) AS n FROM person WHERE person_source_value = 'a'
-- # cast-as-an-oracle
SELECT COUNT(*) AS n FROM person WHERE CAST(person_source_value AS INT) = 1
-- # division-as-an-oracle
SELECT COUNT(*) AS n FROM person WHERE 1 / (person_id - 7) = 0
-- # array-index-as-an-oracle
SELECT COUNT(*) AS n FROM person WHERE [1, 2][person_id] = 1
-- fixed
SELECT COUNT(*) AS n FROM person
-- # select-into
SELECT COUNT(*) AS n INTO copy FROM person
-- fixed
SELECT COUNT(*) AS n FROM person
-- # values
VALUES (1), (2)
-- fixed
SELECT COUNT(*) AS n FROM person
-- # delete
DELETE FROM person WHERE person_id = 1
-- fixed
SELECT COUNT(*) AS n FROM person
-- # limit-below
SELECT COUNT(*) AS n FROM (SELECT * FROM person ORDER BY person_id LIMIT 1) AS one
-- fixed
SELECT COUNT(*) AS n FROM person
-- # sample
SELECT COUNT(*) AS n FROM person TABLESAMPLE BERNOULLI (10)
-- fixed
SELECT COUNT(*) AS n FROM person
-- # null-in-not-in
SELECT COUNT(*) AS n FROM person WHERE gender_concept_id NOT IN (8507, NULL)
-- fixed
SELECT COUNT(*) AS n FROM person WHERE gender_concept_id NOT IN (8507)
-- # unit-redefined
SELECT COUNT(DISTINCT person_id) AS n FROM (SELECT person_id % 2 AS person_id FROM person) AS p
-- fixed
SELECT COUNT(DISTINCT person_id) AS n FROM person
-- # unit-swapped
SELECT COUNT(DISTINCT person_id) AS n FROM (SELECT provider_id AS person_id FROM visit_occurrence) AS v
-- fixed
SELECT COUNT(*) AS n FROM visit_occurrence
-- # unit-swapped-for-a-join
SELECT COUNT(*) AS n FROM person AS p
JOIN (SELECT provider_id AS person_id FROM visit_occurrence) AS v ON p.person_id = v.person_id
-- fixed
SELECT COUNT(*) AS n FROM person AS p JOIN visit_occurrence AS v ON p.person_id = v.person_id
-- # several-refusals
SELECT MAX(value_as_number) AS a, SUM(person_id) AS b, AVG(unit_concept_id) AS c FROM measurement
WHERE 1 / person_id > 0 AND random() > 0.5
-- fixed
SELECT AVG(value_as_number) AS c FROM measurement
-- # several-unknown-names
SELECT AVG(valu_as_number), COUNT(DISTINCT persn_id) FROM measurement WHERE misty(measurement_id) = 1
-- fixed
SELECT AVG(value_as_number), COUNT(DISTINCT person_id) FROM measurement
-- # unknown-tables
SELECT COUNT(*) AS n FROM persons AS p JOIN visits AS v ON p.person_id = v.person_id
-- fixed
SELECT COUNT(*) AS n FROM person AS p JOIN visit_occurrence AS v ON p.person_id = v.person_id
-- # ambiguous-column
SELECT COUNT(*) AS n FROM person AS p JOIN death AS d ON p.person_id = d.person_id WHERE person_id > 5
-- fixed
SELECT COUNT(*) AS n FROM person AS p JOIN death AS d ON p.person_id = d.person_id WHERE p.person_id > 5
-- # window-without-aggregate
SELECT person_id, ROW_NUMBER() OVER (ORDER BY year_of_birth) AS place FROM person
-- fixed
SELECT AVG(year_of_birth) AS born FROM person
-- # syntax-error
SELECT COUNT(* AS n FROM person
-- fixed
SELECT COUNT(*) AS n FROM person
