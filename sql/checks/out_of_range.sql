-- Rows whose value in one column lies outside its range. NULL is in range.
SELECT {{columns}}
FROM {{dataset}}
WHERE {{column}} < {{lowest}} OR {{column}} > {{highest}}
