-- How many releases each normalised label name has; the sample is the first spelling by code point.
SELECT label_norm, min(label_name) AS label_name_sample, count(DISTINCT release_id) AS n_total_releases
FROM release_label_xref_v1
GROUP BY label_norm
ORDER BY label_norm NULLS LAST, label_name_sample NULLS LAST, n_total_releases NULLS LAST
