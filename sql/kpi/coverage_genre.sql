-- The share of releases that have a genre, in basis points.
SELECT 'coverage_bp' AS kpi, 'genre' AS member, CASE WHEN count(*) = 0 THEN NULL ELSE 10000 * count(genres) / count(*) END AS value
FROM releases_v6
