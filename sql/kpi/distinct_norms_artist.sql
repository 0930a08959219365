-- How many different names of artists there are, when spellings that differ in case and space are one.
SELECT 'distinct_norms' AS kpi, 'artist' AS member, count(DISTINCT norm_name) AS value FROM artist_name_map_v1
