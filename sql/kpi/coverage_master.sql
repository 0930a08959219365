-- The share of releases that have a master, in basis points.
SELECT 'coverage_bp' AS kpi, 'master' AS member, CASE WHEN count(*) = 0 THEN NULL ELSE 10000 * count(master_id) / count(*) END AS value
FROM releases_v6
