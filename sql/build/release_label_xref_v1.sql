-- The labels of each release, by normalised name, with their catalogue numbers.
SELECT DISTINCT release_id, label_name, norm(label_name) AS label_norm, catno AS label_catno, label_id
FROM release_labels_v1
WHERE norm(label_name) <> ''
ORDER BY release_id NULLS LAST, label_name NULLS LAST, label_norm NULLS LAST, label_catno NULLS LAST, label_id NULLS LAST
