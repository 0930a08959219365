-- The share of releases that have a style, in basis points.
SELECT 'coverage_bp' AS kpi, 'style' AS member, CASE WHEN count(*) = 0 THEN NULL ELSE 10000 * count(styles) / count(*) END AS value
FROM releases_v6
