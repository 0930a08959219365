-- Every normalised name an artist is known by. Names of artists that have no record of their own are left out.
WITH named AS (
  SELECT norm_name(name) AS norm_name, artist_id FROM artists_v1_typed
  UNION
  SELECT norm_name(realname) AS norm_name, artist_id FROM artists_v1_typed
  UNION
  SELECT norm_name(name) AS norm_name, artist_id FROM artist_name_variations_v1
  UNION
  SELECT norm_name(alias_name) AS norm_name, coalesce(alias_id, artist_id) AS artist_id FROM artist_aliases_v1_typed
  UNION
  SELECT norm_name(group_name) AS norm_name, member_id AS artist_id FROM artist_memberships_v1_typed
)
SELECT norm_name, artist_id
FROM named
WHERE norm_name <> ''
  AND artist_id IN (SELECT artist_id FROM artists_v1_typed)
ORDER BY norm_name NULLS LAST, artist_id NULLS LAST
