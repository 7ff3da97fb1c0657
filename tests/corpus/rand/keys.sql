-- # by-site
SELECT site, COUNT(*) AS n FROM rand_hie GROUP BY site
-- # by-site-without-null
SELECT site, AVG(meddol) AS cost FROM rand_hie WHERE site IS NOT NULL GROUP BY site ORDER BY site
-- # by-plan-and-sex
SELECT plan, female, COUNT(DISTINCT zper) AS people FROM rand_hie GROUP BY plan, female
-- # by-three-keys
SELECT site, coins, female, COUNT(*) AS n FROM rand_hie WHERE site IN (1, 2) GROUP BY site, coins, female
-- # some-values-only
SELECT plan, SUM(mdvis) AS visits FROM rand_hie WHERE plan IN (1, 4, 19, 77) GROUP BY plan
-- # all-but-one-value
SELECT coins, COUNT(*) AS n FROM rand_hie WHERE coins <> 0 GROUP BY coins
-- # smaller-values
SELECT plan, COUNT(*) AS n FROM rand_hie WHERE plan < 5 GROUP BY plan
-- # not-in-values
SELECT site, COUNT(*) AS n FROM rand_hie WHERE site NOT IN (1, 2, 3) GROUP BY site
-- # no-value-is-left
SELECT site, COUNT(*) AS n FROM rand_hie WHERE site = 99 GROUP BY site
-- # by-a-test
SELECT meddol > 100 AS costly, COUNT(*) AS n FROM rand_hie GROUP BY meddol > 100
-- # by-null
SELECT lnmeddol IS NULL AS free, COUNT(*) AS n FROM rand_hie GROUP BY lnmeddol IS NULL
-- # by-position
SELECT year, COUNT(*) AS n FROM rand_hie GROUP BY 1 ORDER BY 1
-- # learned-visits
SELECT mdvis, COUNT(*) AS n FROM rand_hie GROUP BY mdvis
-- # learned-and-declared
SELECT female, num, COUNT(DISTINCT zper) AS people FROM rand_hie GROUP BY female, num
-- # by-a-double
SELECT meddol, COUNT(*) AS n FROM rand_hie GROUP BY meddol
-- fixed
SELECT meddol > 100 AS costly, COUNT(*) AS n FROM rand_hie GROUP BY meddol > 100
-- # by-the-unit
SELECT zper, AVG(meddol) AS cost FROM rand_hie GROUP BY zper
-- fixed
SELECT AVG(meddol) AS cost FROM rand_hie
-- # by-the-unit-in-disguise
SELECT zper + 0 AS someone, COUNT(*) AS n FROM rand_hie GROUP BY zper + 0
-- # keys-without-aggregate
SELECT site FROM rand_hie GROUP BY site
-- fixed
SELECT site, COUNT(DISTINCT zper) AS people FROM rand_hie GROUP BY site
-- # distinct-keys
SELECT DISTINCT site FROM rand_hie
-- fixed
SELECT site, COUNT(DISTINCT zper) AS people FROM rand_hie GROUP BY site
-- # rollup
SELECT site, female, COUNT(*) AS n FROM rand_hie GROUP BY ROLLUP (site, female)
-- # grouping-sets
SELECT site, coins, COUNT(*) AS n FROM rand_hie GROUP BY GROUPING SETS ((site), (coins))
-- # by-a-constant
SELECT 1 AS one, COUNT(*) AS n FROM rand_hie GROUP BY 1
-- # too-many-public-cells
SELECT plan, site, coins, year, female, child, COUNT(*) AS n FROM rand_hie
GROUP BY plan, site, coins, year, female, child
