-- # epsilon
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 0.5) site, COUNT(*) AS n FROM rand_hie GROUP BY site
-- # epsilon-and-bounds
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 0.5, max_rows_per_group = 2) site, SUM(meddol) AS cost
FROM rand_hie GROUP BY site
-- # rho
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(rho = 0.001) COUNT(*) AS n FROM rand_hie
-- # share
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(share = '0.1%') COUNT(*) AS n FROM rand_hie
-- # delta-for-learned-keys
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, delta = 1e-9) mdvis, COUNT(*) AS n FROM rand_hie GROUP BY mdvis
-- # delta-without-learned-keys
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, delta = 1e-9) COUNT(*) AS n FROM rand_hie
-- # without-options
SELECT WITH DIFFERENTIAL_PRIVACY COUNT(*) AS n, AVG(xage) AS age FROM rand_hie
-- # after-table-expressions
WITH women AS (SELECT * FROM rand_hie WHERE female = 1)
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 0.1) COUNT(*) AS n FROM women
-- # public-groups
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, group_selection_strategy = PUBLIC_GROUPS) site, COUNT(*) AS n
FROM rand_hie GROUP BY site
-- # public-groups-that-are-not
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, group_selection_strategy = PUBLIC_GROUPS) mdvis, COUNT(*) AS n
FROM rand_hie GROUP BY mdvis
-- # unit-column
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, privacy_unit_column = site) COUNT(*) AS n FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) COUNT(*) AS n FROM rand_hie
-- # more-groups-than-allowed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, max_groups_contributed = 3) site, COUNT(*) AS n
FROM rand_hie GROUP BY site
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, max_groups_contributed = 1) site, COUNT(*) AS n
FROM rand_hie GROUP BY site
-- # several-wrong-at-once
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilom = 1, max_groups_contributed = 0, max_rows_per_group = -1, epsilon = 'x')
COUNT(*) AS n FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) COUNT(*) AS n FROM rand_hie
-- # twice
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) COUNT(*) AS n FROM rand_hie
UNION ALL SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) COUNT(*) AS n FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) COUNT(*) AS n FROM rand_hie
UNION ALL SELECT COUNT(*) AS n FROM rand_hie
-- # in-a-subquery
SELECT n FROM (SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) COUNT(*) AS n FROM rand_hie) AS t
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) n FROM (SELECT COUNT(*) AS n FROM rand_hie) AS t
-- # epsilon-of-nothing
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1e-400) COUNT(*) AS n FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 0.1) COUNT(*) AS n FROM rand_hie
-- # epsilon-and-rho
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, rho = 0.1) COUNT(*) AS n FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) COUNT(*) AS n FROM rand_hie
-- # contribution-bounds
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) SUM(meddol, contribution_bounds_per_row => (0, 100)) AS cost
FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) SUM(meddol) AS cost FROM rand_hie
-- # the-place-stays-right
SELECT WITH DIFFERENTIAL_PRIVACY
  OPTIONS(epsilon = 1)
  site,
  COUNT(*) AS n,
  AVG(medol) AS cost
FROM rand_hie GROUP BY site
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1) site, COUNT(*) AS n, AVG(meddol) AS cost
FROM rand_hie GROUP BY site
