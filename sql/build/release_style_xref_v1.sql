-- The styles of each release, by normalised name. A style may hold commas: it is never split.
SELECT DISTINCT release_id, style, norm(style) AS style_norm
FROM release_styles_v1
WHERE norm(style) <> ''
ORDER BY release_id NULLS LAST, style NULLS LAST, style_norm NULLS LAST
