-- # ends-of-a-count
SELECT site, COUNT(*) AS n, dp_interval_low(COUNT(*)) AS lo, dp_interval_high(COUNT(*)) AS hi FROM rand_hie GROUP BY site
-- # ends-of-a-mean-and-a-ratio
SELECT coins, dp_interval_low(AVG(meddol)) AS lo, dp_interval_high(SUM(outpdol) / SUM(meddol)) AS hi
FROM rand_hie GROUP BY coins
-- # sites-certain-to-have-rows
SELECT site, COUNT(*) AS n FROM rand_hie GROUP BY site HAVING dp_interval_low(COUNT(*)) > 0
-- # top-two-by-their-lower-end
SELECT plan, n FROM (SELECT plan, COUNT(*) AS n FROM rand_hie GROUP BY plan) AS t ORDER BY dp_interval_low(n) DESC LIMIT 2
-- # ends-of-a-rollup
SELECT site, dp_interval_low(SUM(mdvis)) AS lo, dp_interval_high(SUM(mdvis)) AS hi FROM rand_hie GROUP BY ROLLUP (site)
-- # a-cut-off-at-the-upper-end
SELECT COUNT(*) AS n FROM rand_hie WHERE meddol > (SELECT dp_interval_high(AVG(meddol)) FROM rand_hie)
-- # ends-of-rows
SELECT AVG(dp_interval_low(meddol)) AS lo FROM rand_hie
-- fixed
SELECT dp_interval_low(AVG(meddol)) AS lo FROM rand_hie
-- # ends-of-a-key
SELECT site, dp_interval_low(site) AS lo, COUNT(*) AS n FROM rand_hie GROUP BY site
-- fixed
SELECT site, dp_interval_low(COUNT(*)) AS lo, COUNT(*) AS n FROM rand_hie GROUP BY site
-- # ends-inside-an-aggregate
SELECT SUM(dp_interval_low(n)) AS lo FROM (SELECT site, COUNT(*) AS n FROM rand_hie GROUP BY site) AS t
-- fixed
SELECT dp_interval_low(SUM(n)) AS lo FROM (SELECT site, COUNT(*) AS n FROM rand_hie GROUP BY site) AS t
