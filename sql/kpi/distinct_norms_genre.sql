-- How many different names of genres there are, when spellings that differ in case and space are one.
SELECT 'distinct_norms' AS kpi, 'genre' AS member, count(DISTINCT genre_norm) AS value FROM release_genre_xref_v1
