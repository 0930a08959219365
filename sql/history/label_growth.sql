-- Labels with the most new releases: those of one snapshot in the schema `main`, those of an earlier one in `earlier`.
SELECT a.label_name_sample AS member, a.n_total_releases - coalesce(b.n_total_releases, 0) AS value
FROM main.label_release_counts_v1 AS a LEFT JOIN earlier.label_release_counts_v1 AS b ON a.label_norm = b.label_norm
WHERE a.n_total_releases > coalesce(b.n_total_releases, 0)
ORDER BY value DESC, a.label_norm
LIMIT 20
