-- # more-for-the-mean
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, weights = 'cost = 4') site, COUNT(*) AS n, AVG(meddol) AS cost
FROM rand_hie GROUP BY site
-- # less-for-a-median
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, weights = 'median = 0.25, n = 2') COUNT(*) AS n,
  MEDIAN(meddol) AS median FROM rand_hie
-- # weights-of-a-ratios-parts
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, weights = 'outpatient = 3') outpatient / whole AS share
FROM (SELECT SUM(outpdol) AS outpatient, SUM(meddol) AS whole FROM rand_hie) AS t
-- # weights-of-the-totals-row
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, weights = 'people = 2') site, COUNT(DISTINCT zper) AS people,
  SUM(mdvis) AS visits FROM rand_hie GROUP BY ROLLUP (site)
-- # weight-of-an-unknown-column
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, weights = 'costs = 4') AVG(meddol) AS cost FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, weights = 'cost = 4') AVG(meddol) AS cost FROM rand_hie
-- # weight-of-nothing
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, weights = 'cost = 0') AVG(meddol) AS cost FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) AVG(meddol) AS cost FROM rand_hie
