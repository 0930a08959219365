-- Releases by the decade of their year; those without a year are in none.
SELECT 'releases_by_decade' AS kpi, CAST(released_year / 10 * 10 AS VARCHAR) AS member, count(*) AS value
FROM releases_v6
WHERE released_year IS NOT NULL
GROUP BY released_year / 10 * 10
