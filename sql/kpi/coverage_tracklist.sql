-- The share of releases that have a tracklist, in basis points.
SELECT 'coverage_bp' AS kpi, 'tracklist' AS member, CASE WHEN total = 0 THEN NULL ELSE 10000 * covered / total END AS value
FROM (SELECT count(DISTINCT release_id) AS covered FROM release_tracks_v1) AS counted
CROSS JOIN (SELECT count(*) AS total FROM releases_v6) AS releases
