-- How many rows refer from a credit of a release to an artist, and how many of them to nothing that is there.
SELECT 'links' AS kpi, 'release_to_artist' AS member, count(artist_id) AS value FROM release_credits_v1
UNION ALL
SELECT 'orphans', 'release_to_artist', count(*)
FROM release_credits_v1
WHERE artist_id IS NOT NULL
  AND artist_id NOT IN (SELECT artist_id FROM artists_v1_typed)
