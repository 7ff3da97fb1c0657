-- # mean-of-per-person-totals
SELECT AVG(total) AS cost FROM (SELECT zper, SUM(meddol) AS total FROM rand_hie GROUP BY zper) AS people
-- fixed
SELECT AVG(clamp(total, 0, 10000)) AS cost FROM (SELECT zper, SUM(meddol) AS total FROM rand_hie GROUP BY zper) AS people
-- # per-person-count-distribution
SELECT years, COUNT(*) AS people FROM
(SELECT zper, COUNT(*) AS years FROM rand_hie GROUP BY zper) AS people GROUP BY years
-- # per-person-maximum
SELECT AVG(most) AS worst_year FROM (SELECT zper, MAX(meddol) AS most FROM rand_hie GROUP BY zper) AS people
-- # per-person-and-key
SELECT site, AVG(visits) AS visits FROM
(SELECT zper, site, SUM(mdvis) AS visits FROM rand_hie GROUP BY zper, site) AS people GROUP BY site
-- fixed
SELECT site, AVG(clamp(visits, 0, 100)) AS visits FROM
(SELECT zper, site, SUM(mdvis) AS visits FROM rand_hie GROUP BY zper, site) AS people GROUP BY site
-- # per-person-having
SELECT COUNT(*) AS frequent FROM
(SELECT zper FROM rand_hie GROUP BY zper HAVING SUM(mdvis) > 20) AS people
-- # cohort-by-in
SELECT COUNT(DISTINCT zper) AS people FROM rand_hie
WHERE zper IN (SELECT zper FROM rand_hie WHERE totadm > 0)
-- # cohort-by-exists
SELECT COUNT(DISTINCT a.zper) AS people FROM rand_hie AS a
WHERE EXISTS (SELECT 1 FROM rand_hie AS b WHERE b.zper = a.zper AND b.totadm > 1)
-- # cohort-by-not-exists
SELECT COUNT(DISTINCT a.zper) AS people FROM rand_hie AS a
WHERE NOT EXISTS (SELECT 1 FROM rand_hie AS b WHERE b.zper = a.zper AND b.totadm > 1)
-- # cohort-by-not-in
SELECT COUNT(*) AS n FROM rand_hie WHERE zper NOT IN (SELECT zper FROM rand_hie WHERE totadm > 0)
-- # not-in-on-another-column
SELECT COUNT(*) AS n FROM rand_hie WHERE site NOT IN (SELECT site FROM rand_hie WHERE totadm > 0)
-- fixed
SELECT COUNT(*) AS n FROM rand_hie AS a WHERE NOT EXISTS
(SELECT 1 FROM rand_hie AS b WHERE b.zper = a.zper AND b.site = a.site AND b.totadm > 0)
-- # self-join-on-the-unit
SELECT COUNT(*) AS pairs FROM rand_hie AS a JOIN rand_hie AS b ON a.zper = b.zper AND a.year < b.year
-- # self-join-using
SELECT COUNT(*) AS pairs FROM rand_hie AS a JOIN rand_hie AS b USING (zper)
-- # self-join-off-the-unit
SELECT COUNT(*) AS pairs FROM rand_hie AS a JOIN rand_hie AS b ON a.site = b.site
-- fixed
SELECT COUNT(*) AS pairs FROM rand_hie AS a JOIN rand_hie AS b ON a.zper = b.zper
-- # self-join-on-a-changed-unit
SELECT COUNT(*) AS pairs FROM rand_hie AS a JOIN rand_hie AS b ON a.zper = b.zper + 1
-- fixed
SELECT COUNT(*) AS pairs FROM rand_hie AS a JOIN rand_hie AS b ON a.zper = b.zper
-- # first-year-by-window
SELECT AVG(meddol) AS first_year FROM
(SELECT zper, meddol, ROW_NUMBER() OVER (PARTITION BY zper ORDER BY year) AS place FROM rand_hie) AS years
WHERE place = 1
-- # running-total-by-window
SELECT AVG(clamp(so_far, 0, 5000)) AS so_far FROM
(SELECT SUM(meddol) OVER (PARTITION BY zper ORDER BY year) AS so_far FROM rand_hie) AS years
-- # window-over-everybody
SELECT AVG(place) AS place FROM (SELECT ROW_NUMBER() OVER (ORDER BY meddol) AS place FROM rand_hie) AS years
-- fixed
SELECT AVG(meddol) AS cost FROM rand_hie
-- # rows-of-one-person
SELECT year, AVG(meddol) AS cost FROM rand_hie WHERE zper = 5 GROUP BY year
