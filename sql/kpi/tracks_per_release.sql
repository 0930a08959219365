-- Tracks of a release: the least number that at least half (95 %) of the releases do not exceed. Releases without tracks have 0.
-- And the share of releases that have a tracklist, in basis points.
WITH per_release AS (SELECT release_id, count(*) AS tracks FROM release_tracks_v1 GROUP BY release_id),
with_tracks AS (SELECT tracks, count(*) AS releases FROM per_release GROUP BY tracks),
counted AS (SELECT CAST(coalesce(sum(releases), 0) AS BIGINT) AS covered FROM with_tracks),
catalogue AS (SELECT count(*) AS total FROM releases_v6),
histogram AS (
  SELECT tracks, releases FROM with_tracks
  UNION ALL
  SELECT 0, total - covered FROM catalogue CROSS JOIN counted
),
running AS (
  SELECT tracks, CAST(sum(releases) OVER (ORDER BY tracks) AS BIGINT) AS up_to, CAST(sum(releases) OVER () AS BIGINT) AS total
  FROM histogram
)
SELECT 'tracks_per_release' AS kpi, 'median' AS member, min(tracks) AS value FROM running WHERE total > 0 AND 2 * up_to >= total
UNION ALL
SELECT 'tracks_per_release', 'p95', min(tracks) FROM running WHERE total > 0 AND 100 * up_to >= 95 * total
UNION ALL
SELECT 'coverage_bp', 'tracklist', CASE WHEN total = 0 THEN NULL ELSE 10000 * covered / total END FROM catalogue CROSS JOIN counted
