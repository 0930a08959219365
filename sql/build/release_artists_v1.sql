-- The main artists of each release, by normalised name: credits of the release itself, not of its tracks, not the extras.
SELECT DISTINCT release_id, norm(artist_name) AS artist_norm, artist_id, artist_name
FROM release_credits_v1
WHERE track_seq IS NULL
  AND credit = 'artist'
  AND norm(artist_name) <> ''
ORDER BY release_id NULLS LAST, artist_norm NULLS LAST, artist_id NULLS LAST, artist_name NULLS LAST
