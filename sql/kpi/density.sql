-- How many rows of a table a release has on average, in basis points: 15,000 are one and a half.
WITH counted AS (
  SELECT 'credits' AS member, count(*) AS row_count FROM release_credits_v1
  UNION ALL SELECT 'tracks', count(*) FROM release_tracks_v1
  UNION ALL SELECT 'labels', count(*) FROM release_labels_v1
  UNION ALL SELECT 'genres', count(*) FROM release_genres_v1
  UNION ALL SELECT 'styles', count(*) FROM release_styles_v1
  UNION ALL SELECT 'formats', count(*) FROM release_formats_v1
  UNION ALL SELECT 'identifiers', count(*) FROM release_identifiers_v1
  UNION ALL SELECT 'companies', count(*) FROM release_companies_v1
  UNION ALL SELECT 'videos', count(*) FROM release_videos_v1
)
SELECT 'density_bp' AS kpi, member, CASE WHEN total = 0 THEN NULL ELSE 10000 * row_count / total END AS value
FROM counted CROSS JOIN (SELECT count(*) AS total FROM releases_v6) AS releases
