-- # top-three-plans
SELECT plan, COUNT(*) AS n FROM rand_hie GROUP BY plan ORDER BY n DESC LIMIT 3
-- # histogram-of-costs
SELECT bucket, COUNT(*) AS n FROM (SELECT zper, width_bucket(meddol, 0, 2000, 20) AS bucket FROM rand_hie) AS t
GROUP BY bucket
-- # histogram-by-site
SELECT site, width_bucket(mdvis, 0, 20, 4) AS visits, COUNT(DISTINCT zper) AS people FROM rand_hie
GROUP BY site, width_bucket(mdvis, 0, 20, 4)
-- # ratio-of-sums
SELECT coins, SUM(outpdol) / SUM(meddol) AS outpatient FROM rand_hie GROUP BY coins
-- # weighted-sum
SELECT SUM(CASE WHEN female = 1 THEN 2 * mdvis ELSE mdvis END) AS weighted FROM rand_hie
-- # a-rate-per-thousand
SELECT site, 1000.0 * COUNT(*) FILTER (WHERE mdvis > 10) / COUNT(*) AS per_thousand FROM rand_hie GROUP BY site
-- # difference-of-means
SELECT AVG(meddol) FILTER (WHERE female = 1) - AVG(meddol) FILTER (WHERE female = 0) AS difference FROM rand_hie
-- # coefficient-of-variation
SELECT site, STDDEV(mdvis) / AVG(mdvis) AS cv FROM rand_hie GROUP BY site
-- # share-of-the-total
SELECT coins, 100.0 * SUM(meddol) / SUM(SUM(meddol)) OVER () AS share FROM rand_hie GROUP BY coins
-- # ranks-of-sites
SELECT site, RANK() OVER (ORDER BY SUM(meddol) DESC) AS place FROM rand_hie GROUP BY site
-- # quartiles-and-range
SELECT APPROX_PERCENTILE_CONT(meddol, 0.75) - APPROX_PERCENTILE_CONT(meddol, 0.25) AS spread, MEDIAN(meddol) AS middle
FROM rand_hie
-- # a-case-above-the-aggregate
SELECT site, CASE WHEN AVG(meddol) > 150 THEN 'dear' ELSE 'cheap' END AS class FROM rand_hie GROUP BY site
-- # several-aggregates-share-one-count
SELECT site, COUNT(meddol) AS n, SUM(meddol) AS total, AVG(meddol) AS mean, VAR(meddol) AS spread FROM rand_hie GROUP BY site
-- # who-was-cut
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, estimate_cut = true) site, COUNT(*) AS n FROM rand_hie GROUP BY site
-- # who-was-cut-by-fewer-rows
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, estimate_cut = true, max_rows_per_group = 1) year, AVG(mdvis) AS visits
FROM rand_hie GROUP BY year
-- # who-was-cut-maybe
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, estimate_cut = 2) COUNT(*) AS n FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, estimate_cut = true) COUNT(*) AS n FROM rand_hie
-- # totals-that-add-up
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, consistent = true) site, female, COUNT(*) AS n, SUM(mdvis) AS visits
FROM rand_hie GROUP BY ROLLUP (site, female)
-- # counts-from-zero-up
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 0.1, consistent = true) plan, COUNT(DISTINCT zper) AS people
FROM rand_hie GROUP BY plan
