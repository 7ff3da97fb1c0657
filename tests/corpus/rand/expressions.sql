-- # case-band
SELECT CASE WHEN xage < 18 THEN 'child' WHEN xage < 40 THEN 'young' ELSE 'old' END AS band, COUNT(*) AS n
FROM rand_hie GROUP BY band
-- # clamp
SELECT AVG(clamp(meddol, 0, 500)) AS cost FROM rand_hie
-- # greatest-least
SELECT SUM(LEAST(GREATEST(mdvis, 0), 9)) AS visits FROM rand_hie
-- # sum-of-columns
SELECT AVG(outpdol + drugdol + suppdol) AS cost FROM rand_hie
-- # difference
SELECT SUM(meddol - inpdol) AS outpatient FROM rand_hie
-- # product-of-indicators
SELECT SUM(female * child) AS girls FROM rand_hie
-- # scaled
SELECT AVG(meddol / 100) AS hundreds, AVG(mdvis * 2 - 1) AS odd FROM rand_hie
-- # division-by-a-column
SELECT AVG(meddol / mdvis) AS cost_per_visit FROM rand_hie
-- fixed
SELECT SUM(meddol) / SUM(mdvis) AS cost_per_visit FROM rand_hie
-- # integer-buckets
SELECT mdvis / 5 AS bucket, COUNT(*) AS n FROM rand_hie GROUP BY mdvis / 5
-- # width-bucket
SELECT width_bucket(meddol, 0, 2000, 4) AS bucket, COUNT(*) AS n FROM rand_hie GROUP BY width_bucket(meddol, 0, 2000, 4)
-- # modulo
SELECT mdvis % 2 AS odd, COUNT(*) AS n FROM rand_hie GROUP BY mdvis % 2
-- # coalesce
SELECT AVG(COALESCE(lnmeddol, 0)) AS log_cost FROM rand_hie
-- fixed
SELECT AVG(clamp(COALESCE(lnmeddol, 0), 0, 12)) AS log_cost FROM rand_hie
-- # nullif
SELECT COUNT(NULLIF(mdvis, 0)) AS with_visits FROM rand_hie
-- # try-cast
SELECT AVG(TRY_CAST(mdvis AS DOUBLE)) AS visits FROM rand_hie
-- # cast-to-text
SELECT CAST(site AS VARCHAR) AS site, COUNT(*) AS n FROM rand_hie GROUP BY CAST(site AS VARCHAR)
-- # absolute-value
SELECT AVG(ABS(mhi - 50)) AS from_middle FROM rand_hie
-- # rounding
SELECT SUM(FLOOR(meddol)) AS floors, AVG(ROUND(xage)) AS rounded FROM rand_hie
-- # square-root
SELECT AVG(SQRT(meddol)) AS root FROM rand_hie
-- # logarithm
SELECT AVG(LN(meddol + 1)) AS log_cost FROM rand_hie
-- # unbounded-column
SELECT AVG(linc) AS log_income FROM rand_hie
-- fixed
SELECT AVG(income) AS income FROM rand_hie
-- # unbounded-column-clamped
SELECT AVG(clamp(linc, 0, 12)) AS log_income FROM rand_hie
-- # sum-of-the-unit
SELECT SUM(zper) AS ids FROM rand_hie
-- fixed
SELECT COUNT(DISTINCT zper) AS people FROM rand_hie
-- # unit-compared
SELECT COUNT(*) AS n FROM rand_hie WHERE zper = 7
-- # unit-as-number
SELECT AVG(clamp(zper, 0, 100)) AS id FROM rand_hie
-- # nested-case
SELECT SUM(CASE WHEN female = 1 THEN CASE WHEN child = 1 THEN 2 ELSE 1 END ELSE 0 END) AS score FROM rand_hie
-- # boolean-arithmetic
SELECT COUNT(*) AS n FROM rand_hie WHERE (female = 1) = (child = 1)
-- # between-and-or
SELECT COUNT(*) AS n FROM rand_hie WHERE xage BETWEEN 20 AND 40 AND (mdvis > 3 OR NOT female = 1)
-- # is-distinct-from
SELECT COUNT(*) AS n FROM rand_hie WHERE site IS DISTINCT FROM 1
-- # overflow
SELECT SUM(totadm * 9223372036854775807) AS huge FROM rand_hie
-- # division-by-zero
SELECT COUNT(*) AS n FROM rand_hie WHERE 1 / mdvis > 0
-- # exponent
SELECT AVG(EXP(lnmeddol)) AS cost FROM rand_hie
-- fixed
SELECT AVG(clamp(EXP(lnmeddol), 0, 2000)) AS cost FROM rand_hie
