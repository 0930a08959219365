-- How many styles a release has on average, in basis points: 15,000 are one and a half.
SELECT 'density_bp' AS kpi, 'styles' AS member, CASE WHEN total = 0 THEN NULL ELSE 10000 * row_count / total END AS value
FROM (SELECT count(*) AS row_count FROM release_styles_v1) AS counted
CROSS JOIN (SELECT count(*) AS total FROM releases_v6) AS releases
