-- The genres of each release, by normalised name. A genre may hold commas: it is never split.
SELECT DISTINCT release_id, genre, norm(genre) AS genre_norm
FROM release_genres_v1
WHERE norm(genre) <> ''
ORDER BY release_id NULLS LAST, genre NULLS LAST, genre_norm NULLS LAST
