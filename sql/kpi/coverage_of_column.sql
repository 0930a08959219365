-- The share of releases that have a value in a column, in basis points.
SELECT 'coverage_bp' AS kpi, {{member}} AS member,
  CASE WHEN count(*) = 0 THEN NULL ELSE 10000 * count({{column}}) / count(*) END AS value
FROM releases_v6
