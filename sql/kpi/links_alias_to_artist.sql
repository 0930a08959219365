-- How many rows refer from an alias to the artist it is, and how many of them to nothing that is there.
SELECT 'links' AS kpi, 'alias_to_artist' AS member, count(alias_id) AS value FROM artist_aliases_v1_typed
UNION ALL
SELECT 'orphans', 'alias_to_artist', count(*)
FROM artist_aliases_v1_typed
WHERE alias_id IS NOT NULL
  AND alias_id NOT IN (SELECT artist_id FROM artists_v1_typed)
