-- The share of the largest label, and of the ten largest, in the releases that have a label, in basis points.
WITH places AS (
  SELECT label_norm, row_number() OVER (ORDER BY n_total_releases DESC, label_norm) AS place
  FROM label_release_counts_v1
),
top_releases AS (
  SELECT xref.release_id, min(places.place) AS place
  FROM release_label_xref_v1 AS xref JOIN places ON places.label_norm = xref.label_norm
  WHERE places.place <= 10
  GROUP BY xref.release_id
),
counted AS (
  SELECT count(CASE WHEN place = 1 THEN 1 END) AS of_first, count(*) AS of_ten FROM top_releases
),
labelled AS (SELECT count(DISTINCT release_id) AS total FROM release_label_xref_v1)
SELECT 'top_label_share_bp' AS kpi, 'top_1' AS member, CASE WHEN total = 0 THEN NULL ELSE 10000 * of_first / total END AS value
FROM counted CROSS JOIN labelled
UNION ALL
SELECT 'top_label_share_bp', 'top_10', CASE WHEN total = 0 THEN NULL ELSE 10000 * of_ten / total END
FROM counted CROSS JOIN labelled
