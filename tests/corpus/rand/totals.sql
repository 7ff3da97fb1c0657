-- # people
SELECT COUNT(DISTINCT zper) AS people FROM rand_hie
-- # rows-and-people
SELECT COUNT(*) AS n, COUNT(DISTINCT zper) AS people FROM rand_hie
-- # count-of-a-column
SELECT COUNT(meddol) AS with_costs, COUNT(lnmeddol) AS with_log FROM rand_hie
-- # sums
SELECT SUM(meddol) AS medical, SUM(outpdol) AS outpatient, SUM(mdvis) AS visits FROM rand_hie
-- # means
SELECT AVG(meddol) AS cost, AVG(mdvis) AS visits, AVG(xage) AS age FROM rand_hie
-- # sum-and-mean-share-a-count
SELECT SUM(drugdol) AS total, AVG(drugdol) AS mean, COUNT(drugdol) AS n FROM rand_hie
-- # the-same-twice
SELECT SUM(mdvis) AS a, SUM(mdvis) AS b FROM rand_hie
-- # mean-of-listed-values
SELECT AVG(coins) AS coinsurance, SUM(female) AS women, AVG(year) AS year FROM rand_hie
-- # variance
SELECT VAR_POP(mdvis) AS spread, STDDEV(meddol) AS deviation FROM rand_hie
-- fixed
SELECT AVG(mdvis) AS mean FROM rand_hie
-- # with-filter
SELECT COUNT(*) FILTER (WHERE female = 1) AS women, COUNT(*) AS n FROM rand_hie
-- fixed
SELECT COUNT(*) AS women FROM rand_hie WHERE female = 1
-- # median
SELECT APPROX_MEDIAN(meddol) AS median FROM rand_hie
-- fixed
SELECT AVG(meddol) AS mean FROM rand_hie
-- # distinct-of-a-list
SELECT COUNT(DISTINCT plan) AS plans FROM rand_hie
-- # no-rows-at-all
SELECT COUNT(*) AS n, SUM(meddol) AS cost, AVG(mdvis) AS visits FROM rand_hie WHERE 1 = 0
-- # unnamed-columns
SELECT COUNT(*), AVG(meddol) FROM rand_hie
-- # mixed-case-names
SELECT Count(*) AS N FROM Rand_HIE WHERE FEMALE = 1
