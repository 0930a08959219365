-- The share of releases that have a credit with the id of an artist, in basis points.
SELECT 'coverage_bp' AS kpi, 'credit_artist' AS member, CASE WHEN total = 0 THEN NULL ELSE 10000 * covered / total END AS value
FROM (SELECT count(DISTINCT release_id) AS covered FROM release_credits_v1 WHERE artist_id IS NOT NULL) AS counted
CROSS JOIN (SELECT count(*) AS total FROM releases_v6) AS releases
