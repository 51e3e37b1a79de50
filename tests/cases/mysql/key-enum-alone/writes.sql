UPDATE t SET v = v + 1 WHERE e = {'zebra'|'ant'|'mouse'|'é'|''};
DELETE FROM t WHERE e = '{ant|mouse}';
INSERT IGNORE INTO t (e, v) VALUES ('ant', 7), ('mouse', {n});
