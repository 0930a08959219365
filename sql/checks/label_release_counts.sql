-- Labels whose number of releases is not what the table it is counted from says.
SELECT coalesce(counted.label_norm, expected.label_norm) AS label_norm, counted.n_total_releases, expected.n_releases
FROM label_release_counts_v1 AS counted
FULL JOIN (
  SELECT label_norm, count(DISTINCT release_id) AS n_releases
  FROM release_label_xref_v1
  GROUP BY label_norm
) AS expected ON expected.label_norm = counted.label_norm
WHERE counted.n_total_releases IS DISTINCT FROM expected.n_releases
