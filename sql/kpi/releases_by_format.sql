-- Releases by format; one release counts once for each different one it has.
SELECT 'releases_by_format' AS kpi, format_name AS member, count(DISTINCT release_id) AS value
FROM release_formats_v1
WHERE format_name IS NOT NULL
GROUP BY format_name
