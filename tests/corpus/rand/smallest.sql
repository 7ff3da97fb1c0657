-- # no-cell-under-eleven
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 11) site, COUNT(*) AS n FROM rand_hie GROUP BY site
-- # the-count-that-decides-is-asked-for
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 11) site, COUNT(DISTINCT zper) AS people
FROM rand_hie GROUP BY site
-- # as-googlesql-says-it
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_privacy_units_per_group = 5) plan, AVG(meddol) AS cost
FROM rand_hie GROUP BY plan
-- # one-total-or-none
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 20) COUNT(*) AS n, SUM(meddol) AS cost FROM rand_hie
-- # groups-without-another-aggregate
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 3) site FROM rand_hie GROUP BY site
-- # a-total-used-as-a-value
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 3) site, COUNT(*) AS n,
  (SELECT COUNT(*) FROM rand_hie) AS whole FROM rand_hie GROUP BY site
-- # small-groups-and-a-cut-off
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 3) COUNT(*) AS n FROM rand_hie
WHERE meddol > (SELECT AVG(meddol) FROM rand_hie)
-- # groups-of-nobody
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 0) site, COUNT(*) AS n FROM rand_hie GROUP BY site
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 1) site, COUNT(*) AS n FROM rand_hie GROUP BY site
-- # the-same-number-twice
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 5, min_privacy_units_per_group = 5) COUNT(*) AS n
FROM rand_hie
-- fixed
SELECT WITH DIFFERENTIAL_PRIVACY OPTIONS(epsilon = 1, min_units = 5) COUNT(*) AS n FROM rand_hie
