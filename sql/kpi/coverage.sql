-- The share of releases that have something, in basis points.
WITH releases AS (
  SELECT count(*) AS total, count(master_id) AS with_master, count(released_year) AS with_year, count(country) AS with_country,
    count(genres) AS with_genre, count(styles) AS with_style
  FROM releases_v6
),
counted AS (
  SELECT 'master' AS member, with_master AS covered FROM releases
  UNION ALL SELECT 'year', with_year FROM releases
  UNION ALL SELECT 'country', with_country FROM releases
  UNION ALL SELECT 'genre', with_genre FROM releases
  UNION ALL SELECT 'style', with_style FROM releases
  UNION ALL SELECT 'barcode', count(DISTINCT release_id) FROM release_identifiers_v1 WHERE identifier_type = 'Barcode'
  UNION ALL SELECT 'video', count(DISTINCT release_id) FROM release_videos_v1
  UNION ALL SELECT 'tracklist', count(DISTINCT release_id) FROM release_tracks_v1
  UNION ALL SELECT 'credit_artist', count(DISTINCT release_id) FROM release_credits_v1 WHERE artist_id IS NOT NULL
)
SELECT 'coverage_bp' AS kpi, member, CASE WHEN total = 0 THEN NULL ELSE 10000 * covered / total END AS value
FROM counted CROSS JOIN releases
