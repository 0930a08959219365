-- Blocks of 32 positions of a record in which one may be taken twice: as bits, distinct positions sum up to their union. No row means that no
-- two rows have the same key. A row is a suspicion only, since blocks that share their number are taken together. Much cheaper than grouping by
-- the whole key: it takes one number, and few of them.
SELECT bitwise_xor({{record}}, bitwise_left_shift(CAST(abs({{position}} / 32) % 65536 AS BIGINT), 44)) AS block
FROM {{dataset}}
GROUP BY bitwise_xor({{record}}, bitwise_left_shift(CAST(abs({{position}} / 32) % 65536 AS BIGINT), 44))
HAVING count({{position}}) < count(*)
  OR min({{position}}) < 0
  OR sum(bitwise_left_shift(CAST(1 AS BIGINT), abs({{position}} % 32)))
    <> bitwise_or_agg(bitwise_left_shift(CAST(1 AS BIGINT), abs({{position}} % 32)))
