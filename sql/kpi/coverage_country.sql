-- The share of releases that have a country, in basis points.
SELECT 'coverage_bp' AS kpi, 'country' AS member, CASE WHEN count(*) = 0 THEN NULL ELSE 10000 * count(country) / count(*) END AS value
FROM releases_v6
