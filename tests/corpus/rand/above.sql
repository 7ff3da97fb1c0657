-- # having
SELECT plan, COUNT(DISTINCT zper) AS people, AVG(mdvis) AS visits FROM rand_hie
WHERE plan IS NOT NULL GROUP BY plan HAVING COUNT(DISTINCT zper) >= 3 ORDER BY visits DESC
-- # ratio-of-sums
SELECT SUM(outpdol) / SUM(mdvis) AS dollars_per_visit FROM rand_hie
-- # limit-above
SELECT site, COUNT(*) AS n FROM rand_hie GROUP BY site ORDER BY n DESC LIMIT 2
-- # table-expression
WITH sites AS (SELECT site, COUNT(*) AS n FROM rand_hie GROUP BY site)
SELECT site, n FROM sites WHERE n > 3
-- # table-expression-below
WITH women AS (SELECT * FROM rand_hie WHERE female = 1)
SELECT site, COUNT(*) AS n FROM women GROUP BY site
-- # released-twice
WITH sites AS (SELECT site, COUNT(*) AS n FROM rand_hie GROUP BY site)
SELECT a.site, a.n - b.n AS change FROM sites AS a JOIN sites AS b ON a.site = b.site
-- # share-of-all
SELECT site, n, n * 1.0 / SUM(n) OVER () AS part FROM
(SELECT site, COUNT(*) AS n FROM rand_hie WHERE site IS NOT NULL GROUP BY site) AS sites
-- # rank-above
SELECT plan, RANK() OVER (ORDER BY cost DESC) AS place FROM
(SELECT plan, AVG(meddol) AS cost FROM rand_hie WHERE plan IS NOT NULL GROUP BY plan) AS plans
-- # maximum-above
SELECT MAX(cost) AS largest FROM (SELECT site, AVG(meddol) AS cost FROM rand_hie GROUP BY site) AS sites
-- # union-of-releases
SELECT 'women' AS who, COUNT(*) AS n FROM rand_hie WHERE female = 1
UNION ALL SELECT 'children' AS who, COUNT(*) AS n FROM rand_hie WHERE child = 1
-- # two-questions-in-one
SELECT a.n AS all_rows, b.n AS women FROM (SELECT COUNT(*) AS n FROM rand_hie) AS a
CROSS JOIN (SELECT COUNT(*) AS n FROM rand_hie WHERE female = 1) AS b
-- # scalar-subquery-above
SELECT site, n, n - (SELECT COUNT(*) FROM rand_hie) AS rest FROM
(SELECT site, COUNT(*) AS n FROM rand_hie GROUP BY site) AS sites
-- # arithmetic-above
SELECT site, COUNT(*) * 2 + 1 AS odd, CASE WHEN AVG(meddol) > 100 THEN 'dear' ELSE 'cheap' END AS cost
FROM rand_hie GROUP BY site
-- # adaptive-cutoff
SELECT COUNT(*) AS n FROM rand_hie WHERE meddol > (SELECT AVG(meddol) FROM rand_hie)
