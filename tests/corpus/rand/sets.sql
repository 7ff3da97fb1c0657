-- # totals-beside-parts
SELECT site, GROUPING(site) AS all_sites, COUNT(*) AS n, AVG(meddol) AS cost FROM rand_hie GROUP BY ROLLUP (site)
-- # cube-of-two
SELECT female, coins, COUNT(DISTINCT zper) AS people, SUM(mdvis) AS visits FROM rand_hie GROUP BY CUBE (female, coins)
-- # margins-only
SELECT site, coins, SUM(meddol) AS cost FROM rand_hie GROUP BY GROUPING SETS ((site), (coins), ())
-- # a-key-and-a-rollup
SELECT year, site, COUNT(*) AS n FROM rand_hie GROUP BY year, ROLLUP (site)
-- # the-same-set-twice
SELECT site, COUNT(*) AS n FROM rand_hie GROUP BY GROUPING SETS ((site), (site))
-- # rollup-of-expressions
SELECT xage >= 18 AS adult, mdvis > 0 AS seen, COUNT(*) AS n FROM rand_hie GROUP BY ROLLUP (xage >= 18, mdvis > 0)
-- # rollup-with-filter-and-quantile
SELECT site, COUNT(*) FILTER (WHERE female = 1) AS women, MEDIAN(meddol) AS median FROM rand_hie GROUP BY ROLLUP (site)
-- # only-the-totals-of-a-rollup
SELECT site, n FROM (SELECT site, GROUPING(site) AS g, COUNT(*) AS n FROM rand_hie GROUP BY ROLLUP (site)) AS t
WHERE g = 1
-- # share-of-the-rolled-up-total
SELECT a.site, 100.0 * a.n / b.n AS share
FROM (SELECT site, GROUPING(site) AS g, COUNT(*) AS n FROM rand_hie GROUP BY ROLLUP (site)) AS a
CROSS JOIN (SELECT site, GROUPING(site) AS g, COUNT(*) AS n FROM rand_hie GROUP BY ROLLUP (site)) AS b
WHERE a.g = 0 AND b.g = 1
-- # rollup-without-an-aggregate
SELECT site FROM rand_hie GROUP BY ROLLUP (site)
-- fixed
SELECT site, COUNT(DISTINCT zper) AS people FROM rand_hie GROUP BY ROLLUP (site)
-- # rollup-over-the-unit
SELECT zper, COUNT(*) AS n FROM rand_hie GROUP BY ROLLUP (zper)
-- fixed
SELECT AVG(n) AS rows_each FROM (SELECT zper, clamp(COUNT(*), 0, 5) AS n FROM rand_hie GROUP BY zper) AS t
-- # too-large-a-cube
SELECT COUNT(*) AS n FROM rand_hie GROUP BY CUBE (site, coins, female, child, year, plan)
-- fixed
SELECT COUNT(*) AS n FROM rand_hie GROUP BY GROUPING SETS ((site, coins), (site), ())
