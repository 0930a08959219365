-- The share of releases that have a year, in basis points.
SELECT 'coverage_bp' AS kpi, 'year' AS member, CASE WHEN count(*) = 0 THEN NULL ELSE 10000 * count(released_year) / count(*) END AS value
FROM releases_v6
