-- Hashes of keys that stand on more than one row. No row means that no two rows have the same key. A row is a suspicion only, since other keys
-- may have the same hash. Much cheaper than grouping by texts.
SELECT {{hash}} AS hash
FROM {{dataset}}
GROUP BY {{hash}}
HAVING count(*) > 1
