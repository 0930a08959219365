-- Releases by style; one release counts once for each different one it has.
SELECT 'releases_by_style' AS kpi, style AS member, count(DISTINCT release_id) AS value
FROM release_styles_v1
WHERE style IS NOT NULL
GROUP BY style
