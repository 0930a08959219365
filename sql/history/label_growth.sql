-- Labels with the most new releases: from the counts of an earlier snapshot to those of a later one.
SELECT a.label_name_sample AS member, a.n_total_releases - coalesce(b.n_total_releases, 0) AS value
FROM {{after}} AS a LEFT JOIN {{before}} AS b ON a.label_norm = b.label_norm
WHERE a.n_total_releases > coalesce(b.n_total_releases, 0)
ORDER BY value DESC, a.label_norm
LIMIT 20
