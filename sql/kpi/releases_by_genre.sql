-- Releases by genre; one release counts once for each different one it has.
SELECT 'releases_by_genre' AS kpi, genre AS member, count(DISTINCT release_id) AS value
FROM release_genres_v1
WHERE genre IS NOT NULL
GROUP BY genre
