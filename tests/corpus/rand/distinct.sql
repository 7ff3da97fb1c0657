-- # plans-by-site
SELECT site, COUNT(DISTINCT plan) AS plans FROM rand_hie GROUP BY site
-- # of-an-expression
SELECT COUNT(DISTINCT CAST(meddol / 100 AS BIGINT)) AS hundreds FROM rand_hie
-- # of-doubles
SELECT plan, COUNT(DISTINCT meddol) AS costs FROM rand_hie GROUP BY plan
-- # of-a-column-without-bounds
SELECT COUNT(DISTINCT lnmeddol) AS logarithms FROM rand_hie
-- # with-a-filter
SELECT site, COUNT(DISTINCT num) FILTER (WHERE female = 1) AS sizes, COUNT(DISTINCT num) AS all_sizes
FROM rand_hie GROUP BY site
-- # beside-rows-and-people
SELECT COUNT(DISTINCT mdvis) AS kinds, COUNT(mdvis) AS n, SUM(mdvis) AS visits, COUNT(DISTINCT zper) AS people FROM rand_hie
-- # values-per-person
SELECT 1.0 * kinds / people AS each FROM (SELECT COUNT(DISTINCT mdvis) AS kinds, COUNT(DISTINCT zper) AS people FROM rand_hie) AS t
-- # of-a-tuple
SELECT COUNT(DISTINCT plan, site) AS places FROM rand_hie
-- fixed
SELECT COUNT(DISTINCT CAST(plan AS VARCHAR) || '/' || CAST(site AS VARCHAR)) AS places FROM rand_hie
-- # of-truth
SELECT year, COUNT(DISTINCT meddol > 0) AS both FROM rand_hie GROUP BY year
-- # the-person-as-a-text
SELECT COUNT(DISTINCT CAST(zper AS VARCHAR)) AS people FROM rand_hie
-- # distinct-sum
SELECT SUM(DISTINCT mdvis) AS visits FROM rand_hie
-- fixed
SELECT SUM(mdvis) AS visits FROM rand_hie
-- # of-a-constant
SELECT COUNT(DISTINCT 1) AS one FROM rand_hie
-- # having-few
SELECT site FROM rand_hie GROUP BY site HAVING COUNT(DISTINCT plan) > 3 ORDER BY site
