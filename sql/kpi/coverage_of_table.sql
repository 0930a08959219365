-- The share of releases that have a row in a table, in basis points.
SELECT 'coverage_bp' AS kpi, {{member}} AS member, CASE WHEN total = 0 THEN NULL ELSE 10000 * covered / total END AS value
FROM (SELECT count(DISTINCT release_id) AS covered FROM {{dataset}}) AS counted
CROSS JOIN (SELECT count(*) AS total FROM releases_v6) AS releases
