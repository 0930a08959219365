-- Tracks of a release: the least number that at least half (95 %) of the releases do not exceed. Releases without tracks have 0.
WITH per_release AS (SELECT count(*) AS tracks FROM release_tracks_v1 GROUP BY release_id),
histogram AS (
  SELECT tracks, count(*) AS releases FROM per_release GROUP BY tracks
  UNION ALL
  SELECT 0, (SELECT count(*) FROM releases_v6) - (SELECT count(*) FROM per_release)
),
running AS (
  SELECT tracks, CAST(sum(releases) OVER (ORDER BY tracks) AS BIGINT) AS up_to, CAST(sum(releases) OVER () AS BIGINT) AS total
  FROM histogram
)
SELECT 'tracks_per_release' AS kpi, 'median' AS member, min(tracks) AS value FROM running WHERE total > 0 AND 2 * up_to >= total
UNION ALL
SELECT 'tracks_per_release', 'p95', min(tracks) FROM running WHERE total > 0 AND 100 * up_to >= 95 * total
