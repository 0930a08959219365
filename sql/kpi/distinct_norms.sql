-- How many different names there are, when spellings that differ in case and space are one.
SELECT 'distinct_norms' AS kpi, 'artist' AS member, count(DISTINCT norm_name) AS value FROM artist_name_map_v1
UNION ALL
SELECT 'distinct_norms', 'label', count(DISTINCT label_norm) FROM label_release_counts_v1
UNION ALL
SELECT 'distinct_norms', 'genre', count(DISTINCT genre_norm) FROM release_genre_xref_v1
UNION ALL
SELECT 'distinct_norms', 'style', count(DISTINCT style_norm) FROM release_style_xref_v1
